/*  attempt -- one request to the model, from its first byte to the verdict
    OWNS    what it has read, freed by attempt_free
    THREAD  that of its owner
    FAILS   into `trouble`, with what may be done about it
    COST    blocks until the answer is complete, the time is over or the question was cancelled  */

#ifndef ADVISOR_CLAUDE_ATTEMPT_H
#define ADVISOR_CLAUDE_ATTEMPT_H

#include "advisor/claude/http.h"
#include "advisor/claude/model.h"
#include "advisor/claude/sse.h"

typedef struct {
    const settings_t *settings;
    const model_ask_t *ask;
    message_t *message;
    http_call_t *call;
    sse_t sse;
    plv_buf_t body; /* of an answer that is no stream */
    int64_t began_us;
    int64_t heard_us;
    int64_t first_us; /* when the first block began; 0: not yet */
    bool says;        /* give text to ask->said */
    bool has_said;
    int status; /* 0: no answer */
    trouble_t trouble;
    bool retry;      /* another try may help */
    bool fault;      /* the server failed: the breaker counts it */
    bool fatal;      /* and it will fail again until a person does something */
    int64_t wait_us; /* the server's word about when to come back; 0: none */
    char why[192];
} attempt_t;

/*  Reads the answer to the request that `call` has begun, which stays the caller's.  */
void attempt_read (attempt_t *self);
void attempt_free (attempt_t *self);

/*  A retry-after of seconds or an HTTP date, in microseconds from now; 0 for none.  */
int64_t attempt_retry_after (const char *milliseconds, const char *seconds, int64_t now_wall_us);

#endif
