#include "sdk/internal.h"

#include "base/clock.h"

#include <errno.h>
#include <sodium.h>
#include <zmq.h>

enum {
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 5000,
    DRAIN_WAIT_US = 10000000, /* for the last COMMITTED, once the handlers are done */
    DRAIN_LOOK_US = 100000,
    TURN_PACKETS = 64,
};

static void set_number (void *socket, int option, int value)
{
    zmq_setsockopt (socket, option, &value, sizeof value);
}

static void set_options (const settings_t *set, void *socket)
{
    int64_t most = PACKET_BYTES_MAX;
    set_number (socket, ZMQ_LINGER, 0);
    set_number (socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_number (socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_number (socket, ZMQ_IPV6, 1);
    zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    if (set->broker_key[0]) {
        zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, set->broker_key, KEY_TEXT_BYTES);
        zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, set->public_key, KEY_TEXT_BYTES);
        zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, set->secret_key, KEY_TEXT_BYTES);
    }
}

static void fail_errno (plv_agent_t *self, const char *what)
{
    plv_fail_t fail;
    plv_fail (&fail, errno == EMFILE || errno == ENFILE ? ERR_FULL : ERR_ARG, "%s: %s", what,
              zmq_strerror (errno));
    plv_agent_fail (self, &fail);
}

void plv_link_open (plv_agent_t *self)
{
    link_t *link = &self->link;
    size_t size = sizeof link->fd;
    link->reopen_us = 0;
    link->socket = zmq_socket (link->context, ZMQ_DEALER);
    if (!link->socket) {
        fail_errno (self, "socket");
        return;
    }
    set_options (&self->set, link->socket);
    zmq_getsockopt (link->socket, ZMQ_FD, &link->fd, &size);
    if (zmq_connect (link->socket, self->set.endpoint))
        fail_errno (self, self->set.endpoint);
    else
        plv_link_hello (self);
}

void plv_link_close (plv_agent_t *self, int linger_ms)
{
    if (!self->link.socket)
        return;
    set_number (self->link.socket, ZMQ_LINGER, linger_ms);
    zmq_close (self->link.socket);
    self->link.socket = NULL;
}

/*  A new connection after a pause of 1 to 1.5 times `pause_us`: many workers do not come back at once.  */
static void reopen (plv_agent_t *self, int64_t pause_us)
{
    self->ready = false;
    plv_buf_clear (&self->out);
    self->link.state = LINK_NEW;
    plv_link_close (self, 0);
    int64_t jitter_us =
        pause_us ? (int64_t) randombytes_uniform ((uint32_t) (pause_us / 2 + 1)) : 0;
    self->link.reopen_us = plv_clock_mono_us () + pause_us + jitter_us;
}

/*  Memory that ran out while frames were put together takes the connection with it: all of them are said again
    on a new one.  */
static void flush (plv_agent_t *self)
{
    if (self->out.failed)
        reopen (self, 1000000);
    else
        plv_link_flush (self);
}

static void react (plv_agent_t *self, const reaction_t *reaction)
{
    if (reaction->reopen_us) {
        reopen (self, reaction->reopen_us);
    } else if (reaction->hello) {
        plv_agent_note (self, "the broker does not know us: introducing ourselves again");
        plv_link_hello (self);
    } else if (reaction->pong && self->link.state == LINK_READY) {
        plv_link_say (self, VERB_PONG, NULL);
    }
}

static void read_packet (plv_agent_t *self, zmq_msg_t *message)
{
    plv_fail_t fail;
    reaction_t reaction;
    plv_view_t packet = plv_view (zmq_msg_data (message), zmq_msg_size (message));
    self->link.heard_us = plv_clock_mono_us ();
    if (plv_link_packet (self, packet, &reaction, &fail)) {
        plv_link_say (self, VERB_BYE, fail.text);
        plv_agent_fail (self, &fail);
        return;
    }
    react (self, &reaction);
}

/*  The socket's descriptor tells of changes only, and every call on the socket may take such news away. So
    each time that the socket was used, what has come is read before anybody waits again.  */
