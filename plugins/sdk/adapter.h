/*  adapter -- what a platform's plugin is written against, and all that it needs
    OWNS    nothing; see each function for who keeps what
    THREAD  one: every function of a plugin and of the host runs on the host's loop; none may block
    FAILS   a call that cannot fail has no result; the others say how in their comment
    COST    a call through a table

    A plugin is one .so with one exported symbol, `palaver_adapter`, a const pal_adapter_t. It links against
    nothing of ours: what it needs comes in through the pal_host_t that open () is given. This file includes
    only freestanding headers. One process runs one plugin, and a crash ends that process alone.

    The life of a plugin: open, then any number of deliver, live, link and callbacks, then drain, then close.

    Text is a pal_text_t: a pointer and a length, UTF-8, not NUL-terminated. It is lent for the call: who
    wants to keep bytes copies them. That holds in both directions. An empty text means "not given".
    Structured parts (metadata, recommendations, ...) are JSON text; the host turns them into what the
    broker speaks, so that a plugin never sees the wire.

    ABI CHANGELOG
    1.3  what the listener refuses by itself may be answered in the plugin's own words, with headers of its own.
    1.2  ask and ask_more: questions that take their time, or are answered for as long as somebody listens. A
         WebSocket may be refused in the plugin's own words; a listener's bodies may come in chunks.
    1.1  HTTP client, WebSockets of both directions, streamed answers and TLS for the listener, a durable
         key-value store, rate buckets, text rendered in parts, HMAC and Ed25519, retries, metrics, health.
    1.0  the first one. Within a major version structs only grow at their end, and a new field is 0 for
         who does not know it: the descriptor's `abi` tells the host which fields a plugin knows, and
         PAL_HAS (host, member) tells a plugin whether a host that runs it is new enough for a call.  */

#ifndef PALAVER_SDK_ADAPTER_H
#define PALAVER_SDK_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAL_ABI_MAJOR 1
#define PAL_ABI_MINOR 3
#define PAL_ABI ((uint32_t) (PAL_ABI_MAJOR << 16 | PAL_ABI_MINOR))
#define PAL_SYMBOL "palaver_adapter"

/*  Does this host have the call `member`? Only needed for calls that came after 1.0.  */
#define PAL_HAS(host, member)                                                                      \
    ((host)->size >= offsetof (pal_host_t, member) + sizeof ((host)->member))

/* ------------------------------------------------------------------ text */

typedef struct {
    const char *data;
    size_t size;
} pal_text_t;

/*  For "%.*s".  */
#define PAL_ARG(text) (int) (text).size, (text).size ? (text).data : ""

static inline pal_text_t pal_text (const char *text)
{
    size_t size = 0;
    while (text && text[size])
        size++;
    return (pal_text_t){text, size};
}

static inline bool pal_text_equal (pal_text_t a, pal_text_t b)
{
    size_t at = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at])
        at++;
    return at == a.size && at == b.size;
}

static inline bool pal_text_is (pal_text_t text, const char *other)
{
    return pal_text_equal (text, pal_text (other));
}

/*  An event's id: a UUIDv7 as 36 characters and a NUL.  */
typedef struct {
    char text[37];
} pal_id_t;

/* ------------------------------------------------------------------ events in */

typedef enum {
    PAL_CHAT_MESSAGE = 1,
    PAL_CHAT_ACTION = 2,      /* a button pressed; what it carries goes into `body` */
    PAL_CHAT_EDIT = 3,        /* message_text is the new text */
    PAL_CHAT_REACTION = 4,    /* in `body` */
    PAL_CHAT_TYPING = 5,      /* only with live () */
    PAL_DELIVERY_RECEIPT = 6, /* the platform's word on an earlier response, in `body` */
} pal_event_type_t;

/*  Something that a user did. The host adds the event's id, the adapter's name and the platform; the session
    is PLATFORM_CONVERSATION.  */
typedef struct {
    pal_event_type_t type;
    pal_text_t
        conversation;   /* the platform's id of the conversation; required, at most 180 bytes */
    pal_text_t user_id; /* required, at most 255 bytes */
    pal_text_t
        platform_id; /* the platform's id of this message, at most 255 bytes: a second copy with the
                                same one is dropped. Empty only where the platform has none */
    int64_t timestamp_us;    /* microseconds since 1970, UTC; 0: now */
    pal_text_t message_text; /* required for a message and an edit */
    pal_text_t metadata;     /* a JSON object */
    pal_text_t attachments;  /* a JSON array */
    pal_text_t body;         /* a JSON object: more keys of the event's body */
    pal_text_t traceparent;  /* W3C; empty: none */
} pal_event_t;

