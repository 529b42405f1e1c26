#include "palaver/past/compare.h"

#include "palaver/ask/ask.h"
#include "palaver/show/text.h"
#include "wire/mask.h"
#include "wire/mp.h"

#include <inttypes.h>

/*  So much longer is slower: more than half as long again, and enough to be felt.  */
enum { SLOWER_LEAST_MS = 100 };

static const column_t columns[] = {
    {.title = "NUMBER", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "SESSION", .key = "session_id", .most = 24, .spare = 4},
    {.title = "VERDICT", .key = "verdict"},
    {.title = "OLD MS", .key = "old_ms", .kind = COLUMN_NUMBER, .spare = 1},
    {.title = "NEW MS", .key = "new_ms", .kind = COLUMN_NUMBER, .spare = 2},
    {.title = "SAID", .key = "said", .most = 30, .spare = 3},
    {.title = "OLD", .key = "old", .most = 40},
    {.title = "NEW", .key = "new", .most = 40},
    {.title = "WHY", .key = "why", .below = true},
};

typedef struct {
    const char *verdict, *state;
    plv_view_t said, old, new, why;
    int64_t old_ms, new_ms;
    bool slower;
} row_t;

ending_t compare_begin (compare_t *self, const out_t *out, const char *service, const char *path)
{
    *self = (compare_t){.out = out, .service = service};
    self->table = table_new (out, columns, sizeof columns / sizeof *columns);
    return path ? html_begin (&self->html, path, "Past traffic, answered again") : END_OK;
}

static plv_view_t trimmed (plv_view_t text)
{
    while (text.size && text.data[text.size - 1] <= ' ')
        text.size--;
    while (text.size && text.data[0] <= ' ')
        text = plv_view (text.data + 1, text.size - 1);
    return text;
}

static plv_view_t text_in (plv_view_t event, const char *body, const char *key)
{
    plv_mp_t value;
    plv_view_t raw;
    if (!plv_mp_find (event, body, &value) || !plv_mp_skip (&value, &raw))
        return plv_view (NULL, 0);
    return plv_mp_find_str (raw, key);
}

static const char *judge (const row_t *row, bool answered)
{
    if (!answered)
        return "failed";
    if (!row->old.size)
        return "new";
    return plv_view_equal (trimmed (row->old), trimmed (row->new)) ? "same" : "changed";
}

static row_t row_of (plv_view_t event, plv_view_t trial, plv_view_t failed)
{
    int64_t given_us = (int64_t) ask_number (event, "dispatched_us");
    int64_t over_us = (int64_t) ask_number (event, "answered_us");
    bool answered = !failed.size && plv_view_is (plv_mp_find_str (trial, "outcome"), "answer");
    row_t row = {
        .said = text_in (event, "body", "message_text"),
        .old = text_in (event, "answer", "response_text"),
        .new = answered ? plv_mp_find_str (trial, "answer") : plv_view (NULL, 0),
        .why = failed.size ? failed : plv_mp_find_str (trial, "why"),
        .old_ms = given_us &&over_us >= given_us ? (over_us - given_us) / 1000 : 0,
        .new_ms = failed.size ? 0 : (int64_t) ask_number (trial, "took_ms"),
    };
    if (!answered && !row.why.size)
        row.why = plv_mp_find_str (trial, "outcome");
    row.verdict = judge (&row, answered);
    row.slower = answered && row.old.size && row.new_ms > row.old_ms + SLOWER_LEAST_MS
                 && row.new_ms > row.old_ms + row.old_ms / 2;
    return row;
}

/*  The agent may have been given another state than it had then.  */
static bool is_unsure (const row_t *row)
{
    return strcmp (row->state, "current") == 0 || strcmp (row->state, "partial") == 0;
}

static void count (compare_counts_t *counts, const row_t *row)
{
    counts->compared++;
    counts->slower += row->slower;
    counts->unsure += is_unsure (row);
    switch (row->verdict[0]) {
    case 's':
        counts->same++;
        break;
    case 'c':
        counts->changed++;
        break;
    case 'n':
        counts->fresh++;
        break;
    default:
        counts->failed++;
        break;
    }
}

static void write_row (plv_buf_t *map, plv_view_t event, plv_view_t trial, const row_t *row)
{
    plv_buf_t plain = {0};
    plv_mp_put_map (&plain, 14);
    plv_mp_pair_i64 (&plain, "number", (int64_t) ask_number (event, "number"));
    plv_mp_pair_str (&plain, "id", plv_mp_find_str (event, "id"));
    plv_mp_pair_str (&plain, "session_id", plv_mp_find_str (event, "session_id"));
    plv_mp_pair_i64 (&plain, "accepted_us", (int64_t) ask_number (event, "accepted_us"));
    plv_mp_pair_str (&plain, "verdict", plv_view_str (row->verdict));
    plv_mp_pair_i64 (&plain, "old_ms", row->old_ms);
    plv_mp_pair_i64 (&plain, "new_ms", row->new_ms);
    plv_mp_pair_str (&plain, "who_old", plv_mp_find_str (event, "who"));
    plv_mp_pair_str (&plain, "who_new", trial.size ? plv_mp_find_str (trial, "who") : trial);
    plv_mp_pair_str (&plain, "said", row->said);
    plv_mp_pair_str (&plain, "old", row->old);
    plv_mp_pair_str (&plain, "new", row->new);
    plv_mp_pair_str (&plain, "why", row->why);
    plv_mp_pair_str (&plain, "state", plv_view_str (row->state));
    plv_buf_check (&plain);
    plv_mask_put (map, plv_buf_view (&plain));
    plv_buf_check (map);
    plv_buf_free (&plain);
}

