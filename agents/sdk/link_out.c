#include "sdk/internal.h"

#include "base/clock.h"

#include <unistd.h>
#include <zmq.h>

enum { MINOR_OF_CALL_CANCEL = 2 };

/*  What the link itself says goes out at once, past `out`: it is little, and never waits for others. When the
    socket takes no more the other side is not reading, and silence will end the connection.  */
static void send_packet (plv_agent_t *self)
{
    link_t *link = &self->link;
    if (link->socket && !link->packet.failed)
        zmq_send (link->socket, link->packet.data, link->packet.size, ZMQ_DONTWAIT);
    link->said_us = plv_clock_mono_us ();
    plv_buf_clear (&link->packet);
}

/*  Leases that we work on or whose answers are not yet on the broker's disk.  */
static void put_holding (plv_agent_t *self, plv_buf_t *packet)
{
    uint32_t count = 0;
    for (plv_node_t *node = self->held.next; node != &self->held; node = node->next)
        count += !atomic_load (&PLV_OF (node, plv_job_t, held)->cancelled);
    plv_mp_put_text (packet, "holding");
    plv_mp_put_array (packet, count);
    for (plv_node_t *node = self->held.next; node != &self->held; node = node->next) {
        const plv_job_t *job = PLV_OF (node, plv_job_t, held);
        if (!atomic_load (&job->cancelled))
            plv_mp_put_u64 (packet, job->lease);
    }
}

void plv_link_hello (plv_agent_t *self)
{
    link_t *link = &self->link;
    plv_buf_t *packet = &link->packet;
    plv_packet_begin (packet);
    size_t mark = plv_frame_begin (packet, VERB_HELLO);
    plv_mp_pair_text (packet, "agent", self->set.name);
    plv_mp_put_text (packet, self->set.build);
    plv_mp_put_u64 (packet, (uint64_t) getpid ());
    plv_mp_put_map (packet, self->set.pairs + (link->hellos ? 2 : 1));
    plv_buf_add_view (packet, plv_buf_view (&self->set.encoded));
    plv_mp_pair_bin (packet, "incarnation", plv_view (self->incarnation, sizeof self->incarnation));
    if (link->hellos)
        put_holding (self, packet);
    plv_frame_end (packet, mark);
    send_packet (self);
    link->state = LINK_INTRODUCED;
    link->hellos++;
    link->drain_said = false;
    link->hello_us = link->said_us;
}

/*  CREDIT says 0; BYE says `text`; the others have no arguments.  */
void plv_link_say (plv_agent_t *self, plv_verb_t verb, const char *text)
{
    plv_buf_t *packet = &self->link.packet;
    plv_packet_begin (packet);
    size_t mark = plv_frame_begin (packet, verb);
    if (verb == VERB_CREDIT)
        plv_mp_put_u64 (packet, 0);
    else if (verb == VERB_BYE)
        plv_mp_put_text (packet, text);
    plv_frame_end (packet, mark);
    send_packet (self);
}

/*  The ends of calls from this byte on. A broker that does not know the verb ends the calls with their job.  */
void plv_link_put_ends (plv_job_t *job, size_t from)
{
    plv_buf_t frames = {.data = job->ended.data + from, .size = job->ended.size - from};
    if (frames.size && job->agent->link.minor >= MINOR_OF_CALL_CANCEL)
        plv_job_put (job, &frames);
}

static void repeat_calls (plv_job_t *job)
{
    if (!job->answered)
        plv_link_put_ends (job, 0);
    plv_job_put (job, &job->call);
}

/*  What is unanswered is said again.  */
void plv_link_welcomed (plv_agent_t *self)
{
    self->ready = true;
    plv_buf_clear (&self->out);
    for (plv_node_t *node = self->held.next; node != &self->held; node = node->next) {
        plv_job_t *job = PLV_OF (node, plv_job_t, held);
        plv_job_put (job, &job->step);
        repeat_calls (job);
        plv_job_put (job, &job->kept);
    }
}

/*  How many of the frames in `out` from `at` on go into one packet: until it is full, so that the broker works
    on the first while the next is made.  */
static size_t frames_that_fit (const plv_buf_t *out, size_t at)
{
    size_t end = at;
    while (end < out->size) {
        size_t frame = PLV_FRAME_HEAD_BYTES + plv_get_u32 (out->data + end + 1);
        if (end > at && end - at + frame + PLV_PACKET_HEAD_BYTES > PACKET_BYTES_FULL)
            break;
        end += frame;
    }
    return end - at;
}

/*  Sends packets until `out` is empty or the socket is full. Returns the bytes that went out.  */
static size_t send_out (plv_agent_t *self, const plv_buf_t *out)
{
    size_t at = 0;
    while (at < out->size) {
        size_t size = frames_that_fit (out, at);
        zmq_msg_t message;
        if (zmq_msg_init_size (&message, PLV_PACKET_HEAD_BYTES + size))
            break;
        uint8_t *data = zmq_msg_data (&message);
        memcpy (data, (const uint8_t[]){'P', 'V', PLV_WIRE_MAJOR, PLV_WIRE_MINOR},
                PLV_PACKET_HEAD_BYTES);
        memcpy (data + PLV_PACKET_HEAD_BYTES, out->data + at, size);
        if (zmq_msg_send (&message, self->link.socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close (&message);
            break;
        }
        at += size;
    }
    return at;
}

void plv_link_flush (plv_agent_t *self)
{
    if (!self->ready || !self->link.socket || !self->out.size)
        return;
    size_t sent = send_out (self, &self->out);
    if (!sent)
        return;
    self->link.said_us = plv_clock_mono_us ();
    self->out.size -= sent;
    if (self->out.size)
        memmove (self->out.data, self->out.data + sent, self->out.size);
}