typedef enum {
    PAL_STORED = 1, /* on disk (or a copy of what is): acknowledge it to the platform now */
    PAL_BUSY = 2, /* not taken; publish it again after retry_after_ms, or let the platform do so */
    PAL_REJECTED = 3, /* not taken and never will be: `code` and `reason` say why */
} pal_taken_t;

typedef struct {
    pal_taken_t taken;
    pal_id_t id;
    uint32_t retry_after_ms; /* BUSY */
    pal_text_t code;         /* REJECTED: "SYNTAX", "UTF8", "RANGE", ... */
    pal_text_t reason;       /* BUSY, REJECTED: for a person */
} pal_published_t;

typedef void (pal_published_fn) (void *arg, const pal_published_t *result);

/* ------------------------------------------------------------------ replies out */

/*  A reply for the platform. Every one given to deliver () is finished exactly once: with pal_sent,
    pal_not_sent, pal_refused or pal_unknown, at once or later; what is not finished when the process ends
    is an unknown outcome.  */
typedef struct {
    uint64_t delivery; /* names it when it is finished */
    uint32_t
        attempt; /* 1, 2, ...: above 1 an earlier attempt was not sent, or is not known to be */
    bool has_reply_to;
    pal_id_t id;
    pal_id_t reply_to; /* the event that it answers: the id that publish () returned */
    pal_text_t conversation;
    pal_text_t user_id;
    pal_text_t platform_id; /* the platform's id of the message that is answered, when known */
    int64_t timestamp_us;
    pal_text_t response_text;
    pal_text_t recommendations; /* a JSON array; empty: none. So for the other JSON texts */
    double confidence;          /* 0 to 1; below 0: not given */
    pal_text_t sources;         /* a JSON array */
    double processing_time;     /* seconds; below 0: not given */
    pal_text_t disclaimers;     /* a JSON array of texts: show them with the response */
    pal_text_t metadata;        /* a JSON object */
    pal_text_t body;            /* the whole body, a JSON object with all of the above */
} pal_reply_t;

typedef enum {
    PAL_SENT = 1,     /* the platform has it */
    PAL_NOT_SENT = 2, /* the platform surely has it not; try again */
    PAL_REFUSED = 3,  /* the platform will never take it */
    PAL_UNKNOWN = 4,  /* the line went dead after the request left */
} pal_outcome_t;

/*  Streamed text or presence for a conversation: shown when the platform can, dropped when not.  */
typedef struct {
    pal_text_t type; /* "chat.delta", "chat.typing" */
    pal_text_t conversation;
    pal_text_t user_id;
    bool has_reply_to;
    pal_id_t reply_to;
    pal_text_t body; /* a JSON object */
} pal_live_t;

/* ------------------------------------------------------------------ conf */

typedef enum {
    PAL_KEY_INT = 1,
    PAL_KEY_BOOL = 2,
    PAL_KEY_TEXT = 3,
    PAL_KEY_SECRET =
        4, /* in the file only as "env:NAME" or "file:PATH"; conf_text gives the secret itself */
} pal_key_type_t;

/*  One conf key of `adapters = { NAME = { ... } }`. What is not in a plugin's table is refused. Every adapter has
    the host's own keys too (palaver-adapter --print-keys shows them): their names are taken.  */
typedef struct {
    const char *name; /* the unit is last in the name: timeout_s */
    const char *meaning;
    const char *text; /* the default of a text; a secret has none */
    int64_t number;   /* the default of a number; 0 or 1 of a bool */
    int64_t min;
    int64_t max;
    pal_key_type_t type;
    uint32_t reserved;
} pal_key_t;

#define PAL_INT(name_, standard, min_, max_, meaning_)                                             \
    {                                                                                              \
        .name = (name_), .meaning = (meaning_), .number = (standard), .min = (min_),               \
        .max = (max_), .type = PAL_KEY_INT                                                         \
    }
#define PAL_BOOL(name_, standard, meaning_)                                                        \
    {                                                                                              \
        .name = (name_), .meaning = (meaning_), .number = (standard), .max = 1,                    \
        .type = PAL_KEY_BOOL                                                                       \
    }
