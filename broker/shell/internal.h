/*  internal -- what the files of the broker's shell share
    OWNS    see broker.h
    THREAD  main
    FAILS   see broker.h
    COST    see broker.h

    One turn of the loop (loop.c): drain the sockets into the core, hand what it wants kept to the store in one
    batch, and release what waits for that batch when it is stored (turn.c).  */

#ifndef SHELL_INTERNAL_H
#define SHELL_INTERNAL_H

#include "base/clock.h"
#include "base/proof.h"
#include "core/core.h"
#include "shell/adapters/supervisor.h"
#include "shell/broker.h"
#include "shell/busy_poll.h"
#include "shell/letters_writer.h"
#include "shell/links.h"
#include "shell/paths.h"
#include "store/store.h"

#include <czmq.h>

/*  The effects that are being gathered, and those whose batch the store has.  */
typedef struct {
    effects_t *gather;
    effects_t *flying;
    bool under_way;
    bool settled;     /* all of what a few packets brought is stored, a moment ago */
    uint32_t packets; /* that brought what is gathered */
    uint64_t seq;     /* of the batch under way */
    int64_t began_us; /* monotonic */
} turn_t;

/*  Forgetting old journal: see retention.c.  */
typedef struct {
    int64_t next_us;
    uint64_t drop_below;
    uint64_t candidate;
    uint64_t bytes;
    bool asked;
} retention_t;

struct broker {
    plv_log_t *log;
    const options_t *options;
    paths_t paths;
    store_t *store;
    core_t *core;
    links_t *links;
    letters_writer_t *letters;
    supervisor_t *supervisor;               /* NULL: no plugin directory */
    uint8_t proof_key[PLV_PROOF_KEY_BYTES]; /* of this run */
    int64_t awake_by_us;                    /* by then the loop looks at the time again */
    int64_t hear_until_us;       /* after a stall: until then no timer of the core ends */
    unsigned stalls;             /* since they ended last */
    int64_t metrics_next_us;     /* when the core is told what plugins count */
    int64_t turned_away_next_us; /* when the log may tell of them again */
    zactor_t *auth;              /* NULL: nobody comes from other machines */
    zcert_t *cert;
    zcertstore_t *let_in; /* the keys of agents on other machines */
    char *let_in_dir;
    struct timespec let_in_at; /* when that directory was changed last */
    int64_t let_in_next_us;
    effects_t effects[2];
    turn_t turn;
    busy_poll_t busy_poll;
    unsigned unread; /* sockets that may have more, a bit each */
    plv_buf_t lost;  /* uint32_t numbers of peers that the core does not know to be gone yet */
    retention_t retention;
    int signals;
    bool draining;
    int64_t drain_until_us;
    uint64_t watchdog_us; /* 0: systemd does not watch */
    int64_t watchdog_next_us;
    plv_err_t failed;
    plv_fail_t fail;
};

static inline core_now_t broker_now (void)
{
    return (core_now_t){.mono_us = plv_clock_mono_us (), .wall_us = plv_clock_wall_us ()};
}

/*  describe.c: what others are told of the configuration  */
const char *broker_plugin_dir (const broker_t *self, const plv_conf_t *conf);
supervisor_conf_t broker_adapters_conf (const plv_conf_t *conf);
void broker_describe (broker_t *self); /* again after each reload */

/*  turn.c  */
void turn_input (broker_t *self, const input_t *input);
void turn_prompt (broker_t *self); /* sends what need not wait */
void turn_commit (broker_t *self,
                  bool all);        /* hands over what was gathered, if the store is free */
void turn_answers (broker_t *self); /* takes what the store has finished */
void turn_saved (broker_t *self);   /* tells the core which dead letters are saved */
void turn_fail (broker_t *self,
                const plv_fail_t *why); /* the store has failed: the broker ends, and says why */
void turn_lost (void *broker,
                uint32_t peer); /* a peer's connection is gone: the core is told in turn_prompt */

/*  retention.c  */
void retention_step (broker_t *self, core_now_t now);
bool retention_answer (broker_t *self, store_done_t *done);
enum { RETENTION_TOKEN = 1 };

/*  signals.c  */
plv_err_t signals_open (broker_t *self, plv_fail_t *ret_fail);
void signals_take (broker_t *self);

/*  remote.c: agents on other machines  */
plv_err_t remote_open (broker_t *self, const plv_conf_t *conf, plv_fail_t *ret_fail);
void remote_step (broker_t *self, int64_t now_us); /* cuts off whose key was taken away */
void remote_reload (broker_t *self);               /* also whose key was changed within its file */
void remote_close (broker_t *self);

/*  watch.c: what systemd is told  */
void watch_ready (broker_t *self);
void watch_stopping (broker_t *self);
void watch_step (broker_t *self, int64_t now_us);

#endif
