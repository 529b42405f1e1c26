#include "palaver/ask/post.h"

#include "base/clock.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { NAMES = 64, SEQ = 1, AGAIN_US = 200000, GRACE_US = 2000000 };

static uint64_t chance (void)
{
    uint64_t number = (uint64_t) plv_clock_mono_us ();
    while (getrandom (&number, sizeof number, 0) < 0 && errno == EINTR)
        continue;
    return number;
}

void post_begin (post_t *self, const message_t *message)
{
    *self = (post_t){
        .message = message,
        .id = plv_id_make (plv_clock_wall_us (), chance ()),
        .incarnation = plv_id_make (plv_clock_wall_us (), chance ()),
    };
}

void post_free (post_t *self)
{
    if (self->open)
        link_close (&self->link);
    self->open = false;
    plv_buf_free (&self->envelope);
    plv_buf_free (&self->body);
}

static void pause_us (int64_t us)
{
    struct timespec wait = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep (&wait, NULL);
}

static plv_err_t open_as (post_t *self, const char *name, int64_t deadline_us, plv_fail_t *ret_fail)
{
    const hello_t hello = {
        .role = "adapter",
        .name = name,
        .platform = self->message->platform,
        .credit = 1,
        .incarnation = self->incarnation,
    };
    plv_err_t err =
        link_open (&self->link, self->message->run, "adapters", &hello, deadline_us, ret_fail);
    self->open = !err;
    if (!err && name != self->adapter)
        snprintf (self->adapter, sizeof self->adapter, "%s", name);
    return err;
}

/*  Several sends at a time take the names cli, cli-2, cli-3 ...: few, so that an answer that nobody waited for finds
    the next send.  */
static plv_err_t open_link (post_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    char name[NAME_BYTES_MAX + 1];
    plv_err_t err = ERR_EXISTS;
    if (self->adapter[0])
        return open_as (self, self->adapter, deadline_us, ret_fail);
    if (self->message->adapter)
        return open_as (self, self->message->adapter, deadline_us, ret_fail);
    for (int i = 1; i <= NAMES && err == ERR_EXISTS; i++) {
        snprintf (name, sizeof name, i == 1 ? "cli" : "cli-%d", i);
        err = open_as (self, name, deadline_us, ret_fail);
    }
    return err;
}

static plv_err_t publish (post_t *self, plv_fail_t *ret_fail)
{
    char id[PLV_ID_TEXT_BYTES];
    plv_buf_t packet = {0}, body = {0};
    plv_id_format (&self->id, id);
    const plv_envelope_t envelope = {
        .id = self->id,
        .type_code = EVENT_CHAT_MESSAGE,
        .platform = plv_view_str (self->message->platform),
        .adapter = plv_view_str (self->adapter),
        .session_id = plv_view_str (self->message->session),
        .user_id = plv_view_str (self->message->user),
        .timestamp = plv_clock_wall_us (),
        .platform_id =
            plv_view_str (id), /* a second copy, after a restart of the broker, is known by it */
    };
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "message_text", self->message->text);
    plv_packet_begin (&packet);
    size_t mark = plv_frame_begin (&packet, VERB_PUBLISH);
    plv_mp_put_u64 (&packet, SEQ);
    plv_envelope_write (&packet, &envelope);
    plv_mp_put_bin (&packet, plv_buf_view (&body));
    plv_frame_end (&packet, mark);
    plv_err_t err =
        packet.size > PACKET_BYTES_MAX || body.size > BODY_BYTES_MAX
            ? plv_fail (ret_fail, ERR_RANGE, "the text has %zu bytes; %d fit into a message",
                        body.size, BODY_BYTES_MAX)
            : link_send (&self->link, &packet, ret_fail);
    plv_buf_free (&packet);
    plv_buf_free (&body);
    return err;
}

