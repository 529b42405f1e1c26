#include "bench/bench_window.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void bench_window_init (bench_window_t *self, const bench_options_t *options, const pid_t *clients,
                        unsigned count)
{
    *self = (bench_window_t){.options = options, .clients = clients, .client_count = count};
    self->latency_ns =
        plv_alloc_zero (options->count + options->warm + 1, sizeof *self->latency_ns);
}

void bench_window_free (bench_window_t *self)
{
    free (self->latency_ns);
    self->latency_ns = NULL;
}

uint64_t bench_window_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static bench_used_t look (const bench_window_t *self)
{
    pid_t server = self->options->server;
    bench_used_t now = {
        .seconds = (double) bench_window_now_ns () / 1e9,
        .server_s = bench_process_cpu_s (server),
        .clients_s = bench_process_cpu_s (getpid ()),
        .disk_bytes = bench_process_number (server, "io", "write_bytes"),
        .written_bytes = bench_process_number (server, "io", "wchar"),
        .machine = bench_machine_now (),
    };
    for (unsigned i = 0; i < self->client_count; i++)
        now.clients_s += bench_process_cpu_s (self->clients[i]);
    return now;
}

void bench_window_open (bench_window_t *self)
{
    self->open = true;
    self->start = look (self);
}

void bench_window_add (bench_window_t *self, uint64_t latency_ns)
{
    if (self->open)
        self->latency_ns[self->count++] = latency_ns;
}

void bench_window_close (bench_window_t *self)
{
    const bench_used_t *start = &self->start;
    bench_used_t end = look (self);
    self->open = false;
    self->used = (bench_used_t){
        .seconds = end.seconds - start->seconds,
        .server_s = end.server_s - start->server_s,
        .clients_s = end.clients_s - start->clients_s,
        .disk_bytes = end.disk_bytes - start->disk_bytes,
        .written_bytes = end.written_bytes - start->written_bytes,
        .machine = {.steal = end.machine.steal - start->machine.steal,
                    .idle = end.machine.idle - start->machine.idle,
                    .all = end.machine.all - start->machine.all},
    };
}

static int by_size (const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *) a, right = *(const uint64_t *) b;
    return (left > right) - (left < right);
}

static double percentile_us (const bench_window_t *self, double share)
{
    return self->count
               ? (double) self->latency_ns[(size_t) ((double) (self->count - 1) * share)] / 1e3
               : 0;
}

static void print_resources (const bench_window_t *self, double count)
{
    const bench_used_t *used = &self->used;
    double ticks = used->machine.all > 0 ? used->machine.all : 1;
    printf ("\"srv_cpu_s_100k\": %.3f, \"cli_cpu_s_100k\": %.3f, \"cpu_s_100k\": %.3f, ",
            used->server_s * 1e5 / count, used->clients_s * 1e5 / count,
            (used->server_s + used->clients_s) * 1e5 / count);
    printf (
        "\"srv_rss_kb\": %ld, \"srv_hwm_kb\": %ld, \"srv_wbytes_rt\": %.0f, \"srv_wchar_rt\": %.0f, ",
        bench_process_number (self->options->server, "status", "VmRSS"),
        bench_process_number (self->options->server, "status", "VmHWM"),
        (double) used->disk_bytes / count, (double) used->written_bytes / count);
    printf ("\"steal_pct\": %.1f, \"idle_pct\": %.1f", 100 * used->machine.steal / ticks,
            100 * used->machine.idle / ticks);
}

void bench_window_print (bench_window_t *self, const char *bench, double carried)
{
    const bench_options_t *options = self->options;
    double count = self->count ? (double) self->count : 1;
    qsort (self->latency_ns, self->count, sizeof *self->latency_ns, by_size);
    printf (
        "{\"bench\": \"%s\", \"tag\": \"%s\", \"workers\": %u, \"outstanding\": %u, \"payload\": %zu, ",
        bench, options->tag, options->workers, options->outstanding, options->body);
    printf ("\"history\": %u, \"think_us\": %u, \"count\": %.0f, \"secs\": %.3f, \"rps\": %.0f, ",
            options->history, options->think_us, count, self->used.seconds,
            count / self->used.seconds);
    printf (
        "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, ",
        percentile_us (self, .5), percentile_us (self, .9), percentile_us (self, .99),
        percentile_us (self, .999), percentile_us (self, 1));
    print_resources (self, count);
    printf (", \"carried_rt\": %.0f}\n", carried);
    fflush (stdout);
}
