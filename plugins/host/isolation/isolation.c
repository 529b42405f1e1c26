#include "host/isolation/isolation.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MEMORY_MB_STANDARD = 1024, /* as in settings.def */
    FILES_STANDARD = 16384,
    FILES_LEAST = 64,     /* as in settings.def; ZeroMQ aborts when it finds none */
    MEMORY_MB_MORE = 256, /* address space is more than what is used: stacks, arenas */
};

/* ------------------------------------------------------------------ users and rights */

/*  A low port may still be bound: that is what an adapter may have been started by root for.  */
static int keep_one_right (void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}};
    sets[0].effective = sets[0].permitted = 1u << CAP_NET_BIND_SERVICE;
    for (int right = 0; prctl (PR_CAPBSET_READ, right, 0, 0, 0) >= 0; right++)
        if (right != CAP_NET_BIND_SERVICE)
            prctl (PR_CAPBSET_DROP, right, 0, 0,
                   0); /* without CAP_SETPCAP there is nothing to drop */
    return (int) syscall (SYS_capset, &head, sets);
}

static plv_err_t become (const char *name, plv_fail_t *ret_fail)
{
    errno = 0;
    const struct passwd *user = getpwnam (name);
    if (!user)
        return plv_fail (ret_fail, ERR_CONF, "plugins.user: there is no user %s", name);
    prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (setgroups (0, NULL) || setresgid (user->pw_gid, user->pw_gid, user->pw_gid)
        || setresuid (user->pw_uid, user->pw_uid, user->pw_uid))
        return plv_fail (ret_fail, ERR_PERM, "plugins.user: cannot become %s: %s", name,
                         strerror (errno));
    return ERR_OK;
}

static plv_err_t drop_rights (const char *name, char ret_words[ISOLATION_WORDS_BYTES],
                              plv_fail_t *ret_fail)
{
    bool root = geteuid () == 0, change = root && name && *name;
    int death =
        0; /* the signal at the death of our parent, which the kernel forgets with the user */
    prctl (PR_GET_PDEATHSIG, &death);
    plv_err_t err = change ? become (name, ret_fail) : ERR_OK;
    if (!err && root && keep_one_right ())
        err = plv_fail (ret_fail, ERR_PERM, "the rights of root cannot be given up: %s",
                        strerror (errno));
    prctl (PR_SET_PDEATHSIG, death);
    if (!err)
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "%s",
                  change ? name
                  : root ? "root without its rights"
                         : "as it was");
    return err;
}

/* ------------------------------------------------------------------ limits */

static void limit (int what, uint64_t most)
{
    struct rlimit now;
    if (getrlimit (what, &now) == 0 && now.rlim_max > most)
        setrlimit (what, &(struct rlimit){most, most});
}

static plv_err_t limit_files (const section_t *section, plv_fail_t *ret_fail)
{
    struct rlimit now;
    int64_t files = section_int (section, "files", FILES_STANDARD);
    if (files > 0)
        limit (RLIMIT_NOFILE, (uint64_t) files);
    if (files >= FILES_LEAST && getrlimit (RLIMIT_NOFILE, &now) == 0 && now.rlim_cur < FILES_LEAST)
        return plv_fail (ret_fail, ERR_FULL,
                         "it may open %d files, and needs %d at least: raise the broker's limit "
                         "(LimitNOFILE, ulimit -n)",
                         (int) now.rlim_cur, FILES_LEAST);
    return ERR_OK;
}

static int64_t limit_memory (const section_t *section)
{
    int64_t memory_mb = section_int (section, "memory_mb", MEMORY_MB_STANDARD);
    limit (RLIMIT_CORE, 0);
    if (memory_mb > 0 && !isolation_sanitized ())
        limit (RLIMIT_DATA, (uint64_t) (memory_mb * 2 + MEMORY_MB_MORE) << 20);
    return memory_mb;
}

/* ------------------------------------------------------------------ all of it */

plv_err_t isolation_enter (const isolation_t *self, isolation_words_t *ret_words,
                           plv_fail_t *ret_fail)
{
    isolation_words_t words = {0};
    plv_err_t err = drop_rights (self->user, words.user, ret_fail);
    if (err)
        return err;
    err = limit_files (self->section, ret_fail);
    if (err)
        return err;
    words.memory_mb = limit_memory (self->section);
    bool wanted = section_bool (self->section, "isolated", true);
    if (!wanted)
        snprintf (words.files, sizeof words.files, "off by conf");
    else if (!self->dir && !self->strict)
        snprintf (words.files, sizeof words.files, "off: no directory of its own");
    else
        isolation_files (self, words.files);
    if (wanted)
        isolation_calls (words.calls);
    else
        snprintf (words.calls, sizeof words.calls, "off by conf");
    *ret_words = words;
    return ERR_OK;
}
