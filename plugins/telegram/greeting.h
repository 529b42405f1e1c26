/*  greeting -- /start, answered here with conf's start_text
    OWNS    the greetings that are under way
    THREAD  the host's loop
    FAILS   what cannot be sent goes to the agents as any message, so that /start is never lost
    COST    two messages to the broker and one to Telegram

    Telegram may deliver the same /start again after a crash: which one is greeted is kept before it is sent, and again
    when that is over, so that nobody is greeted twice, and a /start whose greeting was cut off goes to the agents.  */

#ifndef TELEGRAM_GREETING_H
#define TELEGRAM_GREETING_H

#include "telegram/intake.h"

/*  Ends with intake->done, or with `pass_on` to the agents.  */
void greeting_begin (intake_t *intake, void (*pass_on) (intake_t *intake));

void greetings_close (telegram_t *self);

#endif
