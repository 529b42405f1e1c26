/*  delivery_parts -- what a delivery is made of; for delivery.c and its two helpers only
    OWNS    see delivery.h
    THREAD  the host's loop
    FAILS   see delivery.h
    COST    see delivery.h  */

#ifndef TELEGRAM_DELIVERY_PARTS_H
#define TELEGRAM_DELIVERY_PARTS_H

#include "telegram/api.h"
#include "telegram/delivery.h"
#include "telegram/notice.h"
#include "telegram/parts.h"

/*  The broker has answered. `fault`: what is in the way of going on; NULL: nothing is.  */
typedef void (progress_fn) (delivery_t *self, const char *fault);

struct delivery {
    telegram_t *owner;
    delivery_t *next, *previous;
    uint64_t number;
    pal_id_t id, event; /* the reply's, and that of what it answers (empty: nothing) */
    int64_t chat, thread;
    int64_t answers; /* the message that it shows as answered; 0: none */
    char *text;      /* in Markdown */
    json_t *buttons;
    notice_t question;
    bool notice;   /* the first part begins with it */
    bool streamed; /* the broker keeps a note of the message that was streamed into */
    bool kept;     /* and one of the parts that are sent */
    bool plain;    /* without formatting */
    bool waits;    /* for the chat to be free */
    parts_t parts;
    size_t at;          /* the part that is to be sent next */
    int64_t edit_id;    /* a message that becomes the first part; 0: none */
    int64_t message_id; /* of the newest part that is sent */
    unsigned tries;     /* of requests for this part */
    int64_t until_us;   /* longer it does not wait here */
    uint64_t timer;
    api_call_t *call;
    progress_fn *go_on; /* when what is kept is read or written */
};

/*  progress.c: reads and writes what the broker keeps.  */
void progress_read (delivery_t *self, progress_fn *go_on);
void progress_write (delivery_t *self, progress_fn *go_on);
void progress_read_stream (delivery_t *self, progress_fn *go_on);
void progress_remove (const delivery_t *self);

/*  request.c: the parts, made or made anew; the method and its parameters for the one that is next.  */
bool request_make_parts (delivery_t *self);
json_t *request_of (const delivery_t *self, const char **ret_method);

#endif
