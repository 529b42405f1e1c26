/*  supervisor -- keeps one palaver-adapter running for each plugin in a directory
    OWNS    the child processes, the watch on the directory, the copies that they are loaded from
    THREAD  one; it starts no thread and never forks without exec
    FAILS   supervisor_new with ERR_NOENT, ERR_PERM or ERR_IO; a bad plugin is refused with one line and its
            state says why, the others run on
    COST    one descriptor to poll; nothing while nothing happens

    NAME.so in the directory is the adapter NAME. New: checked, copied to a path that its content names, and
    started. Changed: the new one is started beside the old; when it is open the old one drains and leaves;
    when it fails the old one stays, or comes again. Removed: drained and stopped. A crash is followed by a
    restart, with exponential backoff and jitter; a refusal by none until the file or the conf changes, or
    supervisor_adapter_start is called.

    In the caller's loop: poll supervisor_fd for reading until supervisor_deadline, then supervisor_step.  */

#ifndef SHELL_SUPERVISOR_H
#define SHELL_SUPERVISOR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/log/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct supervisor supervisor_t;

/*  What a reload may change. Texts are copied; NULL is "".  */
typedef struct {
    const char *file; /* how messages call the configuration, and where its relative paths begin */
    const char *adapters; /* its plugins_raw: each host gets its own group */
    const char *user;     /* that hosts run as when we are root; "": none */
    uint32_t hang_ms;     /* 10000: a host whose loop is silent for so long is killed */
    const char *const
        *off; /* names of plugins that are not there for us; supervisor_configure leaves them */
    size_t off_count;
} supervisor_conf_t;

/*  Texts are copied. A time of 0 means the default behind it.  */
typedef struct {
    const char *dir;     /* where plugins are dropped */
    const char *copies;  /* made and emptied: RUN_DIR/plugins */
    const char *program; /* palaver-adapter */
    const char *broker;  /* ipc:// endpoint for the adapters */
    supervisor_conf_t conf;
    plv_log_t *log;
    void (*starts) (void *starts_arg, const char *name); /* NULL; a host has been started */
    void *starts_arg;
    const uint8_t *proof_key; /* 32 bytes, lent for its life: see base/proof.h */
    uint64_t seed;            /* of the jitter */
    uint32_t settle_ms;       /* 50: from the last change in the directory until it is looked at */
    uint32_t backoff_ms;      /* 250: before the first restart; doubles */
    uint32_t backoff_max_ms;  /* 30000 */
    uint32_t steady_ms;       /* 60000: a host that ran for so long starts again at backoff_ms */
    uint32_t open_ms;         /* 30000: for a host to load and open its plugin */
    uint32_t drain_ms; /* 15000: from SIGTERM to SIGKILL, unless the host says how long it drains */
} supervisor_options_t;

/*  SUPERVISED (NAME, "word", "meaning")  */
typedef enum {
#define SUPERVISED(name, word, meaning) SUPERVISED_##name,
#include "shell/adapters/supervised.def"
#undef SUPERVISED
} supervised_state_t;

/*  ASKED (NAME, "word", "meaning")  */
typedef enum {
#define ASKED(name, word, meaning) ASKED_##name,
#include "shell/adapters/asked.def"
#undef ASKED
} supervised_asked_t;

enum { SUPERVISED_WHY_BYTES = 700, SUPERVISED_NAME_BYTES = 65 };

/*  Texts are lent until the next call of the supervisor.  */
typedef struct {
    const char *name;
    supervised_state_t state;
    pid_t pid;            /* 0: no process */
    const char *version;  /* of the plugin; "": not known yet */
    const char *platform; /* the same */
    const char *file;     /* the copy that it runs from */
    uint32_t restarts;    /* that nobody asked for, since the file was first seen */
    supervised_asked_t asked;
    const char *last;    /* the last failure: a signal, an exit code, a refusal; "": none */
    int64_t last_us;     /* when that was */
    const char *trouble; /* DEGRADED: what does not work; else "" */
    int64_t started_us;  /* the process that serves; 0: none */
    int64_t since_us;    /* in this state, on the clock of `now_us` */
    int64_t next_us;     /* RESTARTING: when it starts again; else INT64_MAX */
    pid_t awaits; /* STARTING: an earlier process, which finishes what it has in hand; 0: none */
    int64_t awaits_us; /* when that one is gone at the latest */
} supervisor_status_t;

/*  Looks at the directory and starts what is there. `now_us` is monotonic, here and below.  */
plv_err_t supervisor_new (const supervisor_options_t *options, int64_t now_us,
                          supervisor_t **ret_supervisor, plv_fail_t *ret_fail);

/*  Asks every host to drain and leave, and looks no more after them: they tell the next broker what this one,
    which fails, did not hear.  */
void supervisor_let_go (supervisor_t *self);

/*  Kills what still runs.  */
void supervisor_destroy (supervisor_t **self_p);

/*  One descriptor, readable when supervisor_step has something to do; the same for its whole life.  */
int supervisor_fd (const supervisor_t *self);

/*  When supervisor_step is due at the latest; INT64_MAX: not before the descriptor is readable.  */
int64_t supervisor_deadline (const supervisor_t *self);
void supervisor_step (supervisor_t *self, int64_t now_us);

/*  The broker itself was not run for a while: what no host could say meanwhile is not held against it.  */
void supervisor_stalled (supervisor_t *self, int64_t now_us);

/*  Asks every host to drain and leave, and starts none again; stopped when the last one has ended.  */
void supervisor_stop (supervisor_t *self, int64_t now_us);
bool supervisor_stopped (const supervisor_t *self);

/*  For `palaver adapters`; false: there is no adapter of this name. Restart replaces a running host by a new
    one beside it; stop lasts until start or restart; start and restart try again what was refused, and the status
    says under `asked` how it goes with them.  */
bool supervisor_adapter_start (supervisor_t *self, const char *name, int64_t now_us);
bool supervisor_adapter_stop (supervisor_t *self, const char *name, int64_t now_us);
bool supervisor_adapter_restart (supervisor_t *self, const char *name, int64_t now_us);

/*  Is its file in the directory, or may be, and the conf says that it is not run?  */
bool supervisor_is_off (const supervisor_t *self, const char *name);

/*  What each host is given from now on when it is started; those that run go on.  */
void supervisor_configure (supervisor_t *self, const supervisor_conf_t *conf);

/*  The conf has changed: every adapter is replaced by one that has read it, refused ones are tried again.
    What was stopped by hand stays stopped, and the log says so. What is off now drains and leaves.  */
void supervisor_reload (supervisor_t *self, const supervisor_conf_t *conf, int64_t now_us);

/*  Walks the adapters, in the order in which they were found: `for (size_t at = 0; supervisor_next (...);)`.  */
bool supervisor_next (const supervisor_t *self, size_t *at, supervisor_status_t *ret_status);

/*  Appends what the plugins count, in the Prometheus text format.  */
void supervisor_metrics (const supervisor_t *self, plv_buf_t *out);

/*  "starting", "running", ...  */
const char *supervised_state_name (supervised_state_t state);
/*  "under way", "done", ...  */
const char *supervised_asked_name (supervised_asked_t asked);

#endif
