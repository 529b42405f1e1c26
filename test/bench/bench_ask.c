#include "bench/bench_ask.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "bench/bench_link.h"
#include "bench/bench_talk.h"
#include "bench/bench_window.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADAPTER_CREDIT = 65536 };

typedef struct {
    const bench_options_t *options;
    bench_link_t link;
    bench_window_t window;
    char *file;
    const char **texts; /* lines of the file */
    size_t text_count;
    int64_t ids_from_us; /* this run's own: a broker drops what it has had before */
    uint64_t total, sent, answered, settled;
    uint64_t *sent_ns; /* by number; 0: not under way */
} ask_t;

static void read_texts (ask_t *self, const char *path)
{
    FILE *file = fopen (path, "r");
    size_t size = 0;
    if (!file || getdelim (&self->file, &size, '\0', file) < 0)
        bench_die ("%s: %s", path, file ? "is empty" : strerror (errno));
    fclose (file);
    self->texts = plv_alloc_zero (strlen (self->file) + 1, sizeof *self->texts);
    char *rest = self->file;
    for (char *line; (line = strsep (&rest, "\n"));)
        if (*line)
            self->texts[self->text_count++] = line;
    if (!self->text_count)
        bench_die ("%s: there is no text in it", path);
}

static void put_envelope (const ask_t *self, uint64_t number, plv_buf_t *packet)
{
    char session[48];
    plv_envelope_t envelope = {
        .id = plv_id_make (self->ids_from_us, number),
        .type_code = EVENT_CHAT_MESSAGE,
        .platform = plv_view_str ("bench"),
        .adapter = plv_view_str ("bench"),
        .timestamp = plv_clock_wall_us (),
    };
    int size = snprintf (session, sizeof session, "bench_%llx_%llu",
                         (unsigned long long) self->ids_from_us, (unsigned long long) number);
    envelope.session_id = plv_view (session, (size_t) size);
    envelope.user_id = envelope.session_id;
    plv_envelope_write (packet, &envelope);
}

static void put_message (ask_t *self, uint64_t number)
{
    plv_buf_t *packet = bench_link_packet (&self->link), body = {0};
    size_t begun = plv_frame_begin (packet, VERB_PUBLISH);
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "message_text");
    plv_mp_put_text (&body, self->texts[number % self->text_count]);
    plv_mp_put_u64 (packet, number);
    put_envelope (self, number, packet);
    plv_mp_put_bin (packet, plv_buf_view (&body));
    plv_frame_end (packet, begun);
    plv_buf_free (&body);
}

static void publish (ask_t *self)
{
    for (; self->sent < self->total && self->sent - self->answered < self->options->outstanding;
         self->sent++) {
        self->sent_ns[self->sent] = bench_window_now_ns ();
        put_message (self, self->sent);
    }
}

/*  The digits that a session's name ends with.  */
static uint64_t number_in (plv_view_t session)
{
    uint64_t number = 0;
    const uint8_t *at = session.data ? memrchr (session.data, '_', session.size) : NULL;
    if (!at)
        return UINT64_MAX;
    while (++at < session.data + session.size && *at >= '0' && *at <= '9')
        number = 10 * number + (uint64_t) (*at - '0');
    return number;
}

/*  Which message this answers. What the broker says when nobody could answer has no processing time.  */
static uint64_t number_of (const ask_t *self, const plv_frame_t *deliver)
{
    plv_envelope_t envelope;
    plv_fail_t fail;
    plv_mp_t time;
    if (plv_envelope_parse (deliver->arg[2].bytes, &envelope, &fail))
        bench_die ("DELIVER: %s", fail.text);
    if (!plv_mp_find (deliver->arg[3].bytes, "processing_time", &time))
        bench_die ("no agent answered, but: " PLV_VIEW_FMT,
                   PLV_VIEW_ARG (plv_mp_find_str (deliver->arg[3].bytes, "response_text")));
    uint64_t number = number_in (envelope.session_id);
    if (number >= self->sent || !self->sent_ns[number] || !envelope.has_reply_to)
        bench_die ("an answer for message %llu, which is not under way",
                   (unsigned long long) number);
    plv_id_t id = plv_id_make (self->ids_from_us, number);
    if (memcmp (&envelope.reply_to, &id, sizeof id))
        bench_die ("the answer to message %llu comes in the wrong place",
                   (unsigned long long) number);
    return number;
}

static void take_deliver (ask_t *self, const plv_frame_t *frame)
{
    uint64_t number = number_of (self, frame);
    bench_window_add (&self->window, bench_window_now_ns () - self->sent_ns[number]);
    self->sent_ns[number] = 0;
    self->answered++;
    bench_talk_settle (frame, bench_link_packet (&self->link));
}

static void take_frame (void *arg, const plv_frame_t *frame)
{
    ask_t *self = arg;
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t count = 0;
    if (frame->verb == VERB_DELIVER)
        take_deliver (self, frame);
    else if (frame->verb == VERB_SETTLED && plv_mp_array (&at, &count))
        self->settled += count;
}

static void step_window (ask_t *self)
{
    bool closed = self->window.used.seconds > 0;
    if (!closed && !self->window.open && self->answered >= self->options->warm)
        bench_window_open (&self->window);
    if (self->window.open && self->answered == self->total)
        bench_window_close (&self->window);
}

static void run (ask_t *self)
{
    uint64_t until_ns = bench_window_now_ns () + self->options->timeout_s * 1000000000ull;
    while (self->settled < self->total) {
        step_window (self);
        publish (self);
        bench_link_flush (&self->link);
        bench_link_turn (&self->link, take_frame, self);
        if (bench_window_now_ns () > until_ns)
            bench_die ("timeout: %llu sent, %llu answered, %llu settled of %llu",
                       (unsigned long long) self->sent, (unsigned long long) self->answered,
                       (unsigned long long) self->settled, (unsigned long long) self->total);
    }
    step_window (self);
}

void bench_ask_run (const bench_options_t *options)
{
    const bench_hello_t hello = {.role = "adapter", .name = "bench", .credit = ADAPTER_CREDIT};
    ask_t self = {.options = options,
                  .total = options->count + options->warm,
                  .ids_from_us = plv_clock_wall_us ()};
    read_texts (&self, options->texts);
    self.sent_ns = plv_alloc_zero (self.total + 1, sizeof *self.sent_ns);
    bench_window_init (&self.window, options, NULL, 0);
    bench_link_open (&self.link, options->run, "adapters", &hello);
    run (&self);
    bench_window_print (&self.window, "ask", 0);
    bench_link_close (&self.link);
    bench_window_free (&self.window);
    free (self.sent_ns);
    free (self.texts);
    free (self.file);
}
