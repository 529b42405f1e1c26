/*  trials -- many events tried at a time: each goes to an agent, whose answer nobody gets but us
    OWNS    nothing
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    as many questions at a time as are allowed; the broker bounds how long each takes  */

#ifndef PALAVER_TRIALS_H
#define PALAVER_TRIALS_H

#include "palaver/ask/ask.h"

enum { TRIALS_AT_A_TIME_MAX = 200 };

typedef struct {
    asker_t *asker;
    asker_t *idle; /* another connection that is kept alive meanwhile; NULL: none */
    size_t at_a_time;
    int64_t per_second; /* 0: as fast as it goes */
    int64_t begun_us;   /* on the monotonic clock; set by the first one */
    uint64_t begun;     /* trials since then */
    /*  How the trial at `index` ended: `body` is that of `try`, `failed` why it was not even begun (empty: it was).  */
    void (*ended) (void *arg, size_t index, plv_view_t body, plv_view_t failed);
    void *arg;
} trials_t;

/*  Tries what the arguments of `try` (encoded maps) say, and returns when all have ended, or behind an interrupt.  */
ending_t trials_run (trials_t *self, const plv_buf_t *arguments, size_t count);

#endif
