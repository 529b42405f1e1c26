/*  model -- calls of the model: retries, limits, breaker and budget, shared by all conversations of a worker
    OWNS    the connections, and what is known about the server; the settings are the caller's
    THREAD  any number of calls side by side
    FAILS   with a trouble_t; the log says more
    COST    a call blocks its thread, and no other call

    Retried are 408, 409, 429, 5xx, broken connections and streams, and whatever the server says is to be tried
    again (x-should-retry), after retry-after-ms, retry-after, or 0.5 s * 2^n up to 8 s less up to a quarter. Never
    retried: a spend limit, a wrong key, a request that is refused.  */

#ifndef ADVISOR_CLAUDE_MODEL_H
#define ADVISOR_CLAUDE_MODEL_H

#include "advisor/claude/message.h"
#include "advisor/claude/settings.h"
#include "advisor/claude/trouble.h"

typedef struct model model_t;

typedef void model_log_t (void *arg, const char *line);

plv_err_t model_new (const settings_t *settings, model_log_t *log, void *log_arg,
                     model_t **ret_model, plv_fail_t *ret_fail);
void model_destroy (model_t **self_p);

const settings_t *model_settings (const model_t *self);

/*  One call on behalf of one question.  */
typedef struct {
    int64_t deadline_us; /* monotonic: then the request is cancelled */
    int64_t money_left;  /* of the session, in millionths of a US dollar; negative: no limit */
    bool (*cancelled) (void *arg);
    message_said_t *said; /* text as it comes; only from the first attempt that says anything */
    void *arg;            /* of both */
} model_ask_t;

/*  What a question has cost, over all its calls and attempts.  */
typedef struct {
    int64_t money; /* millionths of a US dollar */
    int64_t input; /* tokens, cached ones included */
    int64_t output;
    unsigned attempts;
    char request_id[MESSAGE_WORD_BYTES]; /* of the last attempt */
} bill_t;

/*  `body`: the request, whose `stream` is set here. TROUBLE_NONE: `message` is complete. `bill` is added to.  */
trouble_t model_call (model_t *self, json_t *body, const model_ask_t *ask, message_t *message,
                      bill_t *bill);

/*  What these tokens cost.  */
int64_t model_price (const settings_t *settings, const usage_t *usage);

/*  A word for a user that says nothing about them: the same text gives the same word, for this key only.  */
enum { MODEL_OPAQUE_BYTES = 33 };
void model_opaque (const model_t *self, plv_view_t user, char ret_word[MODEL_OPAQUE_BYTES]);

#endif
