/*  fake_host_net -- the network of fake_host: what the plugin asks of others, and what others ask of it
    OWNS    copies of all that was sent; texts that it gives out live as long as the fake host does
    THREAD  that of the test
    FAILS   by abort () with a line on stderr when a test asks for what never happened
    COST    none that matters

    Requests and sockets of the plugin are numbered from 0 in the order in which it asked; the test answers,
    opens, feeds and closes them. Clients of its listener are known by the host's number of their call. What
    the plugin writes is kept: a stream's pieces one behind the other, a socket's messages a line each (bytes
    as hexadecimal after "binary:").  */

#ifndef PALAVER_SDK_FAKE_HOST_NET_H
#define PALAVER_SDK_FAKE_HOST_NET_H

#include "sdk/fake_host.h"

/* ------------------------------------------------------------------ requests of the plugin */

typedef struct {
    const char *method; /* as given, or "GET" or "POST" */
    const char *url, *content_type, *body;
    const char *headers; /* "name: value\n" each */
    const char *parts;   /* "name|file name|content type|data\n" each */
    uint32_t timeout_ms, body_bytes_max;
    bool is_over; /* answered or cancelled */
    bool is_cancelled;
} fake_sent_t;

size_t fake_host_requests (const fake_host_t *self);
const fake_sent_t *fake_host_sent (const fake_host_t *self, size_t at);
/*  How many are not over.  */
size_t fake_host_requests_open (const fake_host_t *self);

/*  `body` is the reason of what is UNSENT or LOST. `headers`: "name: value\n" each, names in lower case, may be
    NULL; retry-after in seconds is understood.  */
void fake_host_answer_request (fake_host_t *self, size_t at, pal_ended_t ended, uint32_t status,
                               const char *headers, const char *body);

/* ------------------------------------------------------------------ sockets of the plugin */

typedef struct {
    const char *url, *protocol;
    const char *headers;
    const char *transcript; /* what the plugin has sent */
    bool is_open;
    bool is_over;    /* the plugin has been told that it is closed */
    bool is_closing; /* the plugin wants it closed: with `code` and `reason` */
    uint32_t code;
    const char *reason;
} fake_socket_t;

size_t fake_host_sockets (const fake_host_t *self);
fake_socket_t fake_host_socket (const fake_host_t *self, size_t at);
void fake_host_socket_open (fake_host_t *self, size_t at);
void fake_host_socket_say (fake_host_t *self, size_t at, const char *text);
void fake_host_socket_say_bytes (fake_host_t *self, size_t at, const void *bytes, size_t size);
void fake_host_socket_closed (fake_host_t *self, size_t at, uint32_t code, const char *reason);

/* ------------------------------------------------------------------ clients of the plugin's listener */

/*  A client asks for a WebSocket: its number and 0, or 0 and the status that it was refused with. It is open
    at once.  */
uint64_t fake_host_connect (fake_host_t *self, const char *path, const char *query,
                            const char *headers, uint32_t *ret_status);
/*  The subprotocol that was chosen; "": none.  */
const char *fake_host_protocol (const fake_host_t *self, uint64_t call);
void fake_host_say (fake_host_t *self, uint64_t call, const char *text);

/*  Of a stream or a WebSocket: what was written, and whether the plugin has ended or closed it, with which code
    (a stream: 1).  */
const char *fake_host_transcript (const fake_host_t *self, uint64_t call);
uint32_t fake_host_ended (const fake_host_t *self, uint64_t call);

/*  The client takes nothing more: writes wait up to `limit` bytes, and the one beyond fails. Then `gone` follows
    with fake_host_hang_up, as for one who leaves.  */
void fake_host_stall (fake_host_t *self, uint64_t call, uint64_t limit);
/*  It takes all that waits.  */
void fake_host_drained (fake_host_t *self, uint64_t call);

/* ------------------------------------------------------------------ between fake_host.c and fake_host_net.c */

typedef struct fake_net fake_net_t;

fake_net_t *fake_net_new (void);
void fake_net_destroy (fake_net_t **self_p);
void fake_net_enter (pal_host_t *table);
/*  The plugin has been closed: nothing calls it back.  */
void fake_net_mute (fake_net_t *self);
/*  Where fake_host.c keeps it.  */
fake_net_t *fake_host_net (const pal_host_t *table);

#endif
