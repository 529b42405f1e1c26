#include "host/link/link.h"

#include "base/clock.h"
#include "wire/mp.h"

#include <unistd.h>
#include <zmq.h>

enum { PACKET_BYTES_GOAL = 256 * 1024 /* a packet is sent off when it has grown to this */ };

static void put_hello (broker_link_t *self, plv_buf_t *out)
{
    size_t mark = plv_frame_begin (out, VERB_HELLO);
    plv_mp_pair_text (out, "adapter", self->options.name);
    plv_mp_put_text (out, self->options.build);
    plv_mp_put_u64 (out, (uint64_t) getpid ());
    plv_mp_put_map (out, self->options.proof.size ? 6 : 5);
    plv_mp_pair_text (out, "platform", self->options.platform);
    plv_mp_pair_u64 (out, "credit", self->credit);
    plv_mp_pair_bool (out, "deduplicates", self->options.deduplicates);
    plv_mp_pair_bin (out, "incarnation", plv_view (self->incarnation, sizeof self->incarnation));
    if (self->options.proof.size)
        plv_mp_pair_bin (out, "proof", self->options.proof);
    plv_mp_put_text (out, "holding");
    deliveries_put_holding (self->deliveries, out,
                            BROKER_LINK_CREDIT_MAX + BROKER_LINK_CREDIT_MAX / 2);
    plv_frame_end (out, mark);
}

static void pack (broker_link_t *self)
{
    plv_buf_t *packet = &self->packet;
    plv_packet_begin (packet);
    if (self->state == LINK_OPEN) {
        put_hello (self, packet);
        return;
    }
    plv_buf_add_view (packet, plv_buf_view (&self->small));
    plv_buf_clear (&self->small);
    deliveries_pack (self->deliveries, packet, PACKET_BYTES_GOAL);
    kept_pack (&self->events, packet, PACKET_BYTES_GOAL);
}

bool link_has_unsent (const broker_link_t *self)
{
    if (self->packet.size || self->state == LINK_OPEN)
        return true;
    return self->state == LINK_READY
           && (self->small.size || kept_has_unsent (&self->events)
               || deliveries_has_unsent (self->deliveries));
}

void link_flush (broker_link_t *self)
{
    while (self->socket && link_has_unsent (self)) {
        if (!self->packet.size)
            pack (self);
        plv_buf_check (&self->packet);
        if (zmq_send (self->socket, self->packet.data, self->packet.size, ZMQ_DONTWAIT) < 0) {
            /*  A HELLO that waits for its connection is made anew, with what is held by then.  */
            if (self->state == LINK_OPEN)
                plv_buf_clear (&self->packet);
            return;
        }
        plv_buf_clear (&self->packet);
        self->sent_at = plv_clock_mono_us ();
        if (self->state == LINK_OPEN) {
            self->state = LINK_HELLO;
            self->hello_at = self->sent_at;
        }
    }
}

void link_put (broker_link_t *self, plv_verb_t verb)
{
    plv_frame_end (&self->small, plv_frame_begin (&self->small, verb));
}

void link_put_credit (broker_link_t *self)
{
    size_t mark = plv_frame_begin (&self->small, VERB_CREDIT);
    plv_mp_put_u64 (&self->small, self->credit);
    plv_frame_end (&self->small, mark);
}

void link_put_bye (broker_link_t *self, const char *why)
{
    size_t mark = plv_frame_begin (&self->small, VERB_BYE);
    plv_mp_put_text (&self->small, why);
    plv_frame_end (&self->small, mark);
}
