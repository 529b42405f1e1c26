#include "sdk/internal.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <unistd.h>
#include <zmq.h>

enum {
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 5000,
    LINGER_MS = 1000,
    NAP_LEAST_US = 1000,
    DRAIN_WAIT_US = 10000000, /* for the last COMMITTED, once the handlers are done */
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
    plv_fail (&fail, errno == EMFILE ? ERR_FULL : ERR_ARG, "%s: %s", what, zmq_strerror (errno));
    pthread_mutex_lock (&self->lock);
    plv_agent_fail (self, &fail);
    pthread_mutex_unlock (&self->lock);
}

static void open_socket (plv_agent_t *self)
{
    link_t *link = &self->link;
    link->reopen_us = 0;
    link->blocked = false;
    link->socket = zmq_socket (link->context, ZMQ_DEALER);
    if (!link->socket) {
        fail_errno (self, "socket");
        return;
    }
    set_options (&self->set, link->socket);
    if (zmq_connect (link->socket, self->set.endpoint))
        fail_errno (self, self->set.endpoint);
    else
        plv_link_hello (self);
}

static void close_socket (plv_agent_t *self, int linger_ms)
{
    if (!self->link.socket)
        return;
    set_number (self->link.socket, ZMQ_LINGER, linger_ms);
    zmq_close (self->link.socket);
    self->link.socket = NULL;
}

/*  A new connection after a pause of 1 to 1.5 times `pause_us`: many workers do not come back at once.  */
void plv_link_reopen (plv_agent_t *self, int64_t pause_us)
{
    pthread_mutex_lock (&self->lock);
    self->ready = false;
    plv_buf_clear (&self->out);
    pthread_mutex_unlock (&self->lock);
    self->link.state = LINK_NEW;
    close_socket (self, 0);
    int64_t jitter_us = pause_us ? (int64_t) randombytes_uniform ((uint32_t) (pause_us / 2 + 1)) : 0;
    self->link.reopen_us = plv_clock_mono_us () + pause_us + jitter_us;
}

static bool over (plv_agent_t *self)
{
    pthread_mutex_lock (&self->lock);
    bool is_over = self->phase == PHASE_OVER;
    pthread_mutex_unlock (&self->lock);
    return is_over;
}