#define PAL_TEXT(name_, standard, meaning_)                                                        \
    {                                                                                              \
        .name = (name_), .meaning = (meaning_), .text = (standard), .type = PAL_KEY_TEXT           \
    }
#define PAL_SECRET(name_, meaning_)                                                                \
    {                                                                                              \
        .name = (name_), .meaning = (meaning_), .type = PAL_KEY_SECRET                             \
    }

/* ------------------------------------------------------------------ services: text */

typedef enum {
    PAL_MARKDOWN_NONE = 0, /* plain text */
    PAL_MARKDOWN_COMMON = 1,
    PAL_MARKDOWN_TELEGRAM = 2, /* for parse_mode HTML */
    PAL_MARKDOWN_DISCORD = 3,
    PAL_MARKDOWN_SLACK = 4,
    PAL_MARKDOWN_WHATSAPP = 5,
    PAL_MARKDOWN_HTML = 6, /* safe to put into a page: no tag of the text survives */
} pal_markdown_t;

typedef enum { PAL_BYTES = 0, PAL_CODEPOINTS = 1, PAL_UTF16_UNITS = 2 } pal_text_unit_t;

/* ------------------------------------------------------------------ services: HTTP listener */

typedef struct {
    const char *address;     /* "127.0.0.1", "::1", "0.0.0.0", "localhost" */
    uint16_t port;           /* 0: any that is free */
    uint32_t body_bytes_max; /* a larger body is answered with 413 by the host */
    /*  A larger head is answered with 431, or with 414 when its address is too long; so are more than 256 headers, and
        a path or a query of more than 2047 bytes. 0: 8192.  */
    uint32_t header_bytes_max;
    /*  Further ones wait in the kernel's queue. Fewer when the system allows fewer descriptors, of which a WebSocket
        over TLS needs three. 0: 10000.  */
    uint32_t connections_max;
    /*  A connection without a request is closed after this. A head that takes longer, or 20 s, is answered with 408;
        and so is a body of which nothing comes for 20 s, or less than a kilobyte a second. 0: 60.  */
    uint32_t idle_s;

    /*  Since 1.1.  */
    uint32_t
        out_bytes_max; /* what a slow client may leave unread of a stream or a WebSocket: beyond it
                               the host closes it (a WebSocket with 4008); 0: 262144 */
    uint32_t message_bytes_max; /* of one WebSocket message; 1009 beyond; 0: 65536 */
    uint32_t ping_s;            /* a WebSocket that is quiet is pinged, and closed when it does not
                                   answer until the next ping; 0: 30 */
    const char *
        tls_certificate; /* PEM files, the chain and its key; both or none: NULL is plain HTTP. When they
                             are renewed, another process with the plugin takes over */
    const char *tls_key;
} pal_http_options_t;

/*  All texts are lent for the call. `call` names the request until it is answered.  */
typedef struct {
    uint64_t call;
    pal_text_t method; /* "GET", "POST", ... */
    pal_text_t path;   /* decoded: begins with '/', holds no NUL and no ".." part */
    pal_text_t query;  /* percent-encoded, without the '?'; a '+' is a plus */
    pal_text_t body;
    pal_text_t peer; /* the client's address */
} pal_http_request_t;

typedef struct {
    pal_text_t name;
    pal_text_t value;
} pal_header_t;

typedef struct {
    uint32_t status; /* 200 to 599; another one is sent as 500 */
    uint32_t header_count;
    const pal_header_t
        *headers; /* beside content-type; content-length and transfer-encoding are the host's */
    pal_text_t content_type;
    pal_text_t body;
} pal_http_response_t;

