#include "bench/bench_process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double bench_process_cpu_s (pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (pid <= 0 || clock_getcpuclockid (pid, &clock) || clock_gettime (clock, &used))
        return 0;
    return (double) used.tv_sec + (double) used.tv_nsec / 1e9;
}

long bench_process_number (pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    size_t size = strlen (key);
    long number = 0;
    snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, file);
    FILE *stream = pid > 0 ? fopen (path, "r") : NULL;
    while (stream && fgets (line, sizeof line, stream))
        if (!strncmp (line, key, size) && line[size] == ':')
            sscanf (line + size + 1, "%ld", &number);
    if (stream)
        fclose (stream);
    return number;
}

bench_machine_t bench_machine_now (void)
{
    /* user, nice, system, idle, iowait, irq, softirq, steal */
    unsigned long ticks[8] = {0};
    bench_machine_t now = {0};
    FILE *stream = fopen ("/proc/stat", "r");
    if (stream
        && fscanf (stream, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &ticks[0], &ticks[1], &ticks[2],
                   &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7])
               == 8)
        now = (bench_machine_t){.steal = (double) ticks[7], .idle = (double) (ticks[3] + ticks[4])};
    for (int i = 0; i < 8; i++)
        now.all += (double) ticks[i];
    if (stream)
        fclose (stream);
    return now;
}
