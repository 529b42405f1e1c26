#include "host/isolation/isolation.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*  Sanitizers look for leaks from a process of their own, which traces this one.  */
static bool is_for_sanitizers (const char *name)
{
    return strcmp (name, "ptrace") == 0 || strcmp (name, "process_vm_readv") == 0;
}

static void deny_table (scmp_filter_ctx filter, bool sanitized)
{
    static const char *const names[] = {
#define CALL(name, why) #name,
#include "host/isolation/calls.def"
#undef CALL
    };
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        int number = seccomp_syscall_resolve_name (names[at]);
        if (number >= 0 && !(sanitized && is_for_sanitizers (names[at])))
            seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 0);
    }
}

/*  Threads, but no processes. The arguments of clone3 are in memory, where no filter sees them: without it
    the C library takes clone.  */
static void deny_processes (scmp_filter_ctx filter, bool sanitized)
{
    int clone3 = seccomp_syscall_resolve_name ("clone3");
    if (clone3 >= 0)
        seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), clone3, 0);
    if (!sanitized)
        seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (clone), 1,
                          SCMP_A0 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/*  Signals to nobody but ourselves.  */
static void deny_signals (scmp_filter_ctx filter)
{
    static const char *const names[] = {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"};
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        int number = seccomp_syscall_resolve_name (names[at]);
        seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 1,
                          SCMP_A0 (SCMP_CMP_NE, (scmp_datum_t) getpid (), 0));
    }
    seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (tkill), 0);
}

/*  Limits and priorities of nobody but ourselves: who has the broker's user could take its descriptors away, or slow
    it down.  */
static void deny_others (scmp_filter_ctx filter)
{
    const struct {
        const char *name;
        unsigned argument;
        scmp_datum_t own;
    } rules[] = {
#define OTHERS(name, argument, own, why) {#name, argument, own},
#include "host/isolation/others.def"
#undef OTHERS
    };
    for (size_t at = 0; at < sizeof rules / sizeof *rules; at++) {
        int number = seccomp_syscall_resolve_name (rules[at].name);
        seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 1,
                          SCMP_CMP (rules[at].argument, SCMP_CMP_NE, rules[at].own, 0));
    }
}

/*  Internet and Unix sockets, and what the resolver asks the kernel with.  */
static void deny_families (scmp_filter_ctx filter)
{
    for (int family = 0; family < AF_MAX; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK)
            continue;
        seccomp_rule_add (filter, SCMP_ACT_ERRNO (EAFNOSUPPORT), SCMP_SYS (socket), 1,
                          SCMP_A0 (SCMP_CMP_EQ, (scmp_datum_t) family, 0));
    }
}

void isolation_calls (char ret_words[ISOLATION_WORDS_BYTES])
{
    bool sanitized = isolation_sanitized ();
    scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
    if (!filter) {
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "refused (no filter)");
        return;
    }
    deny_table (filter, sanitized);
    deny_processes (filter, sanitized);
    deny_signals (filter);
    deny_others (filter);
    deny_families (filter);
    int wrong = -seccomp_load (filter);
    if (wrong)
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "not in this kernel (%s)", strerror (wrong));
    else
        snprintf (ret_words, ISOLATION_WORDS_BYTES, "on (seccomp)");
    seccomp_release (filter);
}