bool plv_link_pump (plv_agent_t *self)
{
    bool came = false;
    flush (self);
    for (int i = 0; i < TURN_PACKETS && self->link.socket && self->phase != PHASE_OVER; i++) {
        zmq_msg_t message;
        zmq_msg_init (&message);
        bool got = zmq_msg_recv (&message, self->link.socket, ZMQ_DONTWAIT) >= 0;
        if (got)
            read_packet (self, &message);
        zmq_msg_close (&message);
        if (!got)
            break;
        came = true;
    }
    return came;
}

/*  CREDIT 0 once, then BYE when nothing is held any more, or when the broker did not commit in time.  */
static void drain (plv_agent_t *self, int64_t now_us)
{
    link_t *link = &self->link;
    self->phase = self->phase == PHASE_WORK ? PHASE_DRAIN : self->phase;
    if (link->state == LINK_READY && !link->drain_said) {
        link->drain_said = true;
        plv_link_say (self, VERB_CREDIT, NULL);
    }
    bool working = self->running || !plv_list_empty (&self->waiting);
    bool empty = plv_list_empty (&self->held);
    if (working || !link->drained_us)
        link->drained_us = working ? 0 : now_us;
    if (working || (!empty && now_us - link->drained_us < DRAIN_WAIT_US))
        return;
    plv_fail_t fail = {.code = ERR_OK};
    if (!empty)
        plv_fail (&fail, ERR_TIMEOUT,
                  "the broker did not confirm the last answers: others will get those jobs");
    flush (self);
    plv_link_say (self, VERB_BYE, "done");
    plv_agent_fail (self, &fail);
}

/*  A sign of life when we said nothing for a heartbeat, and a question when we heard nothing.  */
static int64_t ping_us (const link_t *link)
{
    int64_t question_us = (link->heard_us > link->pinged_us ? link->heard_us : link->pinged_us);
    return (link->said_us < question_us ? link->said_us : question_us) + link->heartbeat_us;
}

static void keep_ready (plv_agent_t *self, int64_t now_us)
{
    link_t *link = &self->link;
    if (now_us - link->heard_us > link->timeout_us) {
        plv_agent_note (self, "the broker is silent: connecting anew");
        reopen (self, RECONNECT_MS * 1000);
    } else if (now_us >= ping_us (link)) {
        plv_link_say (self, VERB_PING, NULL);
        link->pinged_us = now_us;
    }
}

static const char not_let_in[] =
    "; who is not in its keys/agents, or has a wrong broker.cert, gets none";

/*  Heartbeats, silence, a broker that does not answer, and the end.  */
void plv_link_keep_time (plv_agent_t *self)
{
    link_t *link = &self->link;
    int64_t now_us = plv_clock_mono_us ();
    if (self->phase == PHASE_OVER)
        return;
    if (!link->socket) {
        if (now_us >= link->reopen_us)
            plv_link_open (self);
    } else if (link->state == LINK_READY) {
        keep_ready (self, now_us);
    } else if (now_us - link->hello_us > link->welcome_us) {
        plv_agent_note (self, "no answer from %s: trying again%s", self->set.endpoint,
                        strncmp (self->set.endpoint, "tcp://", 6) == 0 ? not_let_in : "");
        if (link->welcome_us < WELCOME_WAIT_MS_MAX * 1000)
            link->welcome_us *= 2;
        reopen (self, RECONNECT_MS * 1000);
    }
    if (atomic_load (&self->stop) && self->phase != PHASE_OVER)
        drain (self, now_us);
}

int64_t plv_link_next_us (const plv_agent_t *self)
{
    const link_t *link = &self->link;
    int64_t next_us = ping_us (link);
    if (!link->socket)
        next_us = link->reopen_us;
    else if (link->state != LINK_READY)
        next_us = link->hello_us + link->welcome_us;
    else if (link->heard_us + link->timeout_us < next_us)
        next_us = link->heard_us + link->timeout_us;
    if (atomic_load (&self->stop)) {
        int64_t look_us = plv_clock_mono_us () + DRAIN_LOOK_US;
        return look_us < next_us ? look_us : next_us;
    }
    return next_us;
}
