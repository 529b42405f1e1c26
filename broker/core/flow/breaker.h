/*  breaker -- pauses a route whose jobs fail alike, so that its events wait instead of dying
    OWNS    the sessions that failed since the last success, freed by breaker_free
    THREAD  core only
    FAILS   never
    COST    O(1); 16 to 32 bytes a session that failed, at most `threshold` for each of
            BREAKER_ALIKE_MAX fingerprints

    closed   jobs go out. When `threshold` DIFFERENT sessions have failed with the same fingerprint
             and no job succeeded in between, it opens. One session that fails for ever (poison)
             counts once.
    open     no job goes out for `open_us`; then it is half-open.
    half     one job goes out, the probe. Its success closes, its failure opens again; if it ends
             without a verdict (interrupted, cancelled), another one may go. Late results of jobs
             sent before are no verdict when they are failures; any success closes.

    A zeroed breaker_t is closed.  */

#ifndef CORE_BREAKER_H
#define CORE_BREAKER_H

#include "base/limits.h"
#include "base/map.h"

typedef enum { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF } breaker_state_t;

/*  What a call changed, for the log: nothing, route.paused, route.probing, route.resumed.  */
typedef enum { BREAKER_SAME, BREAKER_PAUSED, BREAKER_PROBING, BREAKER_RESUMED } breaker_change_t;

enum { BREAKER_ALIKE_MAX = 8, BREAKER_WHY_BYTES = NAME_BYTES_MAX + 16 };

/*  Sessions that failed with one fingerprint.  */
typedef struct {
    uint64_t fingerprint; /* hash; 0: unused */
    uint64_t used;        /* the number of the failure that hit it last */
    plv_map_u64_t sessions;
} breaker_alike_t;

typedef struct {
    breaker_state_t state;
    int64_t until_us; /* OPEN: when it becomes half-open */
    uint64_t probe;   /* HALF: the job that is out; 0: none */
    uint64_t calls;   /* failures since the last success */
    breaker_alike_t alike[BREAKER_ALIKE_MAX];
    char why[BREAKER_WHY_BYTES]; /* the fingerprint that opened it last; "" when closed */
} breaker_t;

typedef struct {
    uint64_t threshold;
    int64_t open_us;
} breaker_limits_t;

void breaker_free (breaker_t *self);

/*  OPEN and its time is over: half-open (PROBING). Call it when `until_us` is due; it may be called
    at any time.  */
breaker_change_t breaker_tick (breaker_t *self, int64_t now_us);

/*  May a job of this route go out now?  */
bool breaker_allows (const breaker_t *self);

/*  Job `job` (not 0) goes out. In HALF the first one is the probe. One that was taken before the
    route was paused (gathered for a batch) may go out all the same: its failure is no verdict.  */
void breaker_sent (breaker_t *self, uint64_t job);

breaker_change_t breaker_success (breaker_t *self, uint64_t job);

/*  `session`: the session's hash or number. `fingerprint`: what failed, such as "worker_lost" or
    "nack:llm_unavailable"; failures are alike when it is the same.  */
breaker_change_t breaker_failure (breaker_t *self, uint64_t job, uint64_t session,
                                  plv_view_t fingerprint, int64_t now_us,
                                  const breaker_limits_t *limits);

/*  The job ended without a verdict on the route.  */
void breaker_released (breaker_t *self, uint64_t job);

const char *breaker_state_name (breaker_state_t state);

#endif
