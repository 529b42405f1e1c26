#include "palaver/load.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "palaver/interrupt.h"
#include "palaver/show/text.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*  One session has one message under way at a time, so that what is measured is the broker and not a queue. Which
    session an answer is for says which message it answers.  */

enum { LOOK_US = 500000, SETTLE_US = 2000000, SETTLE_LONGEST_US = 15000000 };

void load_session (const load_t *self, uint32_t number, char ret_name[64])
{
    snprintf (ret_name, 64, "bench_%" PRIx64 "_%" PRIu32, self->run_id, number);
}

static void publish (load_t *self, uint32_t session)
{
    char name[64], user[64];
    int64_t now_us = plv_clock_mono_us ();
    uint32_t number = self->published++;
    plv_buf_t *packet = &self->packet;
    load_session (self, session, name);
    /* a user of its own for each message: nobody is over the rate limit */
    snprintf (user, sizeof user, "bench_%" PRIx64 "_%" PRIu32, self->run_id, number);
    const plv_envelope_t envelope = {
        .id = plv_id_make (plv_clock_wall_us (), self->run_id + number),
        .type_code = EVENT_CHAT_MESSAGE,
        .platform = plv_view_str ("bench"),
        .adapter = plv_view_str ("bench"),
        .session_id = plv_view_str (name),
        .user_id = plv_view_str (user),
        .timestamp = plv_clock_wall_us (),
    };
    size_t mark = plv_frame_begin (packet, VERB_PUBLISH);
    plv_mp_put_u64 (packet, number + 1);
    plv_envelope_write (packet, &envelope);
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "message_text");
    plv_mp_put_text (&body,
                     "How did the market do today, and what does that mean for a careful saver?");
    plv_mp_put_bin (packet, plv_buf_view (&body));
    plv_buf_free (&body);
    plv_frame_end (packet, mark);
    self->begun_us[session] = now_us;
}

static uint32_t total (const load_t *self)
{
    return self->options->warm + self->options->count;
}

static void publish_more (load_t *self)
{
    uint32_t most = self->ending ? 0 : self->done ? total (self) : 1;
    while (self->free_count && self->published < most)
        publish (self, self->free[--self->free_count]);
}

static void acknowledge (load_t *self, uint64_t delivery)
{
    size_t mark = plv_frame_begin (&self->packet, VERB_DELIVERED);
    plv_mp_put_u64 (&self->packet, delivery);
    plv_mp_put_text (&self->packet, "sent");
    plv_mp_put_nil (&self->packet);
    plv_mp_put_nil (&self->packet);
    plv_mp_put_nil (&self->packet);
    plv_frame_end (&self->packet, mark);
    self->acknowledged++;
}

static void take_settled (load_t *self, plv_view_t deliveries)
{
    plv_mp_t items = plv_mp (deliveries);
    uint32_t count;
    if (plv_mp_array (&items, &count))
        self->settled += count;
}

/*  The number behind the last underscore; `outstanding` when it is none of ours.  */
static uint32_t session_of (const load_t *self, plv_view_t name)
{
    char expected[64], text[64];
    uint32_t number = 0;
    const uint8_t *last = memrchr (name.data, '_', name.size);
    if (!last || name.size >= sizeof text)
        return self->options->outstanding;
    snprintf (text, sizeof text, PLV_VIEW_FMT, PLV_VIEW_ARG (name));
    number = (uint32_t) strtoul (text + (last - name.data) + 1, NULL, 10);
    load_session (self, number < self->options->outstanding ? number : 0, expected);
    return strcmp (expected, text) == 0 ? number : self->options->outstanding;
}

static void measure (load_t *self, uint32_t session)
{
    int64_t now_us = plv_clock_mono_us ();
    if (++self->done > self->options->warm) {
        if (self->measured == 0)
            self->first_us = self->begun_us[session];
        self->took_us[self->measured++] = (uint32_t) (now_us - self->begun_us[session]);
        self->last_us = now_us;
    }
    self->begun_us[session] = 0;
    self->free[self->free_count++] = session;
}

static plv_err_t take_deliver (load_t *self, const plv_frame_t *frame, plv_fail_t *ret_fail)
{
    plv_envelope_t envelope;
    plv_err_t err = plv_envelope_parse (frame->arg[2].bytes, &envelope, ret_fail);
    if (err)
        return err;
    uint32_t session = session_of (self, envelope.session_id);
    if (session < self->options->outstanding && self->begun_us[session])
        measure (self, session);
    acknowledge (self, frame->arg[0].number);
    return ERR_OK;
}

