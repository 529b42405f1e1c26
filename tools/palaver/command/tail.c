#include "base/clock.h"
#include "palaver/ask/ask.h"
#include "palaver/ask/filter.h"
#include "palaver/interrupt.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

enum {
    LOOK_US = 250000,
    CONFIRM_LINES = 256,
    TRY_US = 2000000, /* for one attempt to connect again */
    BACKOFF_US = 100000,
    BACKOFF_MAX_US = 5000000
};

typedef struct {
    const char *what;
    const char *colour;
} shade_t;

static const shade_t shades[] = {
    {"accepted", "36"}, {"answered", "34"}, {"delivered", "32"}, {"failed", "33"},
    {"dead", "31"},     {"replayed", "35"}, {"discarded", "35"}, {"live", "2"},
};

/*  What stands at the end of a line, with its key in front or without it.  */
static const struct {
    const char *key;
    bool named;
} details[] = {
    {"who", false}, {"how", false},     {"reason", false},  {"code", false}, {"why", false},
    {"plan", true}, {"reply_to", true}, {"reply_id", true}, {"text", false},
};

typedef struct {
    call_t *call;
    asker_t asker;
    int64_t deadline_us;
    uint64_t shown, most;
    uint64_t unread;  /* lines that the broker does not know to be read yet */
    int64_t heard_us; /* when the broker was heard, before the last look */
    int64_t away_us;  /* wall clock: since when the broker is away; 0: it is there */
} tail_t;

static const char *colour_of (plv_view_t what)
{
    for (size_t i = 0; i < sizeof shades / sizeof *shades; i++)
        if (plv_view_is (what, shades[i].what))
            return shades[i].colour;
    return "0";
}

static void put_view (plv_buf_t *out, plv_view_t text, int width)
{
    text_putf (out, "%*s" PLV_VIEW_FMT, out->size ? 1 : 0, "", PLV_VIEW_ARG (text));
    int columns = (int) text_width (text);
    if (columns < width)
        text_putf (out, "%*s", width - columns, "");
}

static void put_details (plv_buf_t *line, plv_view_t item)
{
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        plv_view_t text = plv_mp_find_str (item, details[i].key);
        if (text.size == 0)
            continue;
        if (details[i].named)
            text_putf (line, " %s", details[i].key);
        put_view (line, text, 0);
    }
}

static void show_line (const out_t *out, plv_view_t item)
{
    plv_buf_t line = {0}, shown = {0};
    char time[TEXT_TIME_BYTES];
    plv_view_t what = plv_mp_find_str (item, "what");
    text_time ((int64_t) ask_number (item, "at_us"), true, time);
    put_view (&line, plv_view_str (time), 0);
    put_view (&line, what, 11);
    put_view (&line, plv_mp_find_str (item, "session_id"), 24);
    put_view (&line, plv_mp_find_str (item, "type"), 13);
    put_view (&line, plv_mp_find_str (item, "id"), 0);
    text_putf (&line, " %" PRIu64 "ms", ask_number (item, "age_ms"));
    put_details (&line, item);
    plv_buf_check (&line);
    out_colour (out, &shown, colour_of (what));
    text_put_line (&shown, plv_buf_view (&line), out->columns);
    out_colour (out, &shown, "0");
    text_put (&shown, "\n");
    out_flush (&shown);
    plv_buf_free (&line);
    plv_buf_free (&shown);
}

