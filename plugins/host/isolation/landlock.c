#include "host/isolation/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*  The kernel's interface (Documentation/userspace-api/landlock.rst), whose header on Debian 12 is older than
    the kernels that it runs on.  */
enum {
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_FILE = 1 << 5,
    MAKE_REG = 1 << 8,
    MAKE_SOCK = 1 << 9,
    RIGHTS_1 = (1 << 13) - 1, /* all rights of the first version */
    REFER = 1 << 13,          /* since 2 */
    TRUNCATE = 1 << 14,       /* since 3 */
    IOCTL_DEV = 1 << 15,      /* since 5 */

    SCOPE_SOCKETS = 1, /* abstract ones of others; since 6 */
    SCOPE_SIGNAL = 2,

    CREATE_VERSION = 1,
    RULE_PATH_BENEATH = 1,

    READS = READ_FILE | READ_DIR,
    OWNS = READS | WRITE_FILE | REMOVE_FILE | MAKE_REG | MAKE_SOCK | TRUNCATE,
};

typedef struct {
    uint64_t handled_fs, handled_net, scoped;
} ruleset_t;

typedef struct {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__ ((packed)) beneath_t;

typedef struct {
    int fd;
    uint64_t handled;
} rules_t;

/*  What libraries read: the dynamic linker, the resolver, TLS, time zones. Missing ones are no matter.  */
static const char *const read_only[] = {
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share",
    "/lib",
    "/lib64",
    "/etc/ssl",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/nsswitch.conf",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/dev/urandom",
    "/dev/random",
    "/run/systemd/resolve",
    "/run/resolvconf",
};

static void allow (const rules_t *self, const char *path, uint64_t rights)
{
    struct stat info;
    int fd = open (path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat (fd, &info) == 0 && !S_ISDIR (info.st_mode))
        rights &= READ_FILE | WRITE_FILE | TRUNCATE;
    beneath_t rule = {.allowed = rights & self->handled, .parent_fd = fd};
    syscall (SYS_landlock_add_rule, self->fd, RULE_PATH_BENEATH, &rule, 0);
    close (fd);
}

/*  The resolver's file is often a link to where something keeps it up to date by replacing it.  */
static void allow_target_folder (const rules_t *self, const char *path)
{
    char target[PATH_MAX];
    if (!realpath (path, target))
        return;
    const char *folder = dirname (target);
    if (strcmp (folder, "/etc") != 0 && strcmp (folder, "/") != 0)
        allow (self, folder, READS);
}

static bool ends_with (const char *text, const char *end)
{
    size_t size = strlen (text), its = strlen (end);
    return size >= its && strcmp (text + size - its, end) == 0;
}

/*  What its own configuration names with an absolute path it may read, when that is a file; and where a socket
    is named it may make one.  */
static void allow_named (void *arg, const char *text)
{
    const rules_t *self = arg;
    struct stat info;
    char path[PATH_MAX];
    if (text[0] != '/' || strlen (text) >= sizeof path)
        return;
    if (stat (text, &info) == 0 && S_ISREG (info.st_mode))
        allow (self, text, READ_FILE);
    if (!ends_with (text, ".sock") && !ends_with (text, "/socket"))
        return;
    snprintf (path, sizeof path, "%s", text);
    const char *folder = dirname (path);
    if (strcmp (folder, "/") != 0)
        allow (self, folder, MAKE_SOCK | REMOVE_FILE);
}

static void allow_all (const rules_t *self, const isolation_t *isolation)
{
    for (size_t at = 0; at < sizeof read_only / sizeof *read_only; at++)
        allow (self, read_only[at], READS);
    allow_target_folder (self, "/etc/resolv.conf");
    for (int at = 0; at < 2; at++) {
        const char *certificates = getenv (at ? "SSL_CERT_DIR" : "SSL_CERT_FILE");
        if (certificates)
            allow (self, certificates, READS);
    }
    if (isolation_sanitized ())
        allow (self, "/proc", READS);
    allow (self, "/dev/null", READ_FILE | WRITE_FILE);
    allow (self, isolation->plugin, READ_FILE);
    if (isolation->dir)
        allow (self, isolation->dir, OWNS);
    section_texts (isolation->section, allow_named, (void *) (uintptr_t) self);
}

static ruleset_t ruleset_of (long version)
{
    ruleset_t set = {.handled_fs = RIGHTS_1};
    set.handled_fs |= version >= 2 ? REFER : 0;
    set.handled_fs |= version >= 3 ? TRUNCATE : 0;
    set.handled_fs |= version >= 5 ? IOCTL_DEV : 0;
    set.scoped = version >= 6 ? SCOPE_SOCKETS | SCOPE_SIGNAL : 0;
    return set;
}

static size_t ruleset_bytes (long version)
{
    return version >= 6 ? sizeof (ruleset_t) : version >= 4 ? 16 : 8;
}

void isolation_files (const isolation_t *self, char ret_words[ISOLATION_WORDS_BYTES])
{
    long version = syscall (SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    if (version < 1) {
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "not in this kernel (%s)", strerror (errno));
        return;
    }
    ruleset_t set = ruleset_of (version);
    rules_t rules = {.handled = set.handled_fs};
    rules.fd = (int) syscall (SYS_landlock_create_ruleset, &set, ruleset_bytes (version), 0);
    if (rules.fd < 0) {
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "refused (%s)", strerror (errno));
        return;
    }
    allow_all (&rules, self);
    if (syscall (SYS_landlock_restrict_self, rules.fd, 0) < 0)
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "refused (%s)", strerror (errno));
    else
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "on (Landlock %ld)", version);
    close (rules.fd);
}
