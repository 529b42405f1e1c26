/*  limiter -- one view of a server's rate limits, fed by the headers of all answers
    OWNS    nothing: a plain value; its owner holds a lock around it
    THREAD  that of its owner
    FAILS   never: headers that make no sense are passed over
    COST    a few comparisons

    What is left is what the last answer said, less the shares of the requests that are on their way: many that
    begin together do not all run into the limit, and of those that waited for a new window no more begin at once
    than a window holds. A server that says "not before" holds everybody back.  */

#ifndef ADVISOR_CLAUDE_LIMITER_H
#define ADVISOR_CLAUDE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    LIMIT_REQUESTS,
    LIMIT_TOKENS,
    LIMIT_INPUT,
    LIMIT_OUTPUT,
    LIMIT_KIND_COUNT_
} limit_kind_t;

typedef struct {
    int64_t closed_until_us;
    struct {
        int64_t left;
        int64_t flying;   /* shares of requests on their way */
        int64_t reset_us; /* 0: not known */
        int64_t most;     /* in a whole window; 0: not known */
    } limits[LIMIT_KIND_COUNT_];
} limiter_t;

/*  "requests", "tokens", "input-tokens", "output-tokens": as in the headers' names.  */
const char *limiter_name (limit_kind_t kind);

/*  0: begin now, and the share is taken until limiter_done; else the time at which to ask again.  */
int64_t limiter_take (limiter_t *self, int64_t input, int64_t output, int64_t now_us);
void limiter_done (limiter_t *self, int64_t input, int64_t output);

/*  What an answer says: `left` of a kind until `reset_us` (monotonic), `most` (0: it does not say) in a window.  */
void limiter_told (limiter_t *self, limit_kind_t kind, int64_t left, int64_t most,
                   int64_t reset_us);

/*  Nobody before that time.  */
void limiter_close (limiter_t *self, int64_t until_us);

/*  An RFC 3339 time in microseconds since 1970; false when it is none.  */
bool limiter_time (const char *text, int64_t *ret_us);

#endif
