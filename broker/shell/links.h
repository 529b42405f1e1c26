/*  links -- the ROUTER sockets, and the peers behind them by number
    OWNS    its sockets and what waits for peers that do not read
    THREAD  the loop's
    FAILS   links_bind with ERR_IO and a text that names the endpoint
    COST    one hash lookup a packet received, one copy a packet sent

    Mandatory routing: a send to a peer that is gone says so. Non-blocking: what a peer does not read waits
    here, up to LINKS_STUCK_BYTES_MAX; a peer beyond that is given up.  */

#ifndef SHELL_LINKS_H
#define SHELL_LINKS_H

#include "base/err.h"
#include "base/view.h"

typedef struct links links_t;

enum { LINKS_SOCKETS_MAX = 4, LINKS_STUCK_BYTES_MAX = 64 * 1024 * 1024 };

/*  `context`: of libzmq, lent. `seed`: 16 secret bytes for the hash of routing ids.  */
links_t *links_new (void *context, const uint8_t seed[16]);
void links_destroy (links_t **self_p);

/*  Opens a ROUTER that lets these roles in (FROM_*). `cert` (a zcert_t, or NULL): CURVE server keys.  */
plv_err_t links_bind (links_t *self, const char *endpoint, unsigned allowed, void *cert,
                      plv_fail_t *ret_fail);

size_t links_count (const links_t *self);

/*  A descriptor that becomes readable when socket `index` may have something: once for any number of packets,
    and not again for what a send has noticed meanwhile. So before waiting for it, read empty every socket
    that was sent on.  */
int links_fd (const links_t *self, size_t index);

/*  The sockets that were sent on since the last call, a bit each.  */
unsigned links_touched (links_t *self);

/*  May a peer with this public key (Z85) be heard? Asked of each that comes by a socket with CURVE before its first
    packet is taken, and of all in links_review.  */
typedef bool links_guard_fn (void *arg, const char *key);

void links_set_guard (links_t *self, links_guard_fn *guard, void *arg);

/*  Calls `lost` for every peer that may not be heard any more; whatever else comes by its connection is dropped.  */
void links_review (links_t *self, void (*lost) (void *arg, uint32_t peer, const char *key),
                   void *arg);

typedef struct {
    uint32_t peer; /* a new number for a routing id that is not known */
    unsigned allowed;
    plv_view_t bytes; /* lent until the next call */
    bool parts;       /* they are the last part of several, which no packet has */
} links_packet_t;

/*  The next packet of socket `index`; false when there is none now.  */
bool links_receive (links_t *self, size_t index, links_packet_t *ret_packet);

typedef enum { LINKS_SENT, LINKS_WAITS, LINKS_GONE, LINKS_STUCK } links_sent_t;

/*  GONE and STUCK: tell the core, then links_forget. Bytes for a number that was forgotten are GONE.  */
links_sent_t links_send (links_t *self, uint32_t peer, plv_view_t bytes);

/*  Tries again what waits. Calls `lost` for every peer that turns out to be gone.  */
void links_flush (links_t *self, void (*lost) (void *arg, uint32_t peer), void *arg);
bool links_waiting (const links_t *self);

void links_forget (links_t *self, uint32_t peer);

/*  Nothing is taken from peers any more; what was sent is still delivered, for a second at most.  */
void links_close (links_t *self);

#endif