typedef struct {
    /*  A request is complete. Answer it now or later, with http_respond; every one is to be answered.  */
    void (*request) (void *arg, const pal_http_request_t *request);
    /*  The client of an unanswered request, of a stream or of a WebSocket went away: forget `call`. Not
        called for what the plugin has answered or ended itself, but always for a WebSocket.  */
    void (*gone) (void *arg, uint64_t call);
    void *arg;

    /*  Since 1.1. Someone asks for a WebSocket: 0 takes it, and `request->call` is its number from then on;
        else the HTTP status to refuse with: who wants to say more answers the request with http_respond before
        it returns. NULL: all are refused with 426. `ret_protocol` (at most 63 bytes, static) names the
        subprotocol that was chosen; leave it NULL for none.  */
    uint32_t (*socket) (void *arg, const pal_http_request_t *request, const char **ret_protocol);
    /*  It is open: what is sent from now on arrives. NULL: no matter.  */
    void (*socket_open) (void *arg, uint64_t socket);
    void (*socket_message) (void *arg, uint64_t socket, pal_text_t message, bool binary);
    /*  What a stream or a WebSocket had left unsent has gone out. NULL: no matter.  */
    void (*drained) (void *arg, uint64_t call);

    /*  Since 1.3. The host refuses what it has not handed over: it makes no sense, or is too large or too slow (400,
        408, 413, 414, 415, 417, 426, 431, 501, 505). Who wants to say so in other words, or with headers that a browser
        needs to show them, answers with http_respond before it returns; else, or with NULL, the host does. Of
        `request` and its headers is there what had come and made sense: the path may be empty, the body is. The
        connection ends behind the answer, and `gone` does not follow. `reason`: for a person.  */
    void (*refused) (void *arg, const pal_http_request_t *request, uint32_t status,
                     pal_text_t reason);
} pal_http_handler_t;

/* ------------------------------------------------------------------ services: HTTP client (1.1) */

/*  One part of a multipart/form-data body.  */
typedef struct {
    pal_text_t name;
    pal_text_t file_name;    /* empty: a plain field */
    pal_text_t content_type; /* empty: none is said */
    pal_text_t data;
} pal_part_t;

/*  Everything is copied. Redirects are not followed, compressed answers are unpacked, certificates are
    checked.  */
typedef struct {
    pal_text_t method; /* empty: GET, or POST with a body */
    pal_text_t url;    /* http:// or https:// */
    const pal_header_t *headers;
    uint32_t header_count;
    uint32_t part_count;
    const pal_part_t *parts; /* instead of `body` */
    pal_text_t content_type;
    pal_text_t body;
    uint32_t timeout_ms;     /* for the whole; 0: 30000 */
    uint32_t connect_ms;     /* until there is a connection; 0: 10000 */
    uint32_t body_bytes_max; /* of the answer: beyond it the request is LOST; 0: 1 MiB */
} pal_request_t;

typedef enum {
    PAL_ANSWERED = 1, /* `status`, headers and body are there */
    PAL_UNSENT =
        2, /* surely not processed: it never left (no address, no connection, open circuit) */
    PAL_LOST = 3, /* it left, or may have, and no whole answer came: processed or not, who knows */
} pal_ended_t;

typedef struct {
    pal_ended_t ended;
    uint32_t status;             /* ANSWERED: of HTTP */
    const pal_header_t *headers; /* names in lower case */
    uint32_t header_count;
    uint32_t
        retry_after_ms; /* of Retry-After, or until the circuit lets one through; 0: not said */
    pal_text_t body;
    pal_text_t
        reason; /* UNSENT, LOST: for a person; holds neither the URL's path nor its query, where
                          platforms like to have their tokens */
} pal_answer_t;

typedef void (pal_answer_fn) (void *arg, const pal_answer_t *answer);

/*  `name` in lower case; empty: there is none.  */
static inline pal_text_t pal_answer_header (const pal_answer_t *answer, const char *name)
{
    for (uint32_t at = 0; at < answer->header_count; at++)
        if (pal_text_is (answer->headers[at].name, name))
            return answer->headers[at].value;
    return pal_text (NULL);
}

/* ------------------------------------------------------------------ services: WebSocket client (1.1) */

typedef struct {
    pal_text_t url; /* ws:// or wss:// */
    const pal_header_t *headers;
    uint32_t header_count;
    uint32_t connect_ms;        /* until it is open; 0: 10000 */
    uint32_t message_bytes_max; /* closed with 1009 beyond; 0: 4 MiB */
    uint32_t ping_s;            /* 0: none of ours (those of the server are always answered) */
    pal_text_t protocol;        /* subprotocol to ask for; empty: none */
} pal_socket_options_t;

typedef struct {
    void (*open) (void *arg, uint64_t socket);
    void (*message) (void *arg, uint64_t socket, pal_text_t message, bool binary);
    /*  Always the last call, also when it never opened. `code`: of the close frame; 0: there was none
        (`reason` says why: refused, timed out, reset).  */
    void (*closed) (void *arg, uint64_t socket, uint32_t code, pal_text_t reason);
    void *arg;
} pal_socket_handler_t;

