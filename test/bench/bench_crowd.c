#include "bench/bench_crowd.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "bench/bench_link.h"
#include "bench/bench_process.h"
#include "bench/bench_window.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEARTBEAT_MS = 2000, SLICES = 100, GREETING_BYTES = 64, SETTLE_US = 500000 };
enum { FLAG_LONG = 2, FLAG_COMMAND = 4 };

static int connect_to (const char *run)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf (address.sun_path, sizeof address.sun_path, "%s/agents.ipc", run);
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect (fd, (const struct sockaddr *) &address, sizeof address))
        bench_die ("%s: %s", address.sun_path, strerror (errno));
    return fd;
}

static void write_all (int fd, const void *data, size_t size)
{
    if (write (fd, data, size) != (ssize_t) size)
        bench_die ("an idle peer cannot write: %s", strerror (errno));
}

static void read_all (int fd, void *data, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = read (fd, (uint8_t *) data + have, size - have);
        if (got <= 0)
            bench_die ("an idle peer was sent away");
        have += (size_t) got;
    }
}

/*  One ZMTP frame, of up to 64 KiB (ZMTP 3.0, "Framing"); returns its size.  */
static size_t read_frame (int fd, uint8_t data[65536], uint8_t *ret_flags)
{
    uint8_t head[8] = {0};
    read_all (fd, ret_flags, 1);
    size_t width = *ret_flags & FLAG_LONG ? 8 : 1;
    read_all (fd, head + 8 - width, width);
    uint64_t size = plv_get_u64 (head);
    if (size > 65536)
        bench_die ("an idle peer got a frame of %llu bytes", (unsigned long long) size);
    read_all (fd, data, (size_t) size);
    return (size_t) size;
}

/*  Greeting and READY of a DEALER with the NULL mechanism.  */
static void greet (int fd, uint8_t data[65536])
{
    static const uint8_t greeting[GREETING_BYTES] = {0xff, 0,    0, 0, 0,   0,   0,   0,
                                                     1,    0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    static const char ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER";
    const uint8_t head[] = {FLAG_COMMAND, sizeof ready - 1};
    uint8_t flags;
    write_all (fd, greeting, sizeof greeting);
    read_all (fd, data, GREETING_BYTES);
    write_all (fd, head, sizeof head);
    write_all (fd, ready, sizeof ready - 1);
    read_frame (fd, data, &flags);
    if (!(flags & FLAG_COMMAND))
        bench_die ("the broker's socket does not speak ZMTP 3");
}

static void say (int fd, const plv_buf_t *packet)
{
    const uint8_t head[] = {0, (uint8_t) packet->size};
    if (packet->size > 255)
        bench_die ("a packet of %zu bytes", packet->size);
    write_all (fd, head, sizeof head);
    write_all (fd, packet->data, packet->size);
}

static int join (const bench_options_t *options, unsigned index, uint8_t data[65536])
{
    char name[32];
    const bench_hello_t hello = {.role = "agent", .name = name, .service = "idle", .credit = 1};
    plv_buf_t packet = {0};
    uint8_t flags;
    int fd = connect_to (options->run);
    greet (fd, data);
    snprintf (name, sizeof name, "idle-%u", index);
    plv_packet_begin (&packet);
    bench_hello_put (&hello, &packet);
    say (fd, &packet);
    plv_buf_free (&packet);
    size_t size = read_frame (fd, data, &flags);
    if (size < 5 || data[PLV_PACKET_HEAD_BYTES] != VERB_WELCOME)
        bench_die ("idle peer %u is not welcome", index);
    return fd;
}

static void drain (int fd)
{
    uint8_t data[4096];
    ssize_t got;
    while ((got = recv (fd, data, sizeof data, MSG_DONTWAIT)) > 0)
        ;
    if (got == 0)
        bench_die ("an idle peer was closed");
}

/*  One slice of the peers says PING, and hears what was answered before.  */
static void beat (const int *peers, uint64_t count, unsigned slice, const plv_buf_t *ping)
{
    for (uint64_t i = slice; i < count; i += SLICES) {
        drain (peers[i]);
        say (peers[i], ping);
    }
}

static void look_on (const int *peers, uint64_t count, double seconds)
{
    plv_buf_t ping = {0};
    uint64_t begun_ns = bench_window_now_ns ();
    plv_packet_begin (&ping);
    plv_frame_end (&ping, plv_frame_begin (&ping, VERB_PING));
    for (unsigned beats = 0; (double) (bench_window_now_ns () - begun_ns) < seconds * 1e9;
         beats++) {
        beat (peers, count, beats % SLICES, &ping);
        usleep (HEARTBEAT_MS * 1000 / SLICES);
    }
    plv_buf_free (&ping);
}

/*  So many peers take longer to come than one may be silent: those that are there say PING meanwhile.  */
static void gather (const bench_options_t *options, int *peers)
{
    static uint8_t data[65536];
    uint64_t beat_ns = bench_window_now_ns ();
    for (uint64_t i = 0; i < options->count; i++) {
        peers[i] = join (options, (unsigned) i, data);
        if (bench_window_now_ns () - beat_ns > HEARTBEAT_MS * 1000000ull) {
            look_on (peers, i + 1, HEARTBEAT_MS / 1000.0);
            beat_ns = bench_window_now_ns ();
        }
    }
}

void bench_crowd_run (const bench_options_t *options)
{
    pid_t server = options->server;
    int *peers = plv_alloc_zero (options->count + 1, sizeof *peers);
    long before_kb = bench_process_number (server, "status", "VmRSS");
    uint64_t begun_ns = bench_window_now_ns ();
    gather (options, peers);
    double joined_s = (double) (bench_window_now_ns () - begun_ns) / 1e9;
    usleep (SETTLE_US);
    long after_kb = bench_process_number (server, "status", "VmRSS");
    double cpu_s = bench_process_cpu_s (server);
    begun_ns = bench_window_now_ns ();
    look_on (peers, options->count, options->seconds);
    double seconds = (double) (bench_window_now_ns () - begun_ns) / 1e9;
    double share = 100 * (bench_process_cpu_s (server) - cpu_s) / seconds;
    long end_kb = bench_process_number (server, "status", "VmRSS");
    printf (
        "{\"bench\": \"idle\", \"peers\": %llu, \"join_s\": %.2f, \"rss_before_kb\": %ld, \"rss_after_kb\": %ld, "
        "\"rss_end_kb\": %ld, \"bytes_per_peer\": %.0f, \"cpu_pct\": %.2f, \"secs\": %.1f}\n",
        (unsigned long long) options->count, joined_s, before_kb, after_kb, end_kb,
        options->count ? (double) (end_kb - before_kb) * 1024 / (double) options->count : 0, share,
        seconds);
    for (uint64_t i = 0; i < options->count; i++)
        close (peers[i]);
    free (peers);
}
