/*  The data directory and the disk below it.  */

#include "base/alloc.h"
#include "base/clock.h"
#include "palaver/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { TRIES = 20, SLOW_US = 10000, BAD_US = 100000, PERCENT_LEAST = 5, MIB = 1024 * 1024 };

/*  File systems on which a broker is unsafe or slow (statfs(2), linux/magic.h).  */
static const struct {
    long magic;
    const char *name, *why;
} bad_places[] = {
    {0x01021994, "tmpfs", "a restart of the machine loses everything"},
    {0x858458f6, "ramfs", "a restart of the machine loses everything"},
    {0x6969, "NFS", "locks and syncs over the network are neither fast nor sure"},
    {(long) 0xff534d42, "CIFS", "locks and syncs over the network are neither fast nor sure"},
    {(long) 0xfe534d42, "SMB2", "locks and syncs over the network are neither fast nor sure"},
    {0x794c7630, "overlayfs", "a container's own layer goes with the container: mount a volume"},
};

static bool look_at_owner (doctor_t *doctor, const struct stat *info)
{
    if (!S_ISDIR (info->st_mode)) {
        doctor_say (doctor, FINDING_PROBLEM, "give another one: data.dir", "%s is not a directory",
                    doctor->data);
        return false;
    }
    if (info->st_mode & 077) {
        doctor_say (doctor, FINDING_PROBLEM, "chmod 700 it", "%s: others may look in (mode %04o)",
                    doctor->data, (unsigned) info->st_mode & 07777);
        return false;
    }
    if (info->st_uid != geteuid ())
        doctor_say (doctor, FINDING_WARNING, "run the doctor as the broker's user to see more",
                    "%s belongs to user %u, and this is user %u", doctor->data,
                    (unsigned) info->st_uid, (unsigned) geteuid ());
    return true;
}

void check_data (doctor_t *doctor)
{
    struct stat info;
    struct statfs place;
    if (!doctor->data) {
        doctor_say (doctor, FINDING_PROBLEM, "give --data DIR or set data.dir",
                    "no data directory is known");
        return;
    }
    if (stat (doctor->data, &info)) {
        doctor_say (doctor, errno == ENOENT ? FINDING_OK : FINDING_PROBLEM,
                    errno == EACCES ? DOCTOR_BE_THE_USER : "", "%s: %s%s", doctor->data,
                    strerror (errno),
                    errno == ENOENT ? ": the broker makes it when it starts" : "");
        return;
    }
    if (!look_at_owner (doctor, &info) || statfs (doctor->data, &place))
        return;
    for (size_t at = 0; at < sizeof bad_places / sizeof *bad_places; at++) {
        if ((long) place.f_type == bad_places[at].magic) {
            doctor_say (doctor, FINDING_WARNING, "put the data on a local disk", "%s is on %s: %s",
                        doctor->data, bad_places[at].name, bad_places[at].why);
            return;
        }
    }
    doctor_say (doctor, FINDING_OK, "", "%s", doctor->data);
}

/*  The directory, or as much of its path as there is; the caller frees it.  */
static char *place_of (const doctor_t *doctor)
{
    char *path = plv_strdup (doctor->data && doctor->data[0] == '/' ? doctor->data : ".");
    for (char *slash; access (path, F_OK) && (slash = strrchr (path, '/'));)
        slash[slash == path] = '\0';
    return path;
}

void check_space (doctor_t *doctor)
{
    struct statvfs disk;
    char *place = place_of (doctor);
    int failed = statvfs (place, &disk) ? errno : 0;
    free (place);
    if (failed) {
        doctor_say (doctor, FINDING_SKIPPED, "", "%s", strerror (failed));
        return;
    }
    uint64_t free_mb = (uint64_t) disk.f_bavail * disk.f_frsize / MIB;
    uint64_t percent = disk.f_blocks ? (uint64_t) disk.f_bavail * 100 / disk.f_blocks : 100;
    uint64_t inodes = disk.f_files ? (uint64_t) disk.f_favail * 100 / disk.f_files : 100;
    if (percent < PERCENT_LEAST || inodes < PERCENT_LEAST)
        doctor_say (doctor, FINDING_PROBLEM, "make room: a full disk stops the broker",
                    "%ju MiB (%ju %%) and %ju %% of the inodes are free", (uintmax_t) free_mb,
                    (uintmax_t) percent, (uintmax_t) inodes);
    else if (free_mb < (uint64_t) doctor->conf->data_retain_mb)
        doctor_say (doctor, FINDING_WARNING, "make room, or lower data.retain_mb",
                    "%ju MiB are free, and data.retain_mb allows %jd", (uintmax_t) free_mb,
                    (intmax_t) doctor->conf->data_retain_mb);
    else
        doctor_say (doctor, FINDING_OK, "", "%ju MiB are free", (uintmax_t) free_mb);
}

static int compare (const void *a, const void *b)
{
    int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;
    return (left > right) - (left < right);
}

/*  The median time of a small synced write; negative: it cannot be measured.  */
static int64_t measure_sync (const char *folder)
{
    char block[4096] = {0};
    int64_t times[TRIES];
    int fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    for (int at = 0; at < TRIES; at++) {
        int64_t began_us = plv_clock_mono_us ();
        if (pwrite (fd, block, sizeof block, 0) != sizeof block || fdatasync (fd)) {
            close (fd);
            return -1;
        }
        times[at] = plv_clock_mono_us () - began_us;
    }
    close (fd);
    qsort (times, TRIES, sizeof *times, compare);
    return times[TRIES / 2];
}

void check_sync (doctor_t *doctor)
{
    char *place = place_of (doctor);
    int64_t sync_us = measure_sync (place);
    free (place);
    if (sync_us < 0)
        doctor_say (doctor, FINDING_SKIPPED, "", "nothing can be written there by this user");
    else if (sync_us > BAD_US)
        doctor_say (doctor, FINDING_PROBLEM,
                    "use another disk: every answer waits for two of these",
                    "a synced write takes %.1f ms", (double) sync_us / 1000);
    else if (sync_us > SLOW_US)
        doctor_say (doctor, FINDING_WARNING, "a disk with a battery or capacitors takes under 1 ms",
                    "a synced write takes %.1f ms", (double) sync_us / 1000);
    else
        doctor_say (doctor, FINDING_OK, "", "a synced write takes %.2f ms",
                    (double) sync_us / 1000);
}