/* ------------------------------------------------------------------ services: key-value store (1.1) */

/*  1 to 255 bytes a key, up to 64 KiB a value. Both are bytes. Keys that begin with byte 1 are the host's.  */
typedef struct {
    bool ok;    /* kept, read or deleted, on disk where it is a write */
    bool found; /* of a get */
    pal_text_t key;
    pal_text_t value;
    pal_text_t reason; /* not ok: for a person */
} pal_kv_result_t;

typedef void (pal_kv_fn) (void *arg, const pal_kv_result_t *result);

/* ------------------------------------------------------------------ services: rate buckets (1.1) */

/*  A token bucket of the plugin's making: `count` tokens that fill up over `per_ms`. Buckets exist by name:
    the first use makes one, a use with other limits changes it.  */
typedef struct {
    pal_text_t name;  /* "global", "chat:4711", "method:sendMessage"; at most 127 bytes */
    uint32_t count;   /* at least 1 */
    uint32_t per_ms;  /* at least 1 */
    uint32_t reserve; /* tokens that only PAL_FINAL may take; below `count` */
} pal_bucket_t;

typedef enum {
    PAL_FINAL = 1,  /* a whole answer */
    PAL_CASUAL = 2, /* typing, drafts, edits on the way: leaves the reserve alone */
} pal_urgency_t;

/* ------------------------------------------------------------------ services: retries (1.1) */

typedef struct {
    uint32_t first_ms; /* at least 1 */
    uint32_t most_ms;  /* the wait doubles up to this */
    uint32_t per_day;  /* attempts in 24 h; 0: no budget */
} pal_retry_t;

/* ------------------------------------------------------------------ the host */

typedef enum { PAL_LOG_DEBUG, PAL_LOG_INFO, PAL_LOG_WARN, PAL_LOG_ERROR } pal_log_level_t;

enum { PAL_READABLE = 1, PAL_WRITABLE = 2 };

typedef struct {
    bool ok;
    pal_text_t
        status; /* "ok", or an error's name: "UNAVAILABLE" where broker or wire do not offer it */
    pal_text_t body; /* a JSON object */
    bool more;       /* since 1.1: the answer has more parts, each of which is a call of its own */
} pal_control_result_t;

typedef struct pal_host pal_host_t;

/*  What the host does for a plugin. Valid from open () to the end of close (). No call calls back before it
    has returned, so a plugin need not be prepared to be re-entered. A callback may be NULL, in a handler too:
    then nobody wants to know, and what was asked for is done all the same; but a watch without one is refused.
    Numbers of timers, watches, calls and deliveries are never used twice; one that is unknown or over is
    ignored.  */
struct pal_host {
    uint32_t abi;  /* PAL_ABI of the host */
    uint32_t size; /* of this table, as the host knows it */

    /*  Hands an event to the broker. It is kept and repeated over reconnects until `done` is told what
        became of it: once, always later, also when the event is malformed (REJECTED) or the host holds too
        many (BUSY). `ret_id` (may be NULL) gets the id that a reply's `reply_to` will name.  */
    void (*publish) (const pal_host_t *self, const pal_event_t *event, pal_published_fn *done,
                     void *arg, pal_id_t *ret_id);

    /*  Presence or streamed text from the platform: passed on when the broker is there, else dropped.  */
    void (*live) (const pal_host_t *self, const pal_event_t *event);

    /*  Ends a delivery; see pal_sent and its like below. The second end of one delivery is ignored.  */
    void (*finish) (const pal_host_t *self, uint64_t delivery, pal_outcome_t outcome,
                    pal_text_t platform_id, uint32_t retry_after_ms, pal_text_t reason);

    /*  Asks or tells the broker something (a session's history, its reset); `arguments`: a JSON object.
        `done` is called later, once for each part of the answer; the next one, or a failure, comes within
        10 s.  */
    void (*control) (const pal_host_t *self, pal_text_t command, pal_text_t arguments,
                     void (*done) (void *arg, const pal_control_result_t *result), void *arg);

    /*  Is the broker there and are we welcome?  */
    bool (*connected) (const pal_host_t *self);

    /*  Values of the plugin's own keys, its defaults filled in; texts live until close () has returned.
        A name that is not in the table, or of another type, gives 0 or empty and a line in the log.  */
    pal_text_t (*conf_text) (const pal_host_t *self, const char *name);
    int64_t (*conf_int) (const pal_host_t *self, const char *name);
    bool (*conf_bool) (const pal_host_t *self, const char *name);

