/*  link -- what the files of an adapter's line to the broker share
    OWNS    see broker_link.h
    THREAD  see broker_link.h
    FAILS   see broker_link.h
    COST    see broker_link.h

    broker_link.c has the states and the loop, link_in.c reads what the broker says, link_out.c writes.  */

#ifndef HOST_LINK_H
#define HOST_LINK_H

#include "host/link/broker_link.h"
#include "host/link/deliveries.h"
#include "host/link/kept.h"
#include "wire/frame.h"

typedef enum {
    LINK_AWAY,  /* no socket: waits for `retry_at` */
    LINK_OPEN,  /* a socket; HELLO goes out as soon as it is connected */
    LINK_HELLO, /* waits for WELCOME */
    LINK_READY,
} link_state_t;

enum {
    LINK_HEARTBEAT_MS_STANDARD = 2000, /* until WELCOME says otherwise */
    LINK_SILENCE_BEATS = 5,            /* heartbeats of silence, unless WELCOME names a timeout */
    LINK_RETRY_MS = 200,               /* after a failure; doubles */
    LINK_RETRY_NAME_MS = 200,          /* while a predecessor still holds our name */
    LINK_RETRY_BYE_MS = 2000,          /* the broker stops: give it time to come back */
    LINK_RETRY_MS_MAX = 10000,
    LINK_WELCOME_MS =
        1000, /* for WELCOME; doubles: a HELLO may have gone to a broker that died with it */
    LINK_WELCOME_MS_MAX = 8000,
};

struct broker_link {
    broker_link_options_t options;
    broker_link_handler_t handler;
    link_state_t state;
    void *context;
    void *socket;
    uv_poll_t *poll; /* freed when it is closed */
    uv_prepare_t *prepare;
    uv_idle_t *again;
    uv_timer_t *timer;
    uint8_t incarnation[16];
    uint32_t credit, credit_full;
    uint64_t last_seq;
    kept_queue_t events;
    deliveries_t *deliveries;
    size_t kept_bytes;
    plv_buf_t small;  /* frames that are not repeated: PING, LIVE, CREDIT, CONTROL */
    plv_buf_t packet; /* being sent; not empty: the socket was full */
    uint32_t heartbeat_ms;
    uint32_t timeout_ms; /* silence for so long: the broker counts as away */
    uint32_t welcome_ms; /* patience with the HELLO that was said */
    uint32_t retry_ms;
    int64_t retry_at;
    int64_t hello_at;
    int64_t sent_at;
    int64_t heard_at;
    bool reported_up;
};

/* ------------------------------------------------------------------ broker_link.c */

/*  Tells the handler when the state has become READY, or is it no more.  */
void link_report (broker_link_t *self);
/*  What was said and not answered is to be said again.  */
void link_rewind (broker_link_t *self);
/*  Another attempt after a wait; without a given one it grows, a little different for each adapter.  */
void link_step_away_for (broker_link_t *self, uint32_t wait_ms);
void link_step_away (broker_link_t *self);
/*  For good: nothing is tried again before somebody has changed something.  */
void link_give_up (broker_link_t *self, const char *code, const char *text);

/* ------------------------------------------------------------------ link_in.c */

void link_packet (broker_link_t *self, plv_view_t bytes);

/* ------------------------------------------------------------------ link_out.c */

/*  Sends what there is; stops when the socket is full or not connected.  */
void link_flush (broker_link_t *self);
bool link_has_unsent (const broker_link_t *self);
/*  Behind what is there already.  */
void link_put (broker_link_t *self, plv_verb_t verb); /* a frame without arguments */
void link_put_credit (broker_link_t *self);
void link_put_bye (broker_link_t *self, const char *why);

#endif
