#include "host/link/deliveries.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "host/link/kept.h"
#include "wire/frame.h"
#include "wire/mp.h"

#include <sodium.h>
#include <stdlib.h>

/*  Each attempt of the broker has its number; the plugin knows the reply by the number of the first one.  */
typedef struct {
    kept_t kept; /* by the number of the latest attempt; `frame` is written when it is finished */
    uint64_t first;
    plv_id_t reply; /* zero: unknown */
    bool finished;
    bool not_sent;
    plv_buf_t outcome; /* the arguments of DELIVERED behind the number */
} delivery_t;

typedef struct {
    plv_id_t reply;
    plv_buf_t outcome;
} sent_t;

struct deliveries {
    kept_queue_t queue;
    plv_map_u64_t tried; /* by first number */
    plv_map_t in_hand;   /* by reply */
    plv_map_t by_sent;
    sent_t *sent; /* a ring */
    uint64_t sent_count;
};

deliveries_t *deliveries_new (void)
{
    deliveries_t *self = plv_alloc_zero (1, sizeof *self);
    uint8_t seed[16];
    randombytes_buf (seed, sizeof seed);
    kept_queue_init (&self->queue);
    plv_map_init (&self->in_hand, seed);
    plv_map_init (&self->by_sent, seed);
    self->sent = plv_alloc_zero (DELIVERIES_SENT_MAX, sizeof *self->sent);
    return self;
}

void deliveries_destroy (deliveries_t **self_p)
{
    deliveries_t *self = *self_p;
    kept_t *kept;
    if (!self)
        return;
    for (size_t at = 0; (kept = plv_map_u64_next (&self->queue.by_number, &at));)
        plv_buf_free (&((delivery_t *) (void *) kept)->outcome);
    kept_queue_free (&self->queue);
    plv_map_u64_free (&self->tried);
    plv_map_free (&self->in_hand);
    plv_map_free (&self->by_sent);
    for (size_t at = 0; at < DELIVERIES_SENT_MAX; at++)
        plv_buf_free (&self->sent[at].outcome);
    free (self->sent);
    free (self);
    *self_p = NULL;
}

static plv_view_t key_of (const plv_id_t *reply)
{
    return plv_view (reply->bytes, PLV_ID_BYTES);
}

static delivery_t *by_number (const deliveries_t *self, uint64_t number)
{
    return (delivery_t *) (void *) kept_get (&self->queue, number);
}

static void drop (deliveries_t *self, delivery_t *delivery)
{
    if (plv_map_get (&self->in_hand, key_of (&delivery->reply)) == delivery)
        plv_map_remove (&self->in_hand, key_of (&delivery->reply));
    plv_map_u64_remove (&self->tried, delivery->first);
    plv_buf_free (&delivery->outcome);
    kept_drop (&self->queue, &delivery->kept);
}

static delivery_t *add (deliveries_t *self, uint64_t number, const plv_id_t *reply)
{
    delivery_t *delivery = plv_alloc_zero (1, sizeof *delivery);
    kept_add (&self->queue, &delivery->kept, number);
    delivery->first = number;
    if (reply) {
        delivery->reply = *reply;
        plv_map_put (&self->in_hand, key_of (&delivery->reply), delivery);
    }
    return delivery;
}

/*  Says the outcome under the latest number.  */
static void say (deliveries_t *self, delivery_t *delivery)
{
    plv_buf_t *frame = &delivery->kept.frame;
    plv_buf_clear (frame);
    size_t mark = plv_frame_begin (frame, VERB_DELIVERED);
    plv_mp_put_u64 (frame, delivery->kept.number);
    plv_buf_add_view (frame, plv_buf_view (&delivery->outcome));
    plv_frame_end (frame, mark);
    plv_buf_check (frame);
    delivery->finished = true;
    kept_say (&self->queue, &delivery->kept);
}

/*  The same reply under another number. Where the platform does not have it, another try does no harm.  */
static bool take_again (deliveries_t *self, delivery_t *delivery, uint64_t number)
{
    if (delivery->not_sent) {
        plv_id_t reply = delivery->reply;
        drop (self, delivery);
        delivery = add (self, number, &reply);
        plv_map_u64_put (&self->tried, number, delivery);
        return true;
    }
    if (number != delivery->kept.number)
        kept_renumber (&self->queue, &delivery->kept, number);
    if (delivery->finished)
        say (self, delivery);
    return false;
}

bool deliveries_take (deliveries_t *self, uint64_t number, const plv_id_t *reply)
{
    delivery_t *delivery = by_number (self, number);
    if (delivery) { /* it has not heard the outcome */
        if (delivery->finished)
            say (self, delivery);
        return false;
    }
    delivery = reply ? plv_map_get (&self->in_hand, key_of (reply)) : NULL;
    if (delivery)
        return take_again (self, delivery, number);
    delivery = add (self, number, reply);
    sent_t *sent = reply ? plv_map_get (&self->by_sent, key_of (reply)) : NULL;
    if (!sent) {
        plv_map_u64_put (&self->tried, number, delivery);
        return true;
    }
    plv_buf_add_view (&delivery->outcome, plv_buf_view (&sent->outcome));
    say (self, delivery);
    return false;
}

