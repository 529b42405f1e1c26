/*  fixture -- a core with a memory store, driven by packets, for tests of what it answers
    OWNS    the core, the store, and for each peer the frames that it has not looked at yet
    THREAD  one
    FAILS   by cmocka's assertions
    COST    with `check_recovery` a second core is read back from the store at every turn

    Every input is followed by a whole turn: what it makes is committed, and what is held leaves.  */

#ifndef TEST_CORE_FIXTURE_H
#define TEST_CORE_FIXTURE_H

#include "core/core.h"
#include "store/memory.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FX_PEERS_MAX = 64, FX_CONF_BYTES = 2048 };

typedef struct {
    plv_buf_t frames; /* packets of one frame: u32 size, bytes */
    size_t at;
    bool closed;
} fx_inbox_t;

typedef struct {
    core_t *core;
    store_t *store;
    effects_t effects;
    core_now_t now;
    char conf[FX_CONF_BYTES];
    uint32_t peers; /* numbers given so far */
    fx_inbox_t inbox[FX_PEERS_MAX];
    plv_buf_t packet;
    plv_buf_t current; /* the bytes of the frame looked at last */
    size_t mark;
    bool check_recovery;
    bool other_state; /* what is read back at a restart is not what was there before */
    bool heartbeats;  /* PING and PONG are kept too */
    bool busy;        /* the store is at work: what is gathered stays */
    uint64_t checkpoints;
    uint64_t checkpoint_token;
    uint64_t drop_below; /* see fx_drop */
    size_t rows_bytes;   /* of the last batch */
} fixture_t;

/*  `conf`: libconfig text; "" for the defaults.  */
fixture_t *fx_new (const char *conf);
/*  The same of two texts, read back at every turn.  */
fixture_t *fx_start (const char *conf, const char *more);
void fx_destroy (fixture_t **self_p);

/*  A frame of one's own: begin, the arguments into what is returned, send.  */
plv_buf_t *fx_begin (fixture_t *self, plv_verb_t verb);
void fx_send (fixture_t *self, uint32_t peer, unsigned allowed);
void fx_raw (fixture_t *self, uint32_t peer, unsigned allowed, plv_view_t packet);

/*  What is said in HELLO.  */
typedef struct {
    const char *role;
    const char *name;
    const char *service; /* NULL: none named */
    uint64_t credit;
    uint8_t incarnation;
    uint64_t holding; /* 0: none */
    uint64_t holding_too;
    uint64_t batch;
    uint64_t batch_wait_ms;
    bool deduplicates;
    bool is_nameless; /* no incarnation is named */
    bool is_unproven; /* an adapter that the broker did not start */
} fx_hello_t;

/*  Numbers of new peers; the second one has not looked at its WELCOME.  */
uint32_t fx_peer (fixture_t *self);
void fx_hello (fixture_t *self, uint32_t peer, unsigned allowed, const fx_hello_t *hello);
uint32_t fx_adapter (fixture_t *self, const char *name);
uint32_t fx_worker (fixture_t *self, uint64_t credit);
uint32_t fx_tool (fixture_t *self);

typedef struct {
    const char *session;
    const char *text;
    const char *platform_id; /* NULL: none */
    const char *adapter;     /* NULL: "web" */
    const char *user;        /* NULL: "u" */
    plv_event_type_t type;   /* EVENT_UNKNOWN: a chat.message */
} fx_event_t;

void fx_publish (fixture_t *self, uint32_t peer, uint64_t seq, const fx_event_t *event);
void fx_say (fixture_t *self, uint32_t peer, const char *session, const char *text);
void fx_reply (fixture_t *self, uint32_t peer, uint64_t lease, const char *text);
void fx_nack (fixture_t *self, uint32_t peer, uint64_t lease, bool permanent, const char *code);
void fx_step_save (fixture_t *self, uint32_t peer, uint64_t lease, const char *name, size_t size);
/*  What a worker says of session web_1 meanwhile, in a body of one key; NULL: not about which message.  */
void fx_live (fixture_t *self, uint32_t peer, plv_event_type_t type, const char *key,
              const plv_id_t *reply_to);
void fx_delivered (fixture_t *self, uint32_t peer, uint64_t delivery, const char *outcome,
                   uint64_t retry_after_ms);
void fx_credit (fixture_t *self, uint32_t peer, uint64_t credit);
void fx_bye (fixture_t *self, uint32_t peer);
/*  `key` and its number or text; NULL: none.  */
void fx_control (fixture_t *self, uint32_t peer, const char *command, const char *key,
                 uint64_t number, const char *text);

/*  A command with `pairs` arguments of one's own; send it with fx_send.  */
plv_buf_t *fx_control_begin (fixture_t *self, const char *command, uint32_t pairs);
void fx_put_text (plv_buf_t *buf, const char *key, const char *text);
void fx_put_number (plv_buf_t *buf, const char *key, uint64_t number);

void fx_input (fixture_t *self, input_t input);
void fx_gone (fixture_t *self, uint32_t peer);
void fx_time (fixture_t *self, int64_t ms);
/*  While a peer is heard once a second.  */
void fx_keep_alive (fixture_t *self, uint32_t peer, int64_t ms);
void fx_jump (fixture_t *self, int64_t ms); /* of the wall clock alone */
void fx_reload (fixture_t *self, const char *conf);
/*  What lies below this position of the journal is forgotten with the next batch.  */
void fx_drop (fixture_t *self, uint64_t below);
void fx_restart (fixture_t *self); /* connections are gone, too */
/*  The clean stop: in how many batches all is brought into the views; bytes of rows in the largest of them.  */
unsigned fx_stop (fixture_t *self, size_t *ret_most);

/*  The next frame for this peer must be of this verb; it stays until another one is looked at.  */
plv_frame_t fx_expect (fixture_t *self, uint32_t peer, plv_verb_t verb);
/*  The first argument of such a frame: a lease, a delivery; or the only number in its list.  */
uint64_t fx_expect_number (fixture_t *self, uint32_t peer, plv_verb_t verb);
uint64_t fx_job (fixture_t *self, uint32_t worker); /* the lease of the JOB that is due */
void fx_expect_nothing (fixture_t *self, uint32_t peer);
void fx_expect_cancel (fixture_t *self, uint32_t peer, uint64_t lease, const char *code);
void fx_expect_error (fixture_t *self, uint32_t peer, const char *code);
/*  A RESULT with this status; its body.  */
plv_view_t fx_expect_result (fixture_t *self, uint32_t peer, const char *status);
void fx_forget (fixture_t *self, uint32_t peer); /* whatever came */

int64_t fx_gauge (fixture_t *self, plv_gauge_t gauge);
uint64_t fx_count (fixture_t *self, plv_counter_t counter);
/*  A list in a map: how many it has; a number in a map.  */
uint32_t fx_items (plv_view_t map, const char *key);
uint64_t fx_number (plv_view_t map, const char *key);
plv_view_t fx_item (plv_view_t map, const char *key, uint32_t index);

#endif