    /*  One line for the operator; never texts of users, never secrets.  */
    void (*log) (const pal_host_t *self, pal_log_level_t level, const char *format, ...)
        __attribute__ ((format (printf, 3, 4)));

    /*  Why open () fails, for the line that the operator reads. Returns -1, to be returned by open ().  */
    int (*fail) (const pal_host_t *self, const char *format, ...)
        __attribute__ ((format (printf, 2, 3)));

    int64_t (*wall_us) (const pal_host_t *self); /* since 1970, UTC; may jump */
    int64_t (*mono_us) (const pal_host_t *self); /* since an arbitrary start; never goes back */
    void (*random) (const pal_host_t *self, void *bytes, size_t size); /* fit for secrets */

    /*  Are they the same bytes? Takes the same time wherever they differ, and tells no lengths.  */
    bool (*same_secret) (const pal_host_t *self, pal_text_t a, pal_text_t b);

    /*  Calls `fn` after `after_ms`, then every `every_ms` (0: once) until it is cancelled.  */
    uint64_t (*timer) (const pal_host_t *self, uint32_t after_ms, uint32_t every_ms,
                       void (*fn) (void *arg), void *arg);
    void (*timer_cancel) (const pal_host_t *self, uint64_t timer);

    /*  Calls `fn` while `fd` (not blocking; the plugin's own) is readable or writable; 0: it cannot be
        watched. Cancel before the fd is closed. A second watch of the same fd is refused.  */
    uint64_t (*watch) (const pal_host_t *self, int fd, unsigned events,
                       void (*fn) (void *arg, unsigned events), void *arg);
    void (*watch_cancel) (const pal_host_t *self, uint64_t watch);

    /*  Serves HTTP/1.1 on one address. 0: listening, `ret_port` (may be NULL) is the port; -1: not, and
        host->fail has been told why. `handler` is copied. One listener a plugin.  */
    int (*http_listen) (const pal_host_t *self, const pal_http_options_t *options,
                        const pal_http_handler_t *handler, uint16_t *ret_port);
    /*  A header of an unanswered request, by its lower-case name; empty: there is none. The text lives
        until the plugin returns to the host.  */
    pal_text_t (*http_header) (const pal_host_t *self, uint64_t call, const char *name);
    /*  Answers a request. False: its client has gone (or it was answered before), nobody got it.  */
    bool (*http_respond) (const pal_host_t *self, uint64_t call,
                          const pal_http_response_t *response);
    /*  Takes no further connection; answers to open requests are still sent.  */
    void (*http_close) (const pal_host_t *self);

    /* -------- since 1.1: HTTP client */

    /*  Sends a request; `done` is called once, always later. Connections are kept and shared, HTTP/2 where
        the server has it. A remote (scheme, host and port) that fails again and again is left alone for a
        while: requests to it are UNSENT at once, with retry_after_ms. Returns its number.  */
    uint64_t (*request) (const pal_host_t *self, const pal_request_t *request, pal_answer_fn *done,
                         void *arg);
    /*  `done` is not called any more.  */
    void (*request_cancel) (const pal_host_t *self, uint64_t request);

    /* -------- since 1.1: WebSockets; send and close are for those of the listener too */

    uint64_t (*socket_connect) (const pal_host_t *self, const pal_socket_options_t *options,
                                const pal_socket_handler_t *handler);
    /*  False: it is not open, or what waits for a slow peer would pass the limit (4 MiB for a client's).  */
    bool (*socket_send) (const pal_host_t *self, uint64_t socket, pal_text_t message, bool binary);
    /*  Bytes that wait to go out; 0 also when there is no such socket.  */
    uint64_t (*socket_waiting) (const pal_host_t *self, uint64_t socket);
    /*  What waits goes out first; `closed` (or `gone`) follows when the peer has answered, or after 5 s.
        `code`: 1000 to 1003, 1007 to 1014, 3000 to 4999; another one is sent as 1000. `reason`: at most 123
        bytes.  */
    void (*socket_close) (const pal_host_t *self, uint64_t socket, uint32_t code,
                          pal_text_t reason);

    /* -------- since 1.1: answers of the listener that are written piece by piece */