static void show_gap (const out_t *out, uint64_t lost)
{
    plv_buf_t map = {0};
    if (!out->json) {
        say ("%" PRIu64 " lines are missing here: they came faster than they were read", lost);
        return;
    }
    plv_mp_put_map (&map, 2);
    plv_mp_pair_text (&map, "what", "lost");
    plv_mp_pair_u64 (&map, "lines", lost);
    plv_buf_check (&map);
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

static void show_part (tail_t *self, plv_view_t body)
{
    uint64_t lost = ask_number (body, "lost");
    plv_mp_t items;
    plv_view_t item;
    uint32_t count = 0;
    if (plv_mp_find (body, "items", &items))
        plv_mp_array (&items, &count);
    for (uint32_t i = 0; i < count && self->shown < self->most && plv_mp_skip (&items, &item);
         i++, self->shown++) {
        if (self->call->out.json)
            out_json (item);
        else
            show_line (&self->call->out, item);
    }
    self->unread += count;
    if (lost)
        show_gap (&self->call->out, lost);
    out_push ();
}

static plv_err_t confirm (tail_t *self, plv_fail_t *ret_fail)
{
    plv_buf_t arguments = {0};
    if (self->unread < CONFIRM_LINES)
        return ERR_OK;
    plv_mp_put_map (&arguments, 1);
    plv_mp_pair_u64 (&arguments, "lines", self->unread);
    plv_buf_check (&arguments);
    plv_err_t err = ask_post (&self->asker, "tail.read", &arguments, ret_fail);
    plv_buf_free (&arguments);
    self->unread = 0;
    return err;
}

static plv_err_t begin (tail_t *self, plv_fail_t *ret_fail)
{
    plv_buf_t arguments = {0};
    filter_t filter = filter_of (self->call);
    filter_put (&filter, &arguments);
    plv_err_t err = ask_anew (&self->asker, "tail", &arguments, ret_fail);
    plv_buf_free (&arguments);
    filter_free (&filter);
    return err;
}

static bool goes_on (const tail_t *self)
{
    return self->shown < self->most && !interrupt_seen () && !ferror (stdout)
           && plv_clock_mono_us () < self->deadline_us;
}

static int64_t until (const tail_t *self, int64_t us)
{
    int64_t until_us = plv_clock_mono_us () + us;
    return until_us < self->deadline_us ? until_us : self->deadline_us;
}

/*  Shows what comes. ERR_OK: it is over, with `*ret_end`.  */
static plv_err_t follow (tail_t *self, ending_t *ret_end, plv_fail_t *ret_fail)
{
    plv_frame_t frame;
    plv_err_t err = ERR_OK;
    *ret_end = END_OK;
    while (!err && goes_on (self)) {
        self->heard_us = self->asker.link.heard_us;
        err = ask_part (&self->asker, until (self, LOOK_US), &frame, ret_fail);
        if (err == ERR_TIMEOUT) {
            err = ERR_OK;
            continue;
        }
        if (!err && !frame.arg[1].number) {
            *ret_end = ask_refused (&self->asker, frame.arg[2].bytes, frame.arg[3].bytes);
            return ERR_OK;
        }
        if (!err)
            show_part (self, frame.arg[3].bytes);
        if (!err)
            err = confirm (self, ret_fail);
    }
    return err;
}

/*  Lines have a gap here that nobody can count: a broker that is away tells nothing.  */
static void show_return (const tail_t *self)
{
    plv_buf_t map = {0};
    char since[TEXT_TIME_BYTES];
    text_time (self->away_us, false, since);
    say ("connected again; what happened since %s may be missing here, "
         "`palaver events list --since %s` has it",
         since, since);
    if (!self->call->out.json)
        return;
    plv_mp_put_map (&map, 3);
    plv_mp_pair_i64 (&map, "at_us", plv_clock_wall_us ());
    plv_mp_pair_text (&map, "what", "lost");
    plv_mp_pair_i64 (&map, "since_us", self->away_us);
    plv_buf_check (&map);
    out_json (plv_buf_view (&map));
    out_push ();
    plv_buf_free (&map);
}

/*  A signal ends the wait early.  */
static void rest (const tail_t *self, int64_t us)
{
    int64_t until_us = until (self, us);
    for (int64_t now_us; goes_on (self) && (now_us = plv_clock_mono_us ()) < until_us;) {
        int64_t left_us = until_us - now_us;
        poll (NULL, 0, (int) ((left_us < LOOK_US ? left_us : LOOK_US) / 1000) + 1);
    }
}

/*  What a broker that starts again may answer for a while.  */
static bool may_come_back (plv_err_t err)
{
    return err == ERR_GONE || err == ERR_NOENT || err == ERR_TIMEOUT;
}

/*  Until the broker is there again. ERR_OK with `away_us` still set: it is over before.  */
static plv_err_t come_back (tail_t *self, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_GONE;
    int64_t pause_us = BACKOFF_US;
    self->away_us = plv_clock_wall_us () - (plv_clock_mono_us () - self->heard_us);
    self->unread = 0;
    say ("%s: connecting again", ret_fail->text);
    for (;;) {
        rest (self, pause_us);
        if (!goes_on (self))
            return ERR_OK;
        err = asker_reopen (&self->asker, until (self, TRY_US), ret_fail);
        if (!err)
            err = begin (self, ret_fail);
        if (!err || !may_come_back (err))
            break;
        pause_us = 2 * pause_us < BACKOFF_MAX_US ? 2 * pause_us : BACKOFF_MAX_US;
    }
    if (!err) {
        show_return (self);
        self->away_us = 0;
    }
    return err;
}

static ending_t follow_on (tail_t *self)
{
    plv_fail_t fail;
    ending_t end = END_OK;
    plv_err_t err = begin (self, &fail);
    for (;;) {
        if (!err)
            err = follow (self, &end, &fail);
        if (!err)
            return end;
        if (may_come_back (err))
            err = come_back (self, &fail);
        if (err)
            return ask_failed (&fail);
        if (!self->away_us)
            continue;
        if (interrupt_seen ())
            return END_OK;
        say ("the broker did not come back in time");
        return END_UNREACHABLE;
    }
}

ending_t command_tail (call_t *call)
{
    tail_t tail = {
        .call = call,
        .deadline_us = INT64_MAX,
        .most = (uint64_t) call_number (call, OPTION_LINES, INT64_MAX),
    };
    interrupt_begin ();
    ending_t end = asker_open (&tail.asker, call, 10);
    if (end)
        return end;
    tail.heard_us = plv_clock_mono_us ();
    if (call_has (call, OPTION_TIMEOUT))
        tail.deadline_us = plv_clock_mono_us () + tail.asker.timeout_us;
    end = follow_on (&tail);
    asker_close (&tail.asker);
    if (end || !call_has (call, OPTION_LINES) || tail.shown == tail.most || interrupt_seen ())
        return end;
    say ("%" PRIu64 " of %" PRIu64 " lines came in time", tail.shown, tail.most);
    return tail.shown ? END_PARTLY : END_NOTHING;
}
