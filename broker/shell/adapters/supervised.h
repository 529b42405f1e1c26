/*  supervised -- one adapter: the process that serves, the one that is to replace it, those that drain
    OWNS    its processes
    THREAD  that of the supervisor
    FAILS   never: what goes wrong with its processes is its state and a line in the log
    COST    see host_process.h

    A process that crashes is started again, with exponential backoff and jitter; one that ends as refused is
    not, until its file or its conf changes or somebody asks for it. A new file or conf with which it is refused, or
    crashes before it is open, gives way to the one before it.  */

#ifndef SHELL_SUPERVISED_H
#define SHELL_SUPERVISED_H

#include "core/flow/backoff.h"
#include "shell/adapters/host_process.h"
#include "shell/adapters/plugin_copy.h"
#include "shell/adapters/supervisor.h"

/*  What all adapters share; lent to them.  */
typedef struct {
    supervisor_options_t options; /* the times filled in, the texts its own */
    plv_rng_t rng;
    int epoll;
} supervision_t;

typedef struct {
    plv_node_t node;
    supervision_t *all;
    char name[SUPERVISED_NAME_BYTES];
    plugin_stamp_t stamp;         /* of the file when it was last looked at */
    bool present;                 /* seen by the scan under way */
    plugin_copy_t *copying;       /* the file, which is new or was touched; NULL: it is copied */
    char copy[PLUGIN_PATH_BYTES]; /* what the next process is started with, */
    char *adapters; /* and the configuration that it is given its part of; NULL: none yet */
    char good
        [PLUGIN_PATH_BYTES]; /* those of the last one that was open: what is gone back to; "": none */
    char *good_adapters;
    host_process_t *current; /* serves */
    host_process_t *fresh;   /* started beside it */
    plv_node_t leaving;      /* processes that drain */
    supervised_state_t state;
    int64_t since_us;
    int64_t restart_us;
    bool unwanted;     /* stopped by hand */
    bool removed;      /* its file is gone */
    uint32_t failures; /* one after the other: what the backoff counts */
    uint32_t restarts; /* that nobody asked for */
    supervised_asked_t asked;
    char last[SUPERVISED_WHY_BYTES];
    int64_t last_us;
} supervised_t;

supervised_t *supervised_new (supervision_t *all, const char *name, int64_t now_us);

/*  Kills what still runs.  */
void supervised_destroy (supervised_t **self_p);

/*  Runs `copy` from now on, if it is wanted.  */
void supervised_take (supervised_t *self, const char *copy, int64_t now_us);
/*  Its file will not do; what runs goes on.  */
void supervised_refuse (supervised_t *self, const char *why, int64_t now_us);
/*  The new one, with the conf as it is now, beside the old one, which may be in any state.  */
void supervised_replace (supervised_t *self, int64_t now_us);
/*  An operator wants it to serve, as it is or replaced: from now on `asked` says how that goes.  */
void supervised_ask (supervised_t *self);
/*  Everything drains and leaves.  */
void supervised_stop (supervised_t *self, int64_t now_us);

/*  The same, and nobody looks after them any more.  */
void supervised_let_go (supervised_t *self);

void supervised_step (supervised_t *self, int64_t now_us);
void supervised_stalled (supervised_t *self, int64_t now_us); /* see supervisor.h */
int64_t supervised_deadline (const supervised_t *self);
/*  No process is left.  */
bool supervised_empty (const supervised_t *self);
void supervised_status (const supervised_t *self, supervisor_status_t *ret_status);

#endif
