/*  outcome -- what became of a request to the Bot API, by one table (outcome.def)
    OWNS    the answer's JSON, until outcome_free
    THREAD  the host's loop
    FAILS   never: what cannot be read is UNKNOWN, and `reason` says so
    COST    one parse of the answer

    Polling reads its updates from `result`, sending its message_id; both ask `verdict` first. The two conflicts
    of getUpdates are told apart: RIVAL and WEBHOOK.  */

#ifndef TELEGRAM_OUTCOME_H
#define TELEGRAM_OUTCOME_H

#include "sdk/adapter.h"

#include <jansson.h>

enum { OUTCOME_REASON_BYTES = 200 };

typedef enum {
#define VERDICT(name, end, meaning) VERDICT_##name,
#define OUTCOME(first, last, words, verdict, meaning)
#include "telegram/outcome.def"
#undef VERDICT
#undef OUTCOME
} verdict_t;

typedef struct {
    verdict_t verdict;
    uint32_t retry_after_ms; /* 0: not said */
    int64_t migrate_to;      /* MIGRATE: the chat's new id; 0: not said */
    int64_t message_id;      /* SENT: of the message, when the result is one; else 0 */
    const json_t *result;    /* SENT: what the method gave; NULL otherwise. Lent by `root` */
    json_t *root;            /* the whole answer; NULL: none that is JSON */
    char reason[OUTCOME_REASON_BYTES]; /* "400 Bad Request: chat not found"; empty: SENT */
} outcome_t;

void outcome_read (outcome_t *self, const pal_answer_t *answer);
void outcome_free (outcome_t *self);

const char *verdict_name (verdict_t verdict);

/*  How a delivery ends that came to this, when nothing more is tried.  */
pal_outcome_t verdict_end (verdict_t verdict);

#endif