/*  Reads what is waiting, a bounded part a time. False: the broker is none that we can speak with.  */
static bool read_packets (plv_agent_t *self)
{
    for (int i = 0; i < TURN_PACKETS && self->link.socket; i++) {
        zmq_msg_t message;
        plv_fail_t fail;
        zmq_msg_init (&message);
        if (zmq_msg_recv (&message, self->link.socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close (&message);
            return true;
        }
        self->link.heard_us = plv_clock_mono_us ();
        plv_view_t packet = plv_view (zmq_msg_data (&message), zmq_msg_size (&message));
        plv_err_t err = plv_link_packet (self, packet, &fail);
        zmq_msg_close (&message);
        if (err) {
            plv_link_say (self, VERB_BYE, fail.text);
            pthread_mutex_lock (&self->lock);
            plv_agent_fail (self, &fail);
            pthread_mutex_unlock (&self->lock);
            return false;
        }
    }
    return true;
}

/*  CREDIT 0 once, then BYE when nothing is held any more, or when the broker did not commit in time.  */
static void drain (plv_agent_t *self, int64_t now_us)
{
    link_t *link = &self->link;
    if (link->state == LINK_READY && !link->drain_said) {
        link->drain_said = true;
        plv_link_say (self, VERB_CREDIT, NULL);
    }
    pthread_mutex_lock (&self->lock);
    self->phase = self->phase == PHASE_WORK ? PHASE_DRAIN : self->phase;
    bool working = self->running || !plv_list_empty (&self->waiting);
    if (working || !link->drained_us)
        link->drained_us = working ? 0 : now_us;
    bool empty = plv_list_empty (&self->held);
    bool done = !working && (empty || now_us - link->drained_us >= DRAIN_WAIT_US);
    pthread_mutex_unlock (&self->lock);
    if (!done)
        return;
    plv_fail_t fail = {.code = ERR_OK};
    if (!empty)
        plv_fail (&fail, ERR_TIMEOUT, "the broker did not confirm the last answers: others will get those jobs");
    plv_link_flush (self);
    plv_link_say (self, VERB_BYE, "done");
    pthread_mutex_lock (&self->lock);
    plv_agent_fail (self, &fail);
    pthread_mutex_unlock (&self->lock);
}

/*  A second signal ends the program as if we were not there.  */
static void read_signal (plv_agent_t *self)
{
    char skipped[128];
    if (self->link.signals < 0 || read (self->link.signals, skipped, sizeof skipped) <= 0)
        return;
    plv_agent_note (self, "stopping: finishing what is at hand");
    atomic_store (&self->stop, true);
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    pthread_sigmask (SIG_UNBLOCK, &signals, NULL);
}

/*  A sign of life when we said nothing for a heartbeat, and a question when we heard nothing.  */
static int64_t ping_us (const link_t *link)
{
    int64_t question_us = (link->heard_us > link->pinged_us ? link->heard_us : link->pinged_us);
    return (link->said_us < question_us ? link->said_us : question_us) + link->heartbeat_us;
}

/*  Heartbeats, silence, and a broker that does not answer.  */
static void keep_time (plv_agent_t *self, int64_t now_us)
{
    link_t *link = &self->link;
    if (!link->socket) {
        if (now_us >= link->reopen_us)
            open_socket (self);
        return;
    }
    if (link->state == LINK_READY && now_us - link->heard_us > link->timeout_us) {
        plv_agent_note (self, "the broker is silent: connecting anew");
        plv_link_reopen (self, RECONNECT_MS * 1000);
    } else if (link->state == LINK_INTRODUCED && now_us - link->hello_us > WELCOME_WAIT_MS * 1000) {
        plv_agent_note (self, "no answer from %s: trying again", self->set.endpoint);
        plv_link_reopen (self, RECONNECT_MS * 1000);
    } else if (link->state == LINK_READY && now_us >= ping_us (link)) {
        plv_link_say (self, VERB_PING, NULL);
        link->pinged_us = now_us;
    }
}

static int64_t next_us (const plv_agent_t *self, int64_t now_us)
{
    const link_t *link = &self->link;
    if (!link->socket)
        return link->reopen_us - now_us;
    if (link->state == LINK_INTRODUCED)
        return link->hello_us + WELCOME_WAIT_MS * 1000 - now_us;
    int64_t say_us = ping_us (link) - now_us;
    int64_t silent_us = link->heard_us + link->timeout_us - now_us;
    return say_us < silent_us ? say_us : silent_us;
}

/*  While handlers are busy the poll wakes now and then, to send what a quick handler left to be sent with
    others: after 1 ms, 2 ms, 4 ms ... Returns how long to wait, in milliseconds.  */
static long patience_ms (plv_agent_t *self, int64_t now_us)
{
    int64_t wait_us = next_us (self, now_us);
    pthread_mutex_lock (&self->lock);
    bool busy = self->running || !plv_list_empty (&self->waiting);
    bool draining = atomic_load (&self->stop);
    bool ready = self->ready && self->out.size && !self->link.blocked;
    self->asleep = !ready;
    pthread_mutex_unlock (&self->lock);
    if (ready)
        return 0;
    self->link.nap_us = busy ? self->link.nap_us * 2 : NAP_LEAST_US / 2;
    if (busy && wait_us > self->link.nap_us)
        wait_us = self->link.nap_us;
    if (draining && wait_us > 100000)
        wait_us = 100000;
    return wait_us < 0 ? 0 : (long) (wait_us + 999) / 1000;
}

static void wait_for_something (plv_agent_t *self)
{
    long patience = patience_ms (self, plv_clock_mono_us ());
    short events = ZMQ_POLLIN;
    if (self->link.blocked)
        events |= ZMQ_POLLOUT;
    zmq_pollitem_t items[] = {
        {.fd = self->wake, .events = ZMQ_POLLIN},
        {.fd = self->link.signals, .events = ZMQ_POLLIN},
        {.socket = self->link.socket, .events = events},
    };
    zmq_pollitem_t *first = self->link.signals < 0 ? &items[1] : items;
    if (self->link.signals < 0)
        items[1] = items[0];
    int count = (int) (items + (self->link.socket ? 3 : 2) - first);
    zmq_poll (first, count, patience);
    self->link.blocked = false;

    pthread_mutex_lock (&self->lock);
    self->asleep = false;
    pthread_mutex_unlock (&self->lock);
    uint64_t rung;
    ssize_t size = read (self->wake, &rung, sizeof rung);
    (void) size; /* nothing rang */
}

static void turn (plv_agent_t *self)
{
    wait_for_something (self);
    read_signal (self);
    if (self->link.socket && !read_packets (self))
        return;
    plv_link_flush (self);
    int64_t now_us = plv_clock_mono_us ();
    keep_time (self, now_us);
    if (atomic_load (&self->stop))
        drain (self, now_us);
}

void *plv_link_thread (void *agent)
{
    plv_agent_t *self = agent;
    self->link.context = zmq_ctx_new ();
    if (!self->link.context) {
        fail_errno (self, "ZeroMQ");
        return NULL;
    }
    open_socket (self);
    while (!over (self))
        turn (self);
    close_socket (self, LINGER_MS);
    zmq_ctx_term (self->link.context);
    return NULL;
}