    /*  Like http_respond, but the body goes on with http_write until http_end; `response->body` is its
        first piece. For server-sent events the content type is text/event-stream.  */
    bool (*http_begin) (const pal_host_t *self, uint64_t call, const pal_http_response_t *response);
    /*  False: its client has gone, or was too slow and is cut off (`gone` follows).  */
    bool (*http_write) (const pal_host_t *self, uint64_t call, pal_text_t piece);
    void (*http_end) (const pal_host_t *self, uint64_t call);

    /* -------- since 1.1: key-value store in the broker, the adapter's own; survives everything */

    /*  `done` is called once, always later. They are carried out in the
        order given, and repeated over reconnects.  */
    void (*kv_get) (const pal_host_t *self, pal_text_t key, pal_kv_fn *done, void *arg);
    void (*kv_put) (const pal_host_t *self, pal_text_t key, pal_text_t value, pal_kv_fn *done,
                    void *arg);
    void (*kv_remove) (const pal_host_t *self, pal_text_t key, pal_kv_fn *done, void *arg);
    /*  Every key that begins with `prefix`, in order: a call each with `found`, then one without.  */
    void (*kv_list) (const pal_host_t *self, pal_text_t prefix, pal_kv_fn *done, void *arg);

    /* -------- since 1.1: rate buckets */

    /*  Takes one token of each bucket, or none of any. 0: taken; else the milliseconds until it is worth
        another try (at least 1).  */
    uint32_t (*rate_take) (const pal_host_t *self, const pal_bucket_t *buckets, uint32_t count,
                           pal_urgency_t urgency);
    /*  What the platform said (Retry-After): the bucket gives nothing before that, not even to FINAL.  */
    void (*rate_block) (const pal_host_t *self, pal_text_t name, uint32_t ms);

    /* -------- since 1.1: text */

    /*  How long it is in a unit.  */
    size_t (*text_size) (const pal_host_t *self, pal_text_t text, pal_text_unit_t unit);
    /*  Turns an event's text (the common Markdown: emphasis, strong, strike, code, fences, links, headings,
        lists, quotes, tables) into the platform's flavour, in parts of at most `max` units each (0: one
        part), each valid on its own: cut between paragraphs, else lines, else words, never inside a link or
        a grapheme; a code fence that must be cut is closed and opened again. For TELEGRAM and HTML what is
        counted is what the reader sees. What does not fit in a part as a whole (a word, a link, markup) is
        given up for that part, and nothing else; below 8 a character may be longer than `max`. Calls `part`
        for each, in order, before it returns; of a text with nothing but white space there is none.  */
    void (*text_render) (const pal_host_t *self, pal_text_t text, pal_markdown_t flavour,
                         pal_text_unit_t unit, uint32_t max,
                         void (*part) (void *arg, pal_text_t text), void *arg);

    /* -------- since 1.1: signatures */

    void (*hmac_sha256) (const pal_host_t *self, pal_text_t key, pal_text_t message,
                         uint8_t ret_hash[32]);
    bool (*ed25519_valid) (const pal_host_t *self, const uint8_t public_key[32],
                           const uint8_t signature[64], pal_text_t message);

    /* -------- since 1.1: retries, metrics, health */

    /*  How long to wait before the next attempt of `name` ("gateway"): 0 for the first after retry_good,
        then doubling, with jitter; when the day's budget is spent, until there is some again. Each call
        counts as an attempt; the budget survives a restart of the host. Until the broker has said what is
        left of it, a wait with a budget is at least a second.  */
    uint32_t (*retry_wait) (const pal_host_t *self, const char *name, const pal_retry_t *retry);
    void (*retry_good) (const pal_host_t *self, const char *name);

    /*  Metrics of the plugin, shown as palaver_plugin_NAME{adapter="..."}. `name`: [a-z_]+, at most 48; a
        counter's ends in _total. At most 64 of them.  */
    void (*metric_add) (const pal_host_t *self, const char *name, uint64_t count);
    void (*metric_set) (const pal_host_t *self, const char *name, double value);

    /*  What an operator reads beside the adapter: true: works; false: it does not, and why ("the token was
        refused by the platform"). Said once a change.  */
    void (*health) (const pal_host_t *self, bool works, const char *format, ...)
        __attribute__ ((format (printf, 3, 4)));

    /* -------- since 1.2: questions that take their time */

