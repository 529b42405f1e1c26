/*  post -- one message on its way through the broker and back, seen from the adapter's side
    OWNS    its connection and its event, freed by post_free
    THREAD  main
    FAILS   see post_run
    COST    one round trip; a broker that is restarted meanwhile is waited for until the deadline  */

#ifndef PALAVER_POST_H
#define PALAVER_POST_H

#include "palaver/ask/link.h"

typedef struct {
    const char *run;     /* the run directory */
    const char *adapter; /* NULL: cli, cli-2, ... */
    const char *platform, *session, *user, *text;
} message_t;

typedef struct {
    const message_t *message;
    link_t link;
    char adapter[NAME_BYTES_MAX + 1];
    plv_id_t id, incarnation;
    bool open;
    bool stored;
    bool answered;
    plv_buf_t envelope, body; /* of the answer */
    /*  Called for answers to earlier messages that were still waiting for this adapter.  */
    void (*other) (plv_view_t envelope, plv_view_t body);
} post_t;

void post_begin (post_t *self, const message_t *message);
void post_free (post_t *self);

/*  Publishes and waits for the answer. ERR_GONE, ERR_NOENT: no broker; ERR_TIMEOUT: `self->stored` says how far it
    came; ERR_BUSY: the broker is at its limits until the deadline; anything else: its reason for not taking it.  */
plv_err_t post_run (post_t *self, int64_t deadline_us, plv_fail_t *ret_fail);

#endif
