/*  web -- the gateway for web clients: a message is a POST, the answer its response
    OWNS    requests that wait for their answers, and the last answers of each session
    THREAD  the host's loop
    FAILS   towards clients with problem+json (RFC 9457)
    COST    about 1 KB a waiting request, and what `recent_mb` allows for answers

    A reply is handed to the request that waits for it; it is also kept among its session's recent answers,
    where a client that gave up waiting finds it. That is what `sent` means here.  */

#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "web/table.h"
#include "web/text.h"

typedef struct {
    const pal_host_t *host;
    uint32_t timeout_ms;
    size_t recent_bytes_max;
    size_t waiting_max;
    size_t repeats_max;
    bool draining;
    table_t waits; /* wait_t by the id of the event */
    table_t calls; /* the same by the number of the call, and those whose event is not yet stored */
    table_t sessions;  /* recent_t by conversation */
    table_t questions; /* what the broker was asked about sessions, by the number of the call */
    table_t repeats;   /* repeat_t by platform id: Idempotency-Key */
    size_t recent_bytes;
} web_t;

/* ------------------------------------------------------------------ problem.c */

/*  Answers `call` with JSON; `extra` (may be NULL) is one more header.  */
void respond (web_t *self, uint64_t call, uint32_t status, pal_text_t json,
              const pal_header_t *extra);

/*  An error: application/problem+json with title, status and detail.  */
void respond_problem (web_t *self, uint64_t call, uint32_t status, pal_text_t detail,
                      const pal_header_t *extra);
void respond_busy (web_t *self, uint64_t call, uint32_t retry_after_ms, pal_text_t detail);

/* ------------------------------------------------------------------ message.c */

/*  What a POST /chat/message says; texts live as long as `root`.  */
typedef struct {
    void *root; /* the parsed JSON */
    pal_text_t session_id, user_id, message_text, platform;
    char *metadata; /* JSON text, or NULL */
    int64_t timestamp_us;
} message_t;

/*  NULL, or what is wrong with it. The message is to be freed in either case.  */
const char *message_parse (message_t *self, pal_text_t body);
void message_free (message_t *self);

/*  Microseconds since 1970 of an RFC 3339 time; false: it is none.  */
bool message_time (pal_text_t text, int64_t *ret_us);

/* ------------------------------------------------------------------ chat.c */

void chat_message (web_t *self, const pal_http_request_t *request);
void chat_gone (web_t *self, uint64_t call);
void chat_deliver (web_t *self, const pal_reply_t *reply);
/*  Answers all that wait: the adapter ends.  */
void chat_close (web_t *self);

/* ------------------------------------------------------------------ recent.c */

/*  Keeps an answer of a session; false: no memory.  */
bool recent_add (web_t *self, pal_text_t conversation, pal_text_t json);
void recent_show (web_t *self, uint64_t call, pal_text_t conversation);
void recent_forget (web_t *self, pal_text_t conversation);
void recent_close (web_t *self);

/* ------------------------------------------------------------------ session.c */

void session_show (web_t *self, uint64_t call, pal_text_t conversation);
void session_reset (web_t *self, uint64_t call, pal_text_t conversation);
void session_close (web_t *self);

#endif
