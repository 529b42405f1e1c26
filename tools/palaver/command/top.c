#include "base/clock.h"
#include "palaver/ask/ask.h"
#include "palaver/interrupt.h"
#include "palaver/sample.h"
#include "palaver/show/screen.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>

enum { PERIOD_MS = 1000, HEAD_ROWS = 8, PAGE_ROWS = 10, TITLE_COLUMNS = 10 };

typedef struct {
    const char *title, *name;
} row_t;

static const row_t rates[] = {
    {"accepted", "palaver_events_accepted_total"}, {"replies", "palaver_replies_total"},
    {"deliveries", "palaver_deliveries_total"},    {"retries", "palaver_jobs_retried_total"},
    {"dead", "palaver_dead_letters_total"},
};

static const row_t queues[] = {
    {"waiting", "palaver_pending_events"}, {"outbox", "palaver_outbox"},
    {"leases", "palaver_leases"},          {"credit", "palaver_credit"},
    {"sessions", "palaver_sessions"},      {"dead", "palaver_dead"},
    {"paused", "palaver_routes_paused"},
};

static const row_t latencies[] = {
    {"stored", "palaver_accept_to_stored_seconds"},
    {"dispatched", "palaver_stored_to_dispatch_seconds"},
    {"job", "palaver_job_time_seconds"},
    {"delivered", "palaver_reply_to_delivered_seconds"},
};

static const column_t route_columns[] = {
    {.key = "name"}, {.key = "service"}, {.key = "breaker"}, {.key = "ready"}, {.key = "why"},
};
static const column_t peer_columns[] = {
    {.key = "name"}, {.key = "state"}, {.key = "held"}, {.key = "waiting"}, {.key = "why"},
};

typedef struct {
    const call_t *call;
    asker_t *asker;
    screen_t screen;
    sample_t before, now;
    plv_buf_t head, list; /* the upper part, and the lines that scroll */
    size_t list_rows, scroll;
    bool over; /* somebody has said so: by a key, or by a signal */
} top_t;

static void put_title (plv_buf_t *out, const char *title)
{
    text_putf (out, "%-*s", TITLE_COLUMNS, title);
}

static void put_us (plv_buf_t *out, double seconds)
{
    if (seconds < 0)
        text_put (out, "-");
    else if (seconds < 0.001)
        text_putf (out, "%.0fus", seconds * 1e6);
    else if (seconds < 1)
        text_putf (out, "%.3gms", seconds * 1e3);
    else
        text_putf (out, "%.3gs", seconds);
}

static void put_numbers (top_t *self)
{
    plv_buf_t *out = &self->head;
    put_title (out, "per second");
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        text_putf (out, " %s %.0f", rates[i].title,
                   sample_rate (&self->before, &self->now, rates[i].name));
    text_put (out, "\n");
    put_title (out, "now");
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
        text_putf (out, " %s %.0f", queues[i].title, sample_sum (&self->now, queues[i].name));
    text_put (out, "\n");
    put_title (out, "p50/p99");
    for (size_t i = 0; i < sizeof latencies / sizeof *latencies; i++) {
        text_putf (out, " %s ", latencies[i].title);
        put_us (out, sample_quantile (&self->before, &self->now, latencies[i].name, 0.5));
        text_put (out, "/");
        put_us (out, sample_quantile (&self->before, &self->now, latencies[i].name, 0.99));
    }
    text_put (out, "\n");
}

static void put_head (top_t *self, plv_view_t status)
{
    plv_view_t version = plv_mp_find_str (status, "version"),
               state = plv_mp_find_str (status, "state");
    char time[TEXT_TIME_BYTES];
    text_time ((int64_t) ask_number (status, "time_us"), false, time);
    plv_buf_clear (&self->head);
    put_title (&self->head, "palaver");
    text_putf (&self->head, " " PLV_VIEW_FMT "  " PLV_VIEW_FMT "  up %" PRIu64 " s  %s\n",
               PLV_VIEW_ARG (version), PLV_VIEW_ARG (state), ask_number (status, "uptime_s"), time);
}

/*  A line of cells that fits into the terminal.  */
static void put_item (top_t *self, const column_t *columns, size_t count, plv_view_t item)
{
    plv_buf_t line = {0}, cell = {0};
    for (size_t i = 0; i < count; i++) {
        plv_buf_clear (&cell);
        table_cell (&cell, &columns[i], item);
        size_t width = text_width (plv_buf_view (&cell));
        plv_buf_add_view (&line, plv_buf_view (&cell));
        text_putf (&line, "%*s", (int) (i + 1 == count ? 0 : width < 15 ? 16 - width : 1), "");
    }
    text_put (&self->list, "  ");
    text_put_line (&self->list, plv_buf_view (&line), self->screen.columns - 2);
    text_put (&self->list, "\n");
    self->list_rows++;
    plv_buf_free (&line);
    plv_buf_free (&cell);
}

static void put_items (top_t *self, const char *title, const column_t *columns, size_t count,
                       plv_mp_t items, uint32_t number)
{
    plv_view_t item;
    put_title (&self->list, title);
    text_putf (&self->list, " %u\n", (unsigned) number);
    self->list_rows++;
    while (number-- && plv_mp_skip (&items, &item))
        put_item (self, columns, count, item);
}

static void put_routes (top_t *self, plv_view_t status)
{
    plv_mp_t items = {0};
    uint32_t number = 0;
    if (plv_mp_find (status, "routes", &items))
        plv_mp_array (&items, &number);
    put_items (self, "routes", route_columns, sizeof route_columns / sizeof *route_columns, items,
               number);
}

