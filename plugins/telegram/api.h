/*  api -- asks the Bot API something
    OWNS    the requests that wait for their answers
    THREAD  the host's loop
    FAILS   `done` is told what became of it: see outcome.h
    COST    a request; parameters are JSON

    What an answer means for everybody is seen to here: how long a chat is to be left alone, and that the token is no
    good. `chat_id` among the parameters names the chat.  */

#ifndef TELEGRAM_API_H
#define TELEGRAM_API_H

#include "telegram/outcome.h"
#include "telegram/telegram.h"

typedef void (api_fn) (void *arg, const outcome_t *outcome);

/*  `done` (may be NULL) is called once, always later. Takes `params` (NULL: none, or memory ran out). Gives what
    api_cancel takes; NULL: memory ran out, and `done` is not called.  */
api_call_t *api_call (telegram_t *self, const char *method, json_t *params, uint32_t timeout_ms,
                      api_fn *done, void *arg);

/*  `done` is not called any more; Telegram may do what was asked all the same.  */
void api_cancel (api_call_t **call_p);

void api_cancel_all (telegram_t *self);

#endif