static void put_answer (html_t *html, const char *title, int64_t ms, plv_view_t who,
                        plv_view_t text)
{
    html_put (html, "<div><h3>");
    html_put (html, title);
    html_put (html, ", ");
    html_number (html, ms);
    html_put (html, " ms</h3><p>");
    html_text (html, text);
    html_put (html, "</p><span class=\"faint\">");
    html_text (html, who);
    html_put (html, "</span></div>\n");
}

static void put_article (html_t *html, const row_t *row, plv_view_t map)
{
    plv_view_t why = plv_mp_find_str (map, "why"), new = plv_mp_find_str (map, "new");
    html_put (html, "<article>\n<h2 class=\"");
    html_put (html, row->verdict);
    html_put (html, "\">");
    html_put (html, row->verdict);
    html_put (html, row->slower ? ", slower</h2>\n" : "</h2>\n");
    html_put (html, "<div class=\"faint\">");
    html_number (html, (int64_t) ask_number (map, "number"));
    html_put (html, " &middot; ");
    html_text (html, plv_mp_find_str (map, "session_id"));
    html_put (html, " &middot; ");
    html_text (html, plv_mp_find_str (map, "id"));
    if (is_unsure (row))
        html_put (html, " &middot; perhaps not with the state of then");
    html_put (html, "</div>\n<p class=\"said\">");
    html_text (html, plv_mp_find_str (map, "said"));
    html_put (html, "</p>\n<div class=\"pair\">\n");
    put_answer (html, "Old", row->old_ms, plv_mp_find_str (map, "who_old"),
                plv_mp_find_str (map, "old"));
    put_answer (html, "New", row->new_ms, plv_mp_find_str (map, "who_new"), new.size ? new : why);
    html_put (html, "</div>\n</article>\n");
}

void compare_add (compare_t *self, plv_view_t event, plv_view_t trial, plv_view_t failed,
                  const char *state)
{
    row_t row = row_of (event, trial, failed);
    row.state = state;
    plv_buf_t map = {0};
    count (&self->counts, &row);
    write_row (&map, event, trial, &row);
    table_add (&self->table, plv_buf_view (&map));
    if (self->html.target.file)
        put_article (&self->html, &row, plv_buf_view (&map));
    plv_buf_free (&map);
}

void compare_flush (compare_t *self)
{
    table_flush (&self->table);
}

/* ------------------------------------------------------------------ what changed in all */

typedef struct {
    const char *key;
    uint64_t number;
} sum_t;

enum { SUMS = 6 };

static void sums_of (const compare_counts_t *counts, sum_t sums[SUMS])
{
    const sum_t all[SUMS] = {{"compared", counts->compared}, {"same", counts->same},
                             {"changed", counts->changed},   {"new", counts->fresh},
                             {"failed", counts->failed},     {"slower", counts->slower}};
    memcpy (sums, all, sizeof all);
}

static void say_json (const sum_t sums[SUMS], uint64_t unsure, bool whole)
{
    plv_buf_t map = {0};
    plv_mp_put_map (&map, SUMS + 3);
    plv_mp_pair_bool (&map, "shadow", true);
    plv_mp_pair_bool (&map, "whole", whole);
    for (size_t i = 0; i < SUMS; i++)
        plv_mp_pair_i64 (&map, sums[i].key, (int64_t) sums[i].number);
    plv_mp_pair_i64 (&map, "state_unsure", (int64_t) unsure);
    plv_buf_check (&map);
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

static void say_words (const sum_t sums[SUMS], uint64_t unsure, bool whole)
{
    plv_buf_t line = {0};
    for (size_t i = 0; i < SUMS; i++)
        text_putf (&line, "%s%s %" PRIu64, i ? ", " : "", sums[i].key, sums[i].number);
    text_put (&line, "; nothing was sent to anyone\n");
    if (unsure)
        text_putf (&line,
                   "%" PRIu64
                   " were perhaps not given the state of then: the journal does not go back to "
                   "where their sessions began\n",
                   unsure);
    if (!whole)
        text_put (&line, "it did not come to the end of what was asked for\n");
    out_flush (&line);
    plv_buf_free (&line);
}

/*  At the end of the file, and at the top of the page.  */
static void put_header (html_t *html, const char *service, const sum_t sums[SUMS], uint64_t unsure,
                        bool whole)
{
    html_put (html, "<header>\n<h1>Past traffic, answered again by ");
    html_text (html, plv_view_str (service));
    html_put (html, "</h1>\n<dl>\n");
    for (size_t i = 0; i < SUMS; i++) {
        html_put (html, "<div><dt>");
        html_put (html, sums[i].key);
        html_put (html, "</dt><dd>");
        html_number (html, (int64_t) sums[i].number);
        html_put (html, "</dd></div>\n");
    }
    html_put (html, "</dl>\n<p class=\"faint\">Nothing was sent to anyone, and nothing was kept.");
    if (unsure) {
        html_put (html, " ");
        html_number (html, (int64_t) unsure);
        html_put (html,
                  " were perhaps not given the state of then: the journal does not go back to "
                  "where their sessions began.");
    }
    html_put (html, whole ? "" : " It did not come to the end of what was asked for.");
    html_put (html, "</p>\n</header>\n");
}

ending_t compare_end (compare_t *self, bool whole)
{
    sum_t sums[SUMS];
    sums_of (&self->counts, sums);
    compare_flush (self);
    table_free (&self->table);
    if (self->html.target.file)
        put_header (&self->html, self->service, sums, self->counts.unsure, whole);
    if (self->out->json)
        say_json (sums, self->counts.unsure, whole);
    else
        say_words (sums, self->counts.unsure, whole);
    return self->html.target.file ? html_end (&self->html) : END_OK;
}