static ending_t put_peers (top_t *self, const char *title, const char *command)
{
    plv_buf_t items = {0};
    uint32_t number = 0;
    ending_t end = ask_gather (self->asker, command, &items, &number);
    if (!end)
        put_items (self, title, peer_columns, sizeof peer_columns / sizeof *peer_columns,
                   plv_mp (plv_buf_view (&items)), number);
    plv_buf_free (&items);
    return end;
}

static ending_t ask_all (top_t *self)
{
    plv_view_t body;
    sample_t oldest = self->before;
    ending_t end = ask (self->asker, "metrics", NULL, &body);
    if (end)
        return end;
    self->before = self->now;
    self->now = oldest;
    sample_take (&self->now, plv_mp_find_str (body, "text"), plv_clock_mono_us ());
    end = ask (self->asker, "status", NULL, &body);
    if (end)
        return end;
    put_head (self, body);
    put_numbers (self);
    plv_buf_clear (&self->list);
    self->list_rows = 0;
    put_routes (self, body);
    end = put_peers (self, "adapters", "adapters.list");
    return end ? end : put_peers (self, "agents", "agents.list");
}

static plv_view_t behind_lines (plv_view_t text, size_t lines)
{
    while (lines-- && text.size) {
        const uint8_t *end = memchr (text.data, '\n', text.size);
        size_t size = end ? (size_t) (end - text.data) + 1 : text.size;
        text = plv_view (text.data + size, text.size - size);
    }
    return text;
}

/*  What begins a line at its edge is a title.  */
static void put_cut_line (top_t *self, plv_buf_t *out, plv_view_t line)
{
    plv_buf_t cut = {0};
    text_put_line (&cut, line, self->screen.columns);
    plv_view_t rest = plv_buf_view (&cut);
    if (rest.size >= TITLE_COLUMNS && rest.data[0] != ' ') {
        out_colour (&self->call->out, out, "1");
        plv_buf_add (out, rest.data, TITLE_COLUMNS);
        out_colour (&self->call->out, out, "0");
        rest = plv_view (rest.data + TITLE_COLUMNS, rest.size - TITLE_COLUMNS);
    }
    plv_buf_add_view (out, rest);
    plv_buf_free (&cut);
}

/*  Numbers are wider than a narrow terminal: no line may wrap, or the picture scrolls.  */
static void put_cut (top_t *self, plv_buf_t *out, plv_view_t text, size_t rows)
{
    while (text.size && rows--) {
        plv_view_t rest = behind_lines (text, 1);
        plv_view_t line = plv_view (text.data, text.size - rest.size);
        line.size -= line.data[line.size - 1] == '\n' ? 1 : 0;
        put_cut_line (self, out, line);
        plv_buf_add_u8 (out, '\n');
        text = rest;
    }
}

static void show (top_t *self)
{
    plv_buf_t picture = {0};
    size_t room = self->screen.rows > HEAD_ROWS ? self->screen.rows - HEAD_ROWS : 1;
    size_t most = self->list_rows > room ? self->list_rows - room : 0;
    self->scroll = self->scroll < most ? self->scroll : most;
    put_cut (self, &picture, plv_buf_view (&self->head), HEAD_ROWS);
    text_put (&picture, "\n");
    put_cut (self, &picture, behind_lines (plv_buf_view (&self->list), self->scroll), room);
    text_put (&picture, "\nq: quit, arrows: scroll");
    screen_show (&self->screen, plv_buf_view (&picture));
    plv_buf_free (&picture);
}

static void move (top_t *self, screen_key_t key)
{
    size_t step = key == KEY_PAGE_UP || key == KEY_PAGE_DOWN ? PAGE_ROWS : 1;
    if (key == KEY_UP || key == KEY_PAGE_UP)
        self->scroll -= self->scroll < step ? self->scroll : step;
    else if (key == KEY_DOWN || key == KEY_PAGE_DOWN)
        self->scroll += step;
}

/*  Does what a key says that comes within `ms`.  */
static void take_key (top_t *self, int ms)
{
    screen_key_t key = screen_wait (&self->screen, ms);
    self->over = self->over || key == KEY_QUIT || interrupt_seen ();
    if (self->over || key == KEY_NONE)
        return;
    move (self, key);
    show (self);
}

/*  Until the next picture is due, or it is over.  */
static void rest (top_t *self, int64_t due_us)
{
    for (int64_t now_us; !self->over && (now_us = plv_clock_mono_us ()) < due_us;)
        take_key (self, (int) ((due_us - now_us) / 1000) + 1);
}

/*  While an answer is waited for, which is what takes time when the broker is in trouble.  */
static bool look (void *arg)
{
    top_t *self = arg;
    take_key (self, 0);
    return !self->over;
}

static void leave (void *arg)
{
    top_t *self = arg;
    screen_end (&self->screen);
}

static ending_t live (top_t *self)
{
    while (!self->over) {
        ending_t end = ask_all (self);
        if (end)
            return self->over ? END_OK : end;
        show (self);
        rest (self, plv_clock_mono_us () + PERIOD_MS * 1000);
    }
    return END_OK;
}

ending_t command_top (call_t *call)
{
    asker_t asker;
    top_t top = {.call = call, .asker = &asker};
    interrupt_begin ();
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    if (!screen_begin (&top.screen)) {
        say ("top needs a terminal, and not a dumb one; palaver status and palaver metrics do not");
        asker_close (&asker);
        return END_USAGE;
    }
    asker.wait = look;
    asker.wait_arg = &top;
    asker.failing = leave;
    end = live (&top);
    leave (&top);
    sample_free (&top.before);
    sample_free (&top.now);
    plv_buf_free (&top.head);
    plv_buf_free (&top.list);
    asker_close (&asker);
    return end;
}
