/*  ticket -- a message on its way to its answer
    OWNS    itself, until nobody waits for it and nobody can ask for it any more
    THREAD  the host's loop
    FAILS   ticket_take says how; later failures come through `ended`
    COST    about 500 bytes a message that waits, and its answer when it is kept for a repeat or for polling

    One may wait for a ticket: a request, or a WebSocket that wants to know that its message is safe. A ticket
    that a client can name again (by its Idempotency-Key, or by the Location that it was given) is kept: here
    and, so that it survives a crash, in the broker. `repeats` bounds how many; the oldest go first.  */

#ifndef WEB_TICKET_H
#define WEB_TICKET_H

#include "web/problem.h"
#include "web/shelf.h"
#include "web/text.h"

struct web;

enum { TICKET_HASH_BYTES = 16, TICKET_KEY_BYTES_MAX = 255, TICKET_WORDS_BYTES = 96 };

typedef struct ticket ticket_t;

typedef enum {
    TICKET_PENDING = 0,
    TICKET_DONE = 1,
    TICKET_FAILED = 2,
    TICKET_REPLACED = 3, /* `by` took its place: no answer will come */
    TICKET_STATES_
} ticket_state_t;

typedef enum {
    TICKET_ANSWERED, /* `reply` and `json` */
    TICKET_BUSY,     /* not taken: `retry_after_ms`, `reason`; the ticket is gone after the call */
    TICKET_REJECTED, /* never will be: `reason`; likewise */
    TICKET_LATE,     /* it took too long; `stored` says whether it was taken */
    TICKET_STOPPED,  /* the gateway ends; likewise */
    TICKET_ASIDE,    /* an operator has put it among the dead letters */
    TICKET_INTERRUPTED, /* a newer message took its place: `reason` */
} ticket_how_t;

typedef struct {
    ticket_how_t how;
    bool stored;
    uint32_t retry_after_ms;
    pal_text_t reason;
    const pal_reply_t *reply;
    pal_text_t json; /* the answer as clients see it */
} ticket_end_t;

typedef struct {
    void (*stored) (void *arg, ticket_t *ticket); /* NULL: no matter */
    /*  Words of an attempt at the answer: its first ones have the index 0. NULL: no matter.  */
    void (*delta) (void *arg, ticket_t *ticket, pal_text_t text, uint64_t index);
    /*  The last call.  */
    void (*ended) (void *arg, ticket_t *ticket, const ticket_end_t *end);
} ticket_waiter_t;

struct ticket {
    entry_t by_name;
    entry_t by_id;
    entry_t by_into; /* of one that was merged */
    struct web *web;
    const ticket_waiter_t *waiter; /* NULL: nobody waits */
    void *arg;
    uint64_t timer;
    int64_t since_us;                     /* wall */
    pal_id_t id;                          /* the event's */
    pal_id_t into;                        /* the event that it was merged into; empty: none */
    pal_id_t by;                          /* of a replaced one: the newer event */
    char name[TICKET_HASH_BYTES * 2 + 1]; /* the platform_id that the broker knows it by */
    uint8_t same[TICKET_HASH_BYTES];      /* what a repeat must have in common */
    ticket_state_t state;
    bool published; /* its callback is still to come */
    bool stored;
    bool kept;   /* a client can name it again */
    bool ending; /* the waiter is being told */
    pal_event_type_t type;
    text_t event;  /* as followers of its session will see it */
    text_t answer; /* of a kept one */
    pal_text_t conversation;
    char conversation_bytes[];
};

typedef struct {
    pal_event_t event; /* without platform_id */
    pal_text_t key;    /* Idempotency-Key; empty: none */
    pal_text_t scope;  /* whose key it is: a session, or a client */
    pal_text_t same;   /* the request's body: a repeat must have the same */
    uint32_t wait_ms;
} ticket_order_t;

typedef enum {
    TICKET_TAKEN,      /* published; the waiter will hear */
    TICKET_REPEATED,   /* `ret_ticket` has its answer already; nobody waits */
    TICKET_IN_FLIGHT,  /* another request with this key still waits */
    TICKET_OTHER_BODY, /* the key was used with another body */
    TICKET_FULL,       /* too many wait, or no memory */
    TICKET_TOO_SOON,   /* what was kept before a restart is not read yet */
} ticket_taking_t;

ticket_taking_t ticket_take (struct web *web, const ticket_order_t *order,
                             const ticket_waiter_t *waiter, void *arg, ticket_t **ret_ticket);

/*  From now on a client can name it.  */
void ticket_keep (ticket_t *self);
/*  The waiter hears nothing more; the ticket may be gone after this.  */
void ticket_leave (ticket_t *self);

/*  Somebody waits for the answer to a message of this conversation.  */
bool ticket_is_awaited (const struct web *web, pal_text_t conversation);

/*  By the event's id; NULL: it is not kept.  */
ticket_t *ticket_find (struct web *web, pal_text_t id);

/*  The ticket that a reply answers; NULL: none that we know.  */
ticket_t *ticket_of_reply (struct web *web, const pal_reply_t *reply);
/*  Its event becomes a part of the session, unless it is one.  */
void ticket_show (ticket_t *self);
/*  Those that were merged into the event that a reply answers, one behind the other; NULL: there is none.  */
ticket_t *ticket_merged (struct web *web, const pal_reply_t *reply);
ticket_t *ticket_next_merged (const ticket_t *self);
/*  Of one that was not answered.  */
problem_t ticket_problem (const ticket_end_t *end);
/*  Which message took the place of a replaced one, in words.  */
pal_text_t ticket_replaced_by (const ticket_t *self, char bytes[TICKET_WORDS_BYTES]);
void ticket_answer (ticket_t *self, const pal_reply_t *reply, pal_text_t json, bool failed);
void ticket_live (struct web *web, const pal_live_t *live);

/*  The oldest kept ones beyond what may be kept go.  */
void tickets_make_room (struct web *web);

/*  Tells all that wait that the gateway ends, and frees all.  */
void tickets_close (struct web *web);

/* ------------------------------------------------------------------ ticket_store.c */

/*  Reads what was kept; web->loaded is called when it is there.  */
void ticket_store_load (struct web *web);
/*  `done` may be NULL.  */
void ticket_store_save (const ticket_t *self, pal_kv_fn *done, void *arg);
void ticket_store_remove (const ticket_t *self);

/* ------------------------------------------------------------------ ticket_life.c: for ticket.c and ticket_store.c */

ticket_t *ticket_new (struct web *web, pal_text_t name, pal_text_t conversation);
void ticket_destroy (ticket_t *self);
/*  Puts it into both tables; `id` and `name` are set.  */
void ticket_register (ticket_t *self);
#endif
