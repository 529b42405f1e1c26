#include "shell/links.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "shell/number.h"

#include <czmq.h>
#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

enum {
    SEND_MARK = 256,
    RECEIVE_MARK = 1000,
    BACKLOG = 4096,
    LINGER_MS = 1000,
    KEY_BYTES = 41 /* Z85 and a NUL */
};

/*  A packet that its peer did not read in time.  */
typedef struct {
    plv_node_t node;
    zmq_msg_t message;
} parcel_t;

typedef struct {
    uint32_t number;
    uint8_t socket;
    uint8_t id_size;
    bool barred;         /* what it sends is dropped */
    char key[KEY_BYTES]; /* its public one; empty: it needs none */
    plv_node_t stuck;    /* in the links' list while something waits */
    plv_node_t parcels;
    size_t waiting_bytes;
    uint8_t id[];
} link_t;

typedef struct {
    void *socket;
    int fd;
    unsigned allowed;
    bool guarded;
    plv_map_t by_id;
} door_t;

struct links {
    void *context;
    uint8_t seed[16];
    door_t doors[LINKS_SOCKETS_MAX];
    size_t count;
    plv_map_u64_t by_number;
    plv_node_t stuck;
    uint32_t last_number;
    unsigned touched;
    zmq_msg_t received;
    links_guard_fn *guard;
    void *guard_arg;
};

links_t *links_new (void *context, const uint8_t seed[16])
{
    links_t *self = plv_alloc_zero (1, sizeof *self);
    self->context = context;
    memcpy (self->seed, seed, sizeof self->seed);
    plv_list_init (&self->stuck);
    zmq_msg_init (&self->received);
    return self;
}

static void parcel_destroy (parcel_t *parcel)
{
    plv_node_remove (&parcel->node);
    zmq_msg_close (&parcel->message);
    free (parcel);
}

static void link_destroy (link_t *link)
{
    for (plv_node_t *node; (node = plv_list_first (&link->parcels));)
        parcel_destroy (PLV_OF (node, parcel_t, node));
    plv_node_remove (&link->stuck);
    free (link);
}

void links_forget (links_t *self, uint32_t peer)
{
    link_t *link = plv_map_u64_remove (&self->by_number, peer);
    if (!link)
        return;
    plv_map_remove (&self->doors[link->socket].by_id, plv_view (link->id, link->id_size));
    link_destroy (link);
}

void links_close (links_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        zmq_close (self->doors[i].socket);
        self->doors[i].socket = NULL;
    }
    self->count = 0;
}

void links_destroy (links_t **self_p)
{
    links_t *self = *self_p;
    link_t *link;
    if (!self)
        return;
    links_close (self);
    for (size_t at = 0; (link = plv_map_u64_next (&self->by_number, &at));)
        link_destroy (link);
    plv_map_u64_free (&self->by_number);
    for (size_t i = 0; i < LINKS_SOCKETS_MAX; i++)
        plv_map_free (&self->doors[i].by_id);
    zmq_msg_close (&self->received);
    free (self);
    *self_p = NULL;
}

static void set (void *socket, int option, int value)
{
    zmq_setsockopt (socket, option, &value, sizeof value);
}

/*  A packet that is somewhat too large is read, and answered with an error that says so; one that is far too
    large ends the connection in libzmq.  */
static void set_limits (void *socket)
{
    int64_t most = 2 * (int64_t) PACKET_BYTES_MAX;
    zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    set (socket, ZMQ_ROUTER_MANDATORY, 1);
    set (socket, ZMQ_SNDHWM, SEND_MARK);
    set (socket, ZMQ_RCVHWM, RECEIVE_MARK);
    set (socket, ZMQ_BACKLOG, BACKLOG);
    set (socket, ZMQ_LINGER, LINGER_MS);
}