    /*  As control, but the next part, or a failure, comes within `within_ms`; 0: whenever there is something to say,
        until the broker goes (status GONE). Most commands are for adapters that the broker's configuration names
        in plugins.operators: to others the broker says AUTH. Returns the question's number.  */
    uint64_t (*ask) (const pal_host_t *self, pal_text_t command, pal_text_t arguments,
                     uint32_t within_ms,
                     void (*done) (void *arg, const pal_control_result_t *result), void *arg);
    /*  Says something more about a question whose last part has not come, under its number ("tail.end"); the answer,
        if there is one, is the question's. False: it is over, or the broker is not there.  */
    bool (*ask_more) (const pal_host_t *self, uint64_t question, pal_text_t command,
                      pal_text_t arguments);

    /*  The end of 1.2, and of 1.3. What comes after is added below this line and found with PAL_HAS.  */
};

static inline void pal_sent (const pal_host_t *host, uint64_t delivery, pal_text_t platform_id)
{
    host->finish (host, delivery, PAL_SENT, platform_id, 0, pal_text (NULL));
}

/*  0: the broker's own backoff; else what the platform asked for.  */
static inline void pal_not_sent (const pal_host_t *host, uint64_t delivery, uint32_t retry_after_ms,
                                 const char *reason)
{
    host->finish (host, delivery, PAL_NOT_SENT, pal_text (NULL), retry_after_ms, pal_text (reason));
}

static inline void pal_refused (const pal_host_t *host, uint64_t delivery, const char *reason)
{
    host->finish (host, delivery, PAL_REFUSED, pal_text (NULL), 0, pal_text (reason));
}

static inline void pal_unknown (const pal_host_t *host, uint64_t delivery, const char *reason)
{
    host->finish (host, delivery, PAL_UNKNOWN, pal_text (NULL), 0, pal_text (reason));
}

/* ------------------------------------------------------------------ the descriptor */

/*  What a platform can do, as a set.  */
enum {
    PAL_CAN_EDIT = 1 << 0,   /* change a message that was sent */
    PAL_CAN_TYPING = 1 << 1, /* show that an answer is on its way */
    PAL_CAN_BUTTONS = 1 << 2,
    PAL_CAN_THREADS = 1 << 3,
    PAL_CAN_STREAM = 1 << 4, /* live () shows text while it is written */
    PAL_DEDUPLICATES =
        1 << 5, /* the platform drops a second send of one reply: unknown is safe to retry */
};

/*  `export const pal_adapter_t palaver_adapter = {.abi = PAL_ABI, .size = sizeof (pal_adapter_t), ...}`.  */
typedef struct {
    uint32_t abi;        /* PAL_ABI; of another major not loaded, of a newer minor with a warning */
    uint32_t size;       /* sizeof (pal_adapter_t) */
    const char *name;    /* [a-z][a-z0-9-]*, at most 32 */
    const char *version; /* of the plugin */
    const char *platform; /* [a-z][a-z0-9]*, at most 32: begins every session id */
    uint64_t can;
    pal_markdown_t markdown;
    pal_text_unit_t text_unit;
    uint32_t text_max; /* of one message, in text_unit; 0: no limit */
    uint32_t credit;   /* deliveries at a time, at most 1024; 0: 64 */
    const pal_key_t *keys;
    uint32_t key_count;
    uint32_t key_size; /* sizeof (pal_key_t) */

    /*  Starts. 0 with `ret_self` set, or what host->fail returned, with nothing left open. `host` stays
        valid until close () has returned. Required.  */
    int (*open) (const pal_host_t *host, void **ret_self);

    /*  A reply to bring to the platform; finish it exactly once. Required.  */
    void (*deliver) (void *self, const pal_reply_t *reply);

    /*  Streamed text or presence; NULL: the platform has no use for it.  */
    void (*live) (void *self, const pal_live_t *live);

    /*  The broker came or went; NULL: no matter.  */
    void (*link) (void *self, bool connected);

    /*  Take nothing more from the platform; finish what is under way. Replies go on coming while a request
        of the listener waits for its answer. close () follows when nothing is under way, or when the time
        for it is over. NULL: nothing to do.  */
    void (*drain) (void *self);

    /*  Ends; frees `self`. Callbacks, timers and watches that are still to come are dropped. Required.  */
    void (*close) (void *self);
} pal_adapter_t;

#define PAL_EXPORT __attribute__ ((visibility ("default")))

#endif
