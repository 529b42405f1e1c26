/*  intake -- one update on its way to the broker, from polling or from the webhook
    OWNS    the update, until intake_free
    THREAD  the host's loop
    FAILS   `done` with taken = false: to be offered again after a while, and not to be confirmed
    COST    that of update.h

    What is decided here: who may use the bot, that a button is answered at once, that /start is greeted, which
    reactions are of interest, and that groups that moved keep their session.  */

#ifndef TELEGRAM_INTAKE_H
#define TELEGRAM_INTAKE_H

#include "telegram/telegram.h"
#include "telegram/update.h"

typedef struct intake intake_t;
typedef void (intake_fn) (intake_t *self, bool taken, uint32_t retry_after_ms);

/*  Not to be moved while it is in use. It must live until `done` has been called, or the plugin is closed.  */
struct intake {
    telegram_t *owner;
    update_t update;
    intake_fn *done;
    void *arg; /* of who made it */
    unsigned offers;
};

/*  Offers it; `done` is called once, possibly at once.  */
void intake_offer (intake_t *self);

void intake_free (intake_t *self);

#endif
