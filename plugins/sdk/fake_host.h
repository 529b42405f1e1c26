/*  fake_host -- a host without a broker, for unit tests of a plugin
    OWNS    copies of all that the plugin did; texts that it gives out live as long as it does
    THREAD  that of the test
    FAILS   by abort () with a line on stderr when a test asks for what never happened
    COST    none that matters

    Time stands still until fake_host_advance; descriptors are looked at in fake_host_poll; what the broker
    would answer is answered by the test. As in the real host, nothing calls back from inside a call.  */

#ifndef PALAVER_SDK_FAKE_HOST_H
#define PALAVER_SDK_FAKE_HOST_H

#include "sdk/adapter.h"

typedef struct fake_host fake_host_t;

/*  With the defaults of the plugin's key table.  */
fake_host_t *fake_host_new (const pal_adapter_t *adapter);
void fake_host_destroy (fake_host_t **self_p);

void fake_host_set_text (fake_host_t *self, const char *key, const char *text);
void fake_host_set_number (fake_host_t *self, const char *key, int64_t number);
void fake_host_set_connected (fake_host_t *self, bool connected);

/*  What the plugin's open () returns; close is called by fake_host_destroy when it was not before.  */
int fake_host_open (fake_host_t *self);
void fake_host_drain (fake_host_t *self);
void fake_host_close (fake_host_t *self);

/*  Why open () failed, and the last line of the log; "" when there is none.  */
const char *fake_host_failure (const fake_host_t *self);
const char *fake_host_log (const fake_host_t *self);

/* ------------------------------------------------------------------ events */

typedef struct {
    pal_event_type_t type;
    pal_id_t id;
    const char *conversation, *user_id, *platform_id, *message_text, *metadata;
    int64_t timestamp_us;
} fake_event_t;

size_t fake_host_events (const fake_host_t *self);
const fake_event_t *fake_host_event (const fake_host_t *self, size_t at);

/*  The broker's word on event `at`; once each.  */
void fake_host_stored (fake_host_t *self, size_t at);
void fake_host_busy (fake_host_t *self, size_t at, uint32_t retry_after_ms, const char *reason);
void fake_host_rejected (fake_host_t *self, size_t at, const char *reason);

/* ------------------------------------------------------------------ replies */

/*  `reply_to` may be NULL. The rest of the reply is filled in.  */
void fake_host_deliver (fake_host_t *self, uint64_t delivery, const char *conversation,
                        const char *reply_to, const char *response_text);

typedef struct {
    unsigned times; /* 0: not finished */
    pal_outcome_t outcome;
    uint32_t retry_after_ms;
    char platform_id[256];
    char reason[256];
} fake_outcome_t;

fake_outcome_t fake_host_outcome (const fake_host_t *self, uint64_t delivery);

/* ------------------------------------------------------------------ time, descriptors, control */

void fake_host_advance (fake_host_t *self, uint32_t ms);

/*  Serves the watched descriptors until none is ready for `quiet_ms`.  */
void fake_host_poll (fake_host_t *self, int quiet_ms);

/*  Answers the oldest question that control () or ask () asked: its command, or NULL when there is none.  */
const char *fake_host_answer (fake_host_t *self, const char *status, const char *body);
/*  The same with a part of the answer: there is more.  */
const char *fake_host_answer_part (fake_host_t *self, const char *body);
/*  What ask_more () said last; "": nothing.  */
const char *fake_host_said_more (const fake_host_t *self);

/* ------------------------------------------------------------------ what is kept, counted and said */

/*  The key-value store answers when this much time has passed; 0: as soon as the plugin has returned. Rates,
    retries (without jitter), text and signatures are the real ones, on the fake clock.  */
void fake_host_set_kv_delay (fake_host_t *self, uint32_t ms);
/*  Every call to it fails with these words; NULL: no more.  */
void fake_host_fail_kv (fake_host_t *self, const char *reason);
/*  What is in it: `value` NULL takes the key out; NULL: there is none.  */
void fake_host_set_kv (fake_host_t *self, const char *key, const char *value);
const char *fake_host_kv (const fake_host_t *self, const char *key);

double fake_host_metric (const fake_host_t *self, const char *name); /* 0 when it never was */
/*  What the plugin says does not work; "": all does.  */
const char *fake_host_trouble (const fake_host_t *self);

/* ------------------------------------------------------------------ HTTP */

typedef struct {
    uint32_t status; /* 0: not answered yet */
    const char *content_type;
    const char *body;
    const char *headers; /* "name: value\n" each */
} fake_response_t;

/*  `headers`: "name: value\n" each, names in lower case; may be NULL. Returns the call.  */
uint64_t fake_host_request (fake_host_t *self, const char *method, const char *path,
                            const char *headers, const char *body);
/*  The host refuses a request by itself: 0 when the plugin has no words for it.  */
uint64_t fake_host_refuse (fake_host_t *self, const char *method, const char *path,
                           const char *headers, uint32_t status, const char *reason);
fake_response_t fake_host_response (const fake_host_t *self, uint64_t call);
void fake_host_hang_up (fake_host_t *self, uint64_t call);

#endif
