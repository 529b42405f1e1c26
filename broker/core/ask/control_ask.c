#include "core/ask/control_ask.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "core/ask/control_answer.h"
#include "core/internal.h"
#include "core/text.h"

#include <stdlib.h>

/*  What is asked about things that live in the store is answered when the rows have come that it is about. They come
    in pieces, each of which is a step of its own, so that no question keeps the broker from its work.  */

enum { IDS_PIECE = 256 };

/*  What was taken up counts as long as a row may be on its way that was read before.  */
static void forget_taken (core_t *self)
{
    if (self->asks.count == 0 && self->taken_seq <= self->stored)
        plv_map_u64_free (&self->taken);
}

ask_t *control_ask_new (core_t *self, const ask_kind_t *kind)
{
    forget_taken (self);
    ask_t *ask = plv_alloc_zero (1, sizeof *ask);
    ask->token = self->next_token++;
    ask->kind = kind;
    ask->timer.kind = TIMER_ASK;
    ask->stored = self->stored;
    ask->begun_us = self->now.mono_us;
    plv_map_u64_put (&self->asks, ask->token, ask);
    return ask;
}

void control_ask_from (ask_t *ask, const peer_t *peer, uint64_t request)
{
    ask->peer = peer->number;
    ask->request = request;
}

void control_ask_free (ask_t **ask_p)
{
    ask_t *self = *ask_p;
    if (self->kind->free)
        self->kind->free (self);
    plv_buf_free (&self->items);
    plv_buf_free (&self->numbers);
    plv_buf_free (&self->arguments);
    plv_buf_free (&self->done_numbers);
    plv_buf_free (&self->busy_numbers);
    plv_buf_free (&self->skipped);
    plv_buf_free (&self->skips);
    plv_buf_free (&self->expect);
    plv_buf_free (&self->set);
    free (self);
    *ask_p = NULL;
}

void control_finish (core_t *self, ask_t *ask)
{
    timers_cancel (&self->timers, &ask->timer);
    plv_map_u64_remove (&self->asks, ask->token);
    control_ask_free (&ask);
}

static void put_key (plv_buf_t *buf, uint64_t number)
{
    uint8_t key[8];
    plv_put_u64 (key, number);
    plv_buf_add (buf, key, sizeof key);
}

void control_scan (core_t *self, ask_t *ask, uint64_t from, uint64_t to, uint32_t limit)
{
    effects_scan_t *row = effects_scan (self->effects, ask->token, VIEW_DEAD, limit);
    put_key (&row->from, from);
    if (to < UINT64_MAX)
        put_key (&row->to, to + 1);
    ask->waiting++;
}

void control_scan_id (core_t *self, ask_t *ask, const plv_id_t *id)
{
    effects_scan_t *row = effects_scan (self->effects, ask->token, VIEW_DEAD_IDS, IDS_PIECE);
    plv_buf_add (&row->from, id->bytes, PLV_ID_BYTES);
    plv_buf_add (&row->to, id->bytes, PLV_ID_BYTES);
    put_key (&row->to, UINT64_MAX);
    ask->waiting++;
}

static int by_number (const void *a, const void *b)
{
    uint64_t one, other;
    memcpy (&one, a, sizeof one);
    memcpy (&other, b, sizeof other);
    return (one > other) - (one < other);
}

/*  In the order of acceptance, whatever the order they were named in.  */
void control_scan_numbers (core_t *self, ask_t *ask)
{
    size_t count = ask->numbers.size / sizeof (uint64_t);
    uint64_t number, last = 0;
    plv_buf_check (&ask->numbers);
    if (count)
        qsort (ask->numbers.data, count, sizeof number, by_number);
    for (size_t i = 0; i < count; i++, last = number) {
        memcpy (&number, ask->numbers.data + i * sizeof number, sizeof number);
        if (i == 0 || number != last)
            control_scan (self, ask, number, number, 1);
    }
    plv_buf_clear (&ask->numbers);
}

void control_rows (core_t *self, const input_t *input)
{
    ask_t *ask = plv_map_u64_get (&self->asks, input->token);
    plv_view_t words = input->type == INPUT_CHECKPOINT ? input->bytes : input->fail;
    if (!ask)
        return;
    ask->waiting--;
    if (words.size) {
        words = text_cut (words, sizeof ask->failed - 1);
        memcpy (ask->failed, words.data, words.size);
        ask->failed[words.size] = '\0';
    } else if (ask->kind->take) {
        ask->kind->take (self, ask, input);
    }
    control_settle (self, ask);
}

void control_ordered (core_t *self, const input_t *input)
{
    ask_t *ask = plv_map_u64_get (&self->asks, input->token);
    if (!ask)
        return;
    ask->kind->ordered (self, ask, input);
    control_finish (self, ask);
}

void control_settle (core_t *self, ask_t *ask)
{
    if (ask->waiting == 0 && ask->trials == 0)
        ask->kind->settle (self, ask);
}

void control_due (core_t *self, ask_t *ask)
{
    if (plv_map_u64_get (&self->peers, ask->peer))
        ask->kind->go_on (self, ask);
    else
        control_finish (self, ask);
}

peer_t *control_asker (core_t *self, const ask_t *ask, const char *more)
{
    peer_t *peer = plv_map_u64_get (&self->peers, ask->peer);
    if (!peer || !ask->failed[0])
        return peer;
    control_fail (self, peer, ask->request, ERR_IO, "%s%s", ask->failed, more);
    return NULL;
}

/*  A tool that is gone is not waited for; what it asked for is done all the same.  */
void control_forget (core_t *self, const peer_t *peer)
{
    ask_t *ask;
    for (size_t at = 0; (ask = plv_map_u64_next (&self->asks, &at));)
        if (ask->peer == peer->number)
            ask->peer = 0;
}