plv_err_t links_bind (links_t *self, const char *endpoint, unsigned allowed, void *cert,
                      plv_fail_t *ret_fail)
{
    void *socket = zmq_socket (self->context, ZMQ_ROUTER);
    if (!socket)
        return plv_fail (ret_fail, ERR_IO, "%s: no socket: %s%s", endpoint, zmq_strerror (errno),
                         plv_errno_advice (errno));
    set_limits (socket);
    if (cert) {
        set (socket, ZMQ_CURVE_SERVER, 1);
        zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, zcert_public_key (cert), 32);
        zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, zcert_secret_key (cert), 32);
        zmq_setsockopt (socket, ZMQ_ZAP_DOMAIN, "agents", strlen ("agents"));
    }
    if (zmq_bind (socket, endpoint)) {
        int reason = errno;
        zmq_close (socket);
        return plv_fail (ret_fail, ERR_IO, "%s: %s%s%s", endpoint, zmq_strerror (reason),
                         reason == EADDRINUSE ? "; is another broker running there?" : "",
                         plv_errno_advice (reason));
    }
    door_t *door = &self->doors[self->count++];
    size_t size = sizeof door->fd;
    door->socket = socket;
    door->allowed = allowed;
    door->guarded = cert != NULL;
    zmq_getsockopt (socket, ZMQ_FD, &door->fd, &size);
    self->touched |= 1u << (self->count - 1);
    plv_map_init (&door->by_id, self->seed);
    return ERR_OK;
}

size_t links_count (const links_t *self)
{
    return self->count;
}

int links_fd (const links_t *self, size_t index)
{
    return self->doors[index].fd;
}

unsigned links_touched (links_t *self)
{
    unsigned touched = self->touched;
    self->touched = 0;
    return touched;
}

static link_t *link_of (links_t *self, size_t index, plv_view_t id)
{
    door_t *door = &self->doors[index];
    link_t *link = plv_map_get (&door->by_id, id);
    if (link)
        return link;
    link = plv_alloc_zero (1, sizeof *link + id.size);
    self->last_number = number_after (self->last_number, &self->by_number);
    link->number = self->last_number;
    link->socket = (uint8_t) index;
    link->id_size = (uint8_t) id.size;
    memcpy (link->id, id.data, id.size);
    plv_list_init (&link->parcels);
    plv_map_put (&door->by_id, plv_view (link->id, id.size), link);
    plv_map_u64_put (&self->by_number, link->number, link);
    return link;
}

/*  The last part of a message behind its routing id; returns how many parts there were. A packet has one.  */
static unsigned receive_last (links_t *self, void *socket)
{
    unsigned parts = 0;
    while (zmq_msg_more (&self->received) && zmq_msg_recv (&self->received, socket, 0) >= 0)
        parts++;
    return parts;
}

void links_set_guard (links_t *self, links_guard_fn *guard, void *arg)
{
    self->guard = guard;
    self->guard_arg = arg;
}

/*  The authenticator has let the connection in, perhaps long ago, and says by which key with each message.  */
static bool let_in (links_t *self, link_t *link)
{
    const char *key = zmq_msg_gets (&self->received, "User-Id");
    if (link->key[0] == '\0' && !link->barred) {
        snprintf (link->key, sizeof link->key, "%s", key ? key : "");
        link->barred = !key || !self->guard || !self->guard (self->guard_arg, link->key);
    }
    return !link->barred;
}

static link_t *barred_now (links_t *self)
{
    link_t *link;
    for (size_t at = 0; (link = plv_map_u64_next (&self->by_number, &at));)
        if (self->doors[link->socket].guarded && link->key[0]
            && link->barred == self->guard (self->guard_arg, link->key))
            return link;
    return NULL;
}