static plv_err_t take (load_t *self, const plv_frame_t *frame, plv_fail_t *ret_fail)
{
    switch (frame->verb) {
    case VERB_DELIVER:
        return take_deliver (self, frame, ret_fail);
    case VERB_SETTLED:
        take_settled (self, frame->arg[0].bytes);
        return ERR_OK;
    case VERB_BUSY:
        self->refused++;
        return plv_fail (ret_fail, ERR_BUSY, "the broker is at its limits: " PLV_VIEW_FMT,
                         PLV_VIEW_ARG (frame->arg[2].bytes));
    case VERB_REJECTED:
        self->refused++;
        return plv_fail (ret_fail, ERR_ARG, "the broker does not take it: " PLV_VIEW_FMT,
                         PLV_VIEW_ARG (frame->arg[2].bytes));
    default:
        return ERR_OK;
    }
}

/*  Everything that has come, then one packet out.  */
static plv_err_t turn (load_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    plv_frame_t frame;
    int64_t until_us = plv_clock_mono_us () + LOOK_US;
    plv_err_t err =
        link_next (&self->link, until_us < deadline_us ? until_us : deadline_us, &frame, ret_fail);
    if (err == ERR_TIMEOUT)
        return plv_clock_mono_us () < deadline_us ? ERR_OK : err;
    plv_packet_begin (&self->packet);
    while (!err) {
        err = take (self, &frame, ret_fail);
        if (!err)
            err = link_next (&self->link, 0, &frame, ret_fail);
    }
    if (err == ERR_TIMEOUT)
        publish_more (self);
    progress_at (&self->progress, self->done);
    plv_fail_t fail;
    plv_err_t sent = ERR_OK;
    if (self->packet.size > PLV_PACKET_HEAD_BYTES)
        sent = link_send (&self->link, &self->packet, err == ERR_TIMEOUT ? ret_fail : &fail);
    else
        plv_buf_clear (&self->packet);
    return err == ERR_TIMEOUT ? sent : err;
}

static void prepare (load_t *self, const load_options_t *options)
{
    *self = (load_t){
        .options = options,
        .took_us = plv_alloc_zero (options->count, sizeof *self->took_us),
        .begun_us = plv_alloc_zero (options->outstanding, sizeof *self->begun_us),
        .free = plv_alloc_zero (options->outstanding, sizeof *self->free),
        .run_id = (uint64_t) plv_clock_wall_us (),
    };
    self->progress = progress_new ("round trips", total (self));
    for (uint32_t i = options->outstanding; i > 0; i--)
        self->free[self->free_count++] = i - 1;
}

static bool is_under_way (const load_t *self)
{
    return load_left (self) || self->settled < self->acknowledged;
}

/*  What was sent is answered sooner or later: better now, while somebody is here to take it. A session ends only when
    its answer is settled.  */
static void settle (load_t *self)
{
    plv_fail_t fail;
    plv_err_t err = ERR_OK;
    int64_t now_us = plv_clock_mono_us (), longest_us = now_us + SETTLE_LONGEST_US;
    int64_t until_us = now_us + SETTLE_US;
    self->ending = true;
    while (!err && is_under_way (self) && until_us > now_us) {
        uint32_t before = self->done + self->settled;
        err = turn (self, until_us, &fail);
        if (err == ERR_BUSY || err == ERR_ARG)
            err = ERR_OK; /* of what was sent before the first of these */
        now_us = plv_clock_mono_us ();
        if (self->done + self->settled > before)
            until_us = now_us + SETTLE_US < longest_us ? now_us + SETTLE_US : longest_us;
    }
}

uint32_t load_left (const load_t *self)
{
    return self->published - self->refused - self->done;
}

plv_err_t load_run (load_t *self, const load_options_t *options, int64_t deadline_us,
                    plv_fail_t *ret_fail)
{
    const hello_t hello = {
        .role = "adapter",
        .name = "bench",
        .platform = "bench",
        .credit = options->outstanding,
        .incarnation = plv_id_make (plv_clock_wall_us (), (uint64_t) plv_clock_mono_us ()),
    };
    prepare (self, options);
    plv_err_t err =
        link_open (&self->link, options->run, "adapters", &hello, deadline_us, ret_fail);
    if (err)
        return err;
    plv_packet_begin (&self->packet);
    publish_more (self);
    err = link_send (&self->link, &self->packet, ret_fail);
    while (!err && self->done < total (self) && !interrupt_seen ())
        err = turn (self, deadline_us, ret_fail);
    if (!err || err == ERR_TIMEOUT || err == ERR_BUSY || err == ERR_ARG)
        settle (self);
    progress_end (&self->progress);
    link_close (&self->link);
    if (!err && self->done < total (self))
        err = plv_fail (ret_fail, ERR_TIMEOUT, "interrupted");
    return err;
}

static int by_time (const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *) a, other = *(const uint32_t *) b;
    return (one > other) - (one < other);
}

uint32_t load_quantile (load_t *self, double share)
{
    if (self->measured == 0)
        return 0;
    qsort (self->took_us, self->measured, sizeof *self->took_us, by_time);
    size_t at = (size_t) (share * self->measured);
    return self->took_us[at < self->measured ? at : self->measured - 1];
}

void load_free (load_t *self)
{
    free (self->took_us);
    free (self->begun_us);
    free (self->free);
    plv_buf_free (&self->packet);
}