static void remember (deliveries_t *self, const delivery_t *delivery)
{
    sent_t *sent = &self->sent[self->sent_count++ % DELIVERIES_SENT_MAX];
    if (plv_map_get (&self->by_sent, key_of (&sent->reply)) == sent)
        plv_map_remove (&self->by_sent, key_of (&sent->reply));
    sent->reply = delivery->reply;
    plv_buf_clear (&sent->outcome);
    plv_buf_add_view (&sent->outcome, plv_buf_view (&delivery->outcome));
    plv_map_put (&self->by_sent, key_of (&sent->reply), sent);
}

static plv_view_t cut (plv_view_t text, size_t most)
{
    if (text.size <= most)
        return text;
    while (most && (text.data[most] & 0xc0) == 0x80)
        most--;
    return plv_view (text.data, most);
}

static void put_id (plv_buf_t *out, plv_view_t id)
{
    if (id.size && plv_utf8_valid (id))
        plv_mp_put_str (out, id);
    else
        plv_mp_put_nil (out);
}

static void put_reason (plv_buf_t *out, plv_view_t reason)
{
    if (reason.size)
        plv_mp_put_words (out, reason);
    else
        plv_mp_put_nil (out);
}

bool deliveries_finish (deliveries_t *self, uint64_t number, const char *outcome,
                        plv_view_t platform_id, uint32_t retry_after_ms, plv_view_t reason)
{
    delivery_t *delivery = plv_map_u64_remove (&self->tried, number);
    if (!delivery)
        return false;
    plv_buf_t *out = &delivery->outcome;
    plv_mp_put_text (out, outcome);
    put_id (out, cut (platform_id, KEY_BYTES_MAX));
    if (retry_after_ms)
        plv_mp_put_u64 (out, retry_after_ms);
    else
        plv_mp_put_nil (out);
    put_reason (out, cut (reason, REASON_BYTES_MAX));
    delivery->not_sent = strcmp (outcome, "not_sent") == 0;
    if (strcmp (outcome, "sent") == 0 && !plv_id_is_zero (&delivery->reply))
        remember (self, delivery);
    say (self, delivery);
    return true;
}

void deliveries_abandon (deliveries_t *self, const char *why)
{
    const plv_view_t none = {0};
    kept_t *kept;
    for (size_t at = 0; (kept = plv_map_u64_next (&self->queue.by_number, &at));) {
        const delivery_t *delivery = (const delivery_t *) (const void *) kept;
        if (!delivery->finished)
            deliveries_finish (self, delivery->first, "unknown", none, 0, plv_view_str (why));
    }
}

void deliveries_settled (deliveries_t *self, uint64_t number)
{
    delivery_t *delivery = by_number (self, number);
    if (delivery && delivery->finished)
        drop (self, delivery);
}

void deliveries_put_holding (const deliveries_t *self, plv_buf_t *out, uint32_t most)
{
    const plv_map_u64_t *all = &self->queue.by_number;
    uint32_t left = all->count < most ? (uint32_t) all->count : most;
    kept_t *kept;
    plv_mp_put_array (out, left);
    for (int finished = 0; finished <= 1; finished++)
        for (size_t at = 0; left && (kept = plv_map_u64_next (all, &at));)
            if (((delivery_t *) (void *) kept)->finished == (finished == 1)) {
                plv_mp_put_u64 (out, kept->number);
                left--;
            }
}

void deliveries_put_outcomes (const deliveries_t *self, plv_buf_t *out)
{
    kept_t *kept;
    plv_mp_put_array (out, 2 * (uint32_t) deliveries_unsettled (self));
    for (size_t at = 0; (kept = plv_map_u64_next (&self->queue.by_number, &at));) {
        const delivery_t *delivery = (const delivery_t *) (const void *) kept;
        if (!delivery->finished)
            continue;
        plv_mp_put_u64 (out, kept->number);
        plv_mp_put_bin (out, plv_buf_view (&delivery->outcome));
    }
}

bool deliveries_take_outcomes (deliveries_t *self, plv_mp_t *outcomes)
{
    uint32_t count;
    uint64_t number;
    plv_view_t outcome;
    if (!plv_mp_array (outcomes, &count) || count % 2)
        return false;
    for (; count; count -= 2) {
        if (!plv_mp_u64 (outcomes, &number) || !plv_mp_bin (outcomes, &outcome)
            || by_number (self, number))
            return false;
        delivery_t *delivery = add (self, number, NULL);
        plv_buf_add_view (&delivery->outcome, outcome);
        say (self, delivery);
    }
    return true;
}

void deliveries_rewind (deliveries_t *self)
{
    kept_rewind (&self->queue);
}

void deliveries_pack (deliveries_t *self, plv_buf_t *packet, size_t goal)
{
    kept_pack (&self->queue, packet, goal);
}

bool deliveries_has_unsent (const deliveries_t *self)
{
    return kept_has_unsent (&self->queue);
}

size_t deliveries_tried (const deliveries_t *self)
{
    return self->tried.count;
}

size_t deliveries_unsettled (const deliveries_t *self)
{
    return self->queue.by_number.count - self->tried.count;
}
