#include "bench/bench_talk.h"

#include "base/alloc.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>

/*  Bodies are {"message_text": text} and {"response_text": text}; a text is 16 digits of the number and filler,
    so long that the body has the wanted size.  */
enum {
    DIGITS = 16,
    MESSAGE_HEAD_BYTES = 1 + 13 + 3,
    RESPONSE_HEAD_BYTES = 1 + 14 + 3,
    PERIOD = 23
};

static const int64_t ids_from_us = 1700000000000000;

void bench_talk_init (bench_talk_t *self, const bench_options_t *options)
{
    self->sessions = options->sessions;
    self->body = options->body;
    self->filler = plv_alloc (options->body + PERIOD);
    for (size_t i = 0; i < options->body + PERIOD; i++)
        self->filler[i] = i % PERIOD % 6 == 5 ? ' ' : (char) ('a' + i % PERIOD);
}

void bench_talk_free (bench_talk_t *self)
{
    free (self->filler);
    self->filler = NULL;
}

static void put_digits (char text[DIGITS], uint64_t number)
{
    for (int i = DIGITS - 1; i >= 0; i--, number >>= 4)
        text[i] = "0123456789abcdef"[number & 15];
}

static bool read_digits (plv_view_t text, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (int i = 0; i < DIGITS; i++) {
        uint8_t digit = text.data[i];
        if ((digit < '0' || digit > '9') && (digit < 'a' || digit > 'f'))
            return false;
        number = number << 4 | (uint64_t) (digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    *ret_number = number;
    return true;
}

static void put_text (const bench_talk_t *self, uint64_t number, size_t size, plv_buf_t *packet)
{
    char digits[DIGITS];
    put_digits (digits, number);
    plv_mp_put_head_long (packet, 0xd9, size);
    plv_buf_add (packet, digits, DIGITS);
    plv_buf_add (packet, self->filler + number % PERIOD, size - DIGITS);
}

/*  What text of `size` bytes was said under which number?  */
static uint64_t check_text (const bench_talk_t *self, plv_view_t text, size_t size,
                            const char *verb)
{
    uint64_t number = 0;
    if (text.size != size || !read_digits (text, &number)
        || memcmp (text.data + DIGITS, self->filler + number % PERIOD, size - DIGITS))
        bench_die ("%s: a text of %zu bytes is not what was said", verb, text.size);
    return number;
}

static plv_view_t session_name (const bench_talk_t *self, uint64_t number, char name[32])
{
    return plv_view (
        name, (size_t) snprintf (name, 32, "bench_s%06u", (unsigned) (number % self->sessions)));
}

static size_t put_envelope (const bench_talk_t *self, uint64_t number, int64_t wall_us,
                            plv_buf_t *packet)
{
    char session[32], platform_id[DIGITS];
    size_t before = packet->size;
    plv_envelope_t envelope = {
        .id = plv_id_make (ids_from_us, number),
        .type_code = EVENT_CHAT_MESSAGE,
        .platform = plv_view_str ("bench"),
        .adapter = plv_view_str ("bench"),
        .session_id = session_name (self, number, session),
        .timestamp = wall_us,
        .platform_id = plv_view (platform_id, DIGITS),
    };
    put_digits (platform_id, number);
    envelope.user_id = plv_view (envelope.session_id.data + 6, envelope.session_id.size - 6);
    plv_envelope_write (packet, &envelope);
    return packet->size - before;
}

size_t bench_talk_publish (const bench_talk_t *self, uint64_t number, int64_t wall_us,
                           plv_buf_t *packet)
{
    size_t mark = plv_frame_begin (packet, VERB_PUBLISH);
    plv_mp_put_u64 (packet, number);
    size_t envelope = put_envelope (self, number, wall_us, packet);
    plv_mp_put_head_long (packet, 0xc4, self->body);
    plv_mp_put_map (packet, 1);
    plv_mp_put_text (packet, "message_text");
    put_text (self, number, self->body - MESSAGE_HEAD_BYTES, packet);
    plv_frame_end (packet, mark);
    return envelope + self->body;
}

void bench_talk_reply (const bench_talk_t *self, const plv_frame_t *job, plv_buf_t *packet)
{
    plv_view_t text = plv_mp_find_str (job->arg[4].bytes, "message_text");
    uint64_t number = check_text (self, text, self->body - MESSAGE_HEAD_BYTES, "JOB");
    size_t mark = plv_frame_begin (packet, VERB_REPLY);
    plv_mp_put_u64 (packet, job->arg[0].number);
    plv_mp_put_head_long (packet, 0xc4, self->body);
    plv_mp_put_map (packet, 1);
    plv_mp_put_text (packet, "response_text");
    put_text (self, number, self->body - RESPONSE_HEAD_BYTES, packet);
    plv_mp_put_nil (packet);
    plv_frame_end (packet, mark);
}

void bench_talk_settle (const plv_frame_t *deliver, plv_buf_t *packet)
{
    size_t begun = plv_frame_begin (packet, VERB_DELIVERED);
    plv_mp_put_u64 (packet, deliver->arg[0].number);
    plv_mp_put_text (packet, "sent");
    plv_mp_put_nil (packet);
    plv_mp_put_nil (packet);
    plv_mp_put_nil (packet);
    plv_frame_end (packet, begun);
}

uint64_t bench_talk_delivered (const bench_talk_t *self, const plv_frame_t *deliver)
{
    plv_envelope_t envelope;
    plv_fail_t fail;
    char session[32];
    plv_view_t text = plv_mp_find_str (deliver->arg[3].bytes, "response_text");
    uint64_t number = check_text (self, text, self->body - RESPONSE_HEAD_BYTES, "DELIVER");
    if (plv_envelope_parse (deliver->arg[2].bytes, &envelope, &fail))
        bench_die ("DELIVER: %s", fail.text);
    plv_id_t id = plv_id_make (ids_from_us, number);
    if (!envelope.has_reply_to || memcmp (&envelope.reply_to, &id, sizeof id)
        || !plv_view_equal (envelope.session_id, session_name (self, number, session)))
        bench_die ("DELIVER: the answer to event %llu comes in the wrong place",
                   (unsigned long long) number);
    return number;
}