/*  One that may come again is a new peer when it speaks next, as one that is barred is.  */
void links_review (links_t *self, void (*lost) (void *arg, uint32_t peer, const char *key),
                   void *arg)
{
    link_t *link;
    while (self->guard && (link = barred_now (self))) {
        char key[KEY_BYTES];
        uint32_t number = link->number;
        bool was_heard = !link->barred;
        memcpy (key, link->key, sizeof key);
        links_forget (self, number);
        if (was_heard)
            lost (arg, number, key);
    }
}

bool links_receive (links_t *self, size_t index, links_packet_t *ret_packet)
{
    door_t *door = &self->doors[index];
    link_t *link;
    do {
        if (zmq_msg_recv (&self->received, door->socket, ZMQ_DONTWAIT) < 0)
            return false;
        link = link_of (self, index,
                        plv_view (zmq_msg_data (&self->received), zmq_msg_size (&self->received)));
        ret_packet->parts = receive_last (self, door->socket) != 1;
    } while (door->guarded && !let_in (self, link));
    ret_packet->peer = link->number;
    ret_packet->allowed = door->allowed;
    ret_packet->bytes = plv_view (zmq_msg_data (&self->received), zmq_msg_size (&self->received));
    return true;
}

static links_sent_t post (links_t *self, const link_t *link, zmq_msg_t *message)
{
    void *socket = self->doors[link->socket].socket;
    self->touched |= 1u << link->socket;
    if (zmq_send (socket, link->id, link->id_size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return errno == EAGAIN || errno == EINTR ? LINKS_WAITS : LINKS_GONE;
    if (zmq_msg_send (message, socket, ZMQ_DONTWAIT) < 0)
        return LINKS_GONE;
    return LINKS_SENT;
}

links_sent_t links_send (links_t *self, uint32_t peer, plv_view_t bytes)
{
    link_t *link = plv_map_u64_get (&self->by_number, peer);
    zmq_msg_t message;
    if (!link || self->count == 0)
        return LINKS_GONE;
    if (zmq_msg_init_size (&message, bytes.size))
        plv_out_of_memory (bytes.size);
    memcpy (zmq_msg_data (&message), bytes.data, bytes.size);
    links_sent_t sent = plv_list_empty (&link->parcels) ? post (self, link, &message) : LINKS_WAITS;
    if (sent == LINKS_WAITS && link->waiting_bytes + bytes.size > LINKS_STUCK_BYTES_MAX)
        sent = LINKS_STUCK;
    if (sent != LINKS_WAITS) {
        zmq_msg_close (&message);
        return sent;
    }
    parcel_t *parcel = plv_alloc_zero (1, sizeof *parcel);
    zmq_msg_init (&parcel->message);
    zmq_msg_move (&parcel->message, &message);
    plv_list_push (&link->parcels, &parcel->node);
    link->waiting_bytes += bytes.size;
    if (!plv_node_listed (&link->stuck))
        plv_list_push (&self->stuck, &link->stuck);
    return LINKS_WAITS;
}

static links_sent_t flush_link (links_t *self, link_t *link)
{
    for (plv_node_t *node; (node = plv_list_first (&link->parcels));) {
        parcel_t *parcel = PLV_OF (node, parcel_t, node);
        size_t size = zmq_msg_size (&parcel->message);
        links_sent_t sent = post (self, link, &parcel->message);
        if (sent != LINKS_SENT)
            return sent;
        link->waiting_bytes -= size;
        parcel_destroy (parcel);
    }
    plv_node_remove (&link->stuck);
    return LINKS_SENT;
}

void links_flush (links_t *self, void (*lost) (void *arg, uint32_t peer), void *arg)
{
    plv_node_t *next;
    for (plv_node_t *node = self->stuck.next; node != &self->stuck; node = next) {
        link_t *link = PLV_OF (node, link_t, stuck);
        next = node->next;
        if (flush_link (self, link) != LINKS_GONE)
            continue;
        uint32_t number = link->number;
        links_forget (self, number);
        lost (arg, number);
    }
}

bool links_waiting (const links_t *self)
{
    return !plv_list_empty (&self->stuck);
}
