/*  The machine: ports, limits, memory, clock.  */

#include "palaver/doctor/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

enum { DESCRIPTORS_LEAST = 4096 };

/*  tcp://ADDRESS:PORT with a numeric IPv4 address.  */
static bool parse_address (const char *text, struct sockaddr_in *ret_address)
{
    char host[INET_ADDRSTRLEN];
    const char *start = strncmp (text, "tcp://", 6) == 0 ? text + 6 : text;
    const char *colon = strrchr (start, ':');
    if (!colon || (size_t) (colon - start) >= sizeof host)
        return false;
    snprintf (host, sizeof host, "%.*s", (int) (colon - start), start);
    *ret_address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons ((uint16_t) strtoul (colon + 1, NULL, 10))};
    return inet_pton (AF_INET, host, &ret_address->sin_addr) == 1;
}

/*  0, or why nobody can listen there.  */
static int try_to_listen (const struct sockaddr_in *address)
{
    const int yes = 1;
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    int error = bind (fd, (const struct sockaddr *) address, sizeof *address) ? errno : 0;
    close (fd);
    return error;
}

void check_listen (doctor_t *doctor)
{
    struct sockaddr_in address;
    const char *text = doctor->conf->listen_agents;
    if (!text[0]) {
        doctor_say (doctor, FINDING_SKIPPED, "", "no agents of other machines");
        return;
    }
    if (!parse_address (text, &address)) {
        doctor_say (doctor, FINDING_SKIPPED, "", "%s is not looked at", text);
        return;
    }
    int error = try_to_listen (&address);
    if (doctor->answers && error == EADDRINUSE)
        doctor_say (doctor, FINDING_OK, "", "%s: the broker listens", text);
    else if ((doctor->runs || doctor->closed) && error == EADDRINUSE)
        doctor_say (doctor, FINDING_SKIPPED, "",
                    "%s: somebody listens, and the broker was not asked whether it does", text);
    else if (error)
        doctor_say (doctor, FINDING_PROBLEM, "give another address, or stop who has it", "%s: %s",
                    text, strerror (error));
    else if (doctor->answers)
        doctor_say (doctor, FINDING_WARNING, "restart the broker: the address is new to it",
                    "%s: nobody listens", text);
    else
        doctor_say (doctor, FINDING_OK, "", "%s is free", text);
}

void check_limits (doctor_t *doctor)
{
    struct rlimit files;
    if (getrlimit (RLIMIT_NOFILE, &files))
        return;
    uintmax_t most = files.rlim_max == RLIM_INFINITY ? UINTMAX_MAX : files.rlim_max;
    if (most < DESCRIPTORS_LEAST)
        doctor_say (doctor, FINDING_WARNING, "raise it: ulimit -Hn, or LimitNOFILE of the unit",
                    "a process may open %ju files: room for about as many peers", most);
    else
        doctor_say (doctor, FINDING_OK, "", "a process may open %ju files", most);
}

/*  Megabytes; 0: not known.  */
static uint64_t memory_available_mb (void)
{
    char line[128];
    unsigned long long kilobytes = 0;
    FILE *file = fopen ("/proc/meminfo", "re");
    while (file && fgets (line, sizeof line, file))
        if (sscanf (line, "MemAvailable: %llu kB", &kilobytes) == 1)
            break;
    if (file)
        fclose (file);
    return kilobytes / 1024;
}

void check_memory (doctor_t *doctor)
{
    uint64_t available_mb = memory_available_mb ();
    uint64_t wanted_mb = (uint64_t) doctor->conf->limits_pending_mb;
    if (!available_mb)
        doctor_say (doctor, FINDING_SKIPPED, "", "/proc/meminfo does not say");
    else if (available_mb < wanted_mb)
        doctor_say (doctor, FINDING_WARNING, "lower limits.pending_mb, or add memory",
                    "%ju MiB are available, and limits.pending_mb allows %ju",
                    (uintmax_t) available_mb, (uintmax_t) wanted_mb);
    else
        doctor_say (doctor, FINDING_OK, "", "%ju MiB are available", (uintmax_t) available_mb);
}

void check_clock (doctor_t *doctor)
{
    struct timex clock = {.modes = 0};
    int state = adjtimex (&clock);
    if (state < 0)
        doctor_say (doctor, FINDING_SKIPPED, "", "the system does not say: %s", strerror (errno));
    else if (state == TIME_ERROR || clock.status & STA_UNSYNC)
        doctor_say (
            doctor, FINDING_WARNING, "switch on NTP: timedatectl set-ntp true",
            "the clock is not synchronised: platforms refuse signatures that are minutes old");
    else
        doctor_say (doctor, FINDING_OK, "", "synchronised");
}
