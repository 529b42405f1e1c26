/*  talk -- one question put to the model: rounds of calls and tools until there is an answer
    OWNS    the result's texts, freed by talk_result_free
    THREAD  any number side by side; the catalogue is used with its lock held
    FAILS   into `trouble`; the answer then has to come from elsewhere
    COST    blocks its thread for as long as the model takes, until the deadline at most

    Each finished call is a saved step, together with what its tools returned: a question that is asked again after a
    crash goes on behind the last call that was paid for, with the very same words. Nothing personal leaves (pii.h).  */

#ifndef ADVISOR_CLAUDE_TALK_H
#define ADVISOR_CLAUDE_TALK_H

#include "advisor/claude/evidence.h"
#include "advisor/claude/model.h"
#include "advisor/understand/understand.h"

#include <pthread.h>

/*  Who asked: all of these but `delta` and `cancelled` must be there.  */
typedef struct {
    bool (*step_get) (void *arg, const char *name, plv_view_t *ret_result);
    plv_err_t (*step_save) (void *arg, const char *name, plv_view_t result, plv_fail_t *ret_fail);
    bool (*turn_next) (void *arg, size_t *at, bool *ret_person, plv_view_t *ret_text);
    void (*delta) (void *arg, plv_view_t text);
    bool (*cancelled) (void *arg);
    void *arg;
} talk_host_t;

typedef struct {
    model_t *model;
    catalogue_t *catalogue;
    pthread_mutex_t *lock; /* of the catalogue */
    const talk_host_t *host;
    const reading_t *reading;
    plv_view_t text;
    plv_view_t user;
    int year;
    int64_t deadline_us;
    int64_t money_left; /* of the session; negative: no limit */
} talk_t;

typedef struct {
    trouble_t trouble;
    bool gone;      /* the job is somebody else's by now: say nothing */
    json_t *answer; /* the model's last object, personal data put back; NULL in trouble */
    evidence_t evidence;
    bill_t bill;
    json_t *request_ids;
    char model[MESSAGE_WORD_BYTES];
    char category[MESSAGE_WORD_BYTES]; /* of a refusal */
    unsigned rounds;
} talk_result_t;

void talk (const talk_t *self, talk_result_t *ret_result);
void talk_result_free (talk_result_t *self);

#endif
