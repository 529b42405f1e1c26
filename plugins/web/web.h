/*  web -- the gateway for web clients: what its parts share
    OWNS    all that is open, waits or is kept
    THREAD  the host's loop
    FAILS   towards clients with problem+json (RFC 9457), or in OpenAI's shape
    COST    about 1 KB a waiting request, and what `recent_mb` and `repeats` allow for answers

    A reply is handed to the request that waits for it and to who follows its session; it is also kept among
    its session's recent events, where a client that gave up waiting finds it. That is what `sent` means here.  */

#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "web/access.h"
#include "web/answer.h"
#include "web/asker.h"
#include "web/call.h"
#include "web/message.h"
#include "web/meters.h"
#include "web/page.h"
#include "web/room.h"
#include "web/route.h"
#include "web/ticket.h"

typedef struct web {
    const pal_host_t *host;
    access_t access;
    meters_t meters;
    pal_text_t origins;
    pal_text_t models;
    pal_text_t hosts;
    bool loopback; /* it listens on this machine alone */
    bool tls;
    bool draining;
    int64_t takes_until_us; /* while it drains: those whose connection was there before */
    uint32_t timeout_ms;
    uint32_t message_rate; /* a minute; 0: no limit */
    size_t waiting, waiting_max;
    shelf_t
        calls; /* call_t by number: all that a client still has open and that must hear of its end */
    shelf_t questions;  /* what the broker was asked about sessions */
    shelf_t orders;     /* what it was asked or told for operators */
    shelf_t tails;      /* operators who are shown what happens */
    shelf_t savings;    /* replies whose answers are being kept */
    shelf_t held;       /* replies that came before what was kept is read */
    shelf_t tickets;    /* ticket_t by name */
    shelf_t ticket_ids; /* the same by the event's id */
    shelf_t merged;     /* those that are answered with another one, by that event's id */
    size_t kept_count, kept_max;
    int64_t kept_us_max;
    bool kept_loaded;
    void (*loaded) (struct web *self); /* what was kept is read */
    void (*idle) (struct web *self);   /* nobody waits any more; NULL: no matter */
    shelf_t rooms;                     /* room_t by conversation */
    size_t recent_bytes, recent_bytes_max;
    int64_t since_us;     /* when it began, wall clock */
    int64_t forgotten_us; /* rooms of before then may be incomplete */
    size_t streams, sockets;
} web_t;

/* ------------------------------------------------------------------ delivery.c */

void delivery_take (web_t *web, const pal_reply_t *reply);
/*  What was kept is read: replies that came before are handed out.  */
void delivery_release (web_t *web);
/*  While the gateway drains: nobody waits here any more, what was put aside is for the next process.  */
void delivery_pass_on (web_t *web);
void delivery_close (web_t *web);

/* ------------------------------------------------------------------ chat.c, session.c */

/*  May this request send a message now? If not, it has been answered.  */
bool chat_may_take (asker_t *asker);
/*  Its Idempotency-Key; false: it is too long, and the request has been answered.  */
bool chat_key (asker_t *asker, char bytes[TICKET_KEY_BYTES_MAX], pal_text_t *ret_key);
void session_close (web_t *web);

/* ------------------------------------------------------------------ operate.c, operate_tail.c */

void operate_close (web_t *web);
void operate_tail_close (web_t *web);

/* ------------------------------------------------------------------ events.c: shared with WebSockets */

/*  A `seq` in decimal; false: it is none.  */
bool events_number (pal_text_t text, uint64_t *ret_number);
void events_hello (text_t *out, pal_text_t conversation, uint64_t seq);
void events_gap (text_t *out, uint64_t after, uint64_t until);

/* ------------------------------------------------------------------ socket.c */

/*  0: taken; else the status to refuse with.  */
uint32_t socket_accept (web_t *web, const pal_http_request_t *request, const char **ret_protocol);

#endif