static plv_err_t acknowledge (post_t *self, uint64_t delivery, const plv_id_t *id,
                              plv_fail_t *ret_fail)
{
    char text[PLV_ID_TEXT_BYTES];
    plv_buf_t packet = {0};
    plv_id_format (id, text);
    plv_packet_begin (&packet);
    size_t mark = plv_frame_begin (&packet, VERB_DELIVERED);
    plv_mp_put_u64 (&packet, delivery);
    plv_mp_pair_text (&packet, "sent", text);
    plv_mp_put_nil (&packet);
    plv_mp_put_nil (&packet);
    plv_frame_end (&packet, mark);
    plv_err_t err = link_send (&self->link, &packet, ret_fail);
    plv_buf_free (&packet);
    return err;
}

static plv_err_t take_answer (post_t *self, const plv_frame_t *frame, plv_fail_t *ret_fail)
{
    plv_envelope_t envelope;
    plv_err_t err = plv_envelope_parse (frame->arg[2].bytes, &envelope, ret_fail);
    if (err)
        return err;
    bool ours =
        envelope.has_reply_to && memcmp (&envelope.reply_to, &self->id, sizeof self->id) == 0;
    if (ours && !self->answered) {
        plv_buf_add_view (&self->envelope, frame->arg[2].bytes);
        plv_buf_add_view (&self->body, frame->arg[3].bytes);
        plv_buf_check (&self->body);
        self->answered = true;
    } else if (!ours && self->other) {
        self->other (frame->arg[2].bytes, frame->arg[3].bytes);
    }
    return acknowledge (self, frame->arg[0].number, &envelope.id, ret_fail);
}

static plv_err_t take_busy (post_t *self, const plv_frame_t *frame, int64_t deadline_us,
                            plv_fail_t *ret_fail)
{
    int64_t wait_us =
        (int64_t) (frame->arg[1].number < 60000 ? frame->arg[1].number : 60000) * 1000;
    if (plv_clock_mono_us () + wait_us > deadline_us)
        return plv_fail (ret_fail, ERR_BUSY, "the broker is at its limits: " PLV_VIEW_FMT,
                         PLV_VIEW_ARG (frame->arg[2].bytes));
    pause_us (wait_us);
    return publish (self, ret_fail);
}

static plv_err_t take (post_t *self, const plv_frame_t *frame, int64_t deadline_us,
                       plv_fail_t *ret_fail)
{
    switch (frame->verb) {
    case VERB_STORED:
        self->stored = true;
        return ERR_OK;
    case VERB_BUSY:
        return take_busy (self, frame, deadline_us, ret_fail);
    case VERB_REJECTED:
        return plv_fail (ret_fail, ERR_ARG, "the broker does not take it: " PLV_VIEW_FMT,
                         PLV_VIEW_ARG (frame->arg[2].bytes));
    case VERB_DELIVER:
        return take_answer (self, frame, ret_fail);
    default:
        return ERR_OK;
    }
}

static plv_err_t converse (post_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    plv_frame_t frame;
    plv_err_t err = self->stored ? ERR_OK : publish (self, ret_fail);
    while (!err && !self->answered) {
        err = link_next (&self->link, deadline_us, &frame, ret_fail);
        if (!err)
            err = take (self, &frame, deadline_us, ret_fail);
    }
    return err;
}

/*  Until the broker has it on disk that the answer has arrived. It has arrived either way.  */
static void wait_for_settled (post_t *self)
{
    plv_frame_t frame;
    int64_t deadline_us = plv_clock_mono_us () + GRACE_US;
    while (link_next (&self->link, deadline_us, &frame, NULL) == ERR_OK
           && frame.verb != VERB_SETTLED)
        continue;
}

plv_err_t post_run (post_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    plv_err_t err = open_link (self, deadline_us, ret_fail);
    if (err)
        return err;
    for (;;) {
        err = converse (self, deadline_us, ret_fail);
        if (self->answered || err != ERR_GONE)
            break;
        /* what was published may be stored or not: the same event is told once more */
        link_close (&self->link);
        self->open = false;
        while ((err = open_link (self, deadline_us, ret_fail))
               && plv_clock_mono_us () + AGAIN_US < deadline_us)
            pause_us (AGAIN_US);
        if (err)
            return err;
    }
    if (!err)
        wait_for_settled (self);
    return self->answered ? ERR_OK : err;
}
