#include "core/dead/dead_stats.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/dead/fingerprint.h"
#include "core/dead/letter.h"
#include "core/flow/lanes.h"
#include "core/internal.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "wire/mp.h"

#include <stdlib.h>

/*  How many letters died alike. Without a filter the groups are kept; with one they are counted by a walk, in pieces.
    The newest letter of each group that is shown is read from the store, for its words.  */

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000, WALK_PIECE = 50000 };

typedef struct stats_line {
    dead_group_t group;
    plv_buf_t words; /* encoded pairs of the newest letter; empty: it could not be read */
} stats_line_t;

/*  The largest first; of the same size, the one that was seen last.  */
static int by_size (const void *a, const void *b)
{
    const dead_group_t *one = &((const stats_line_t *) a)->group,
                       *other = &((const stats_line_t *) b)->group;
    if (one->count != other->count)
        return one->count < other->count ? 1 : -1;
    if (one->last_us != other->last_us)
        return one->last_us < other->last_us ? 1 : -1;
    return (one->fingerprint > other->fingerprint) - (one->fingerprint < other->fingerprint);
}

static void keep_largest (ask_t *ask)
{
    qsort (ask->lines, ask->line_count, sizeof *ask->lines, by_size);
    if (ask->line_count > ask->limit)
        ask->line_count = (size_t) ask->limit;
}

/*  The `limit` largest: those gathered are cut back whenever there are twice as many.  */
static void choose (ask_t *ask, const plv_map_u64_t *groups)
{
    const dead_group_t *group;
    ask->lines = plv_alloc_zero (2 * (size_t) ask->limit, sizeof *ask->lines);
    for (size_t at = 0; (group = plv_map_u64_next (groups, &at));) {
        ask->lines[ask->line_count++] = (stats_line_t){.group = *group};
        ask->total += group->count;
        ask->group_count++;
        if (ask->line_count == 2 * ask->limit)
            keep_largest (ask);
    }
    if (ask->line_count)
        keep_largest (ask);
}

static void begin (const core_t *self, ask_t *ask)
{
    ask->removals = self->letters.removals;
    ask->limit = control_number (plv_buf_view (&ask->arguments), "limit", LIMIT_DEFAULT);
    if (ask->limit == 0 || ask->limit > LIMIT_MAX)
        ask->limit = LIMIT_MAX;
}

static void read_newest (core_t *self, ask_t *ask)
{
    for (size_t i = 0; i < ask->line_count; i++) {
        uint64_t number = ask->lines[i].group.newest;
        control_scan (self, ask, number, number, 1);
    }
    control_settle (self, ask);
}

static bool all_known (const ask_t *ask)
{
    for (size_t i = 0; i < ask->line_count; i++)
        if (ask->lines[i].group.newest == 0)
            return false;
    return true;
}

static bool is_unfiltered (const dead_filter_t *filter)
{
    static const dead_filter_t none = {0};
    dead_filter_t copy = *filter;
    /* a text that is missing is an empty view, wherever it points */
    plv_view_t *texts[] = {&copy.platform, &copy.adapter, &copy.session, &copy.user,
                           &copy.route,    &copy.type,    &copy.reason,  &copy.outcome,
                           &copy.code,     &copy.text,    &copy.service};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i]->size)
            return false;
    return copy.fingerprint == none.fingerprint && !copy.since_us && !copy.until_us
           && !copy.attempts;
}

/*  False: there is more to walk over.  */
static bool walk (core_t *self, ask_t *ask, const dead_filter_t *filter)
{
    const dead_brief_t *brief = NULL;
    dead_match_t match;
    plv_buf_t routes = {0};
    lanes_of_service (self, filter->service, &routes);
    dead_match_make (filter, &routes, &match);
    dead_cursor_t cursor = dead_index_seek (&self->letters, ask->at + 1);
    for (int i = 0; i < WALK_PIECE && (brief = dead_index_next (&self->letters, &cursor)); i++) {
        ask->at = brief->number;
        if (dead_match_takes (&match, brief))
            dead_groups_add (&ask->groups, brief);
    }
    plv_buf_free (&routes);
    return !brief;
}

/*  What a walk over everything has found out is kept.  */
static void remember (core_t *self, const ask_t *ask)
{
    const dead_group_t *found;
    for (size_t at = 0; (found = plv_map_u64_next (&ask->groups, &at));)
        dead_index_learn (&self->letters, found, ask->removals);
}

static void go_on (core_t *self, ask_t *ask)
{
    dead_filter_t filter;
    dead_filter_read (plv_buf_view (&ask->arguments), &filter);
    bool whole = is_unfiltered (&filter);
    if (ask->limit == 0) {
        begin (self, ask);
        if (whole) {
            choose (ask, &self->letters.groups);
            if (all_known (ask)) {
                read_newest (self, ask);
                return;
            }
            free (ask->lines);
            ask->lines = NULL;
            ask->line_count = 0;
            ask->total = ask->group_count = 0;
        }
    }
    if (!walk (self, ask, &filter)) {
        timers_set (&self->timers, &ask->timer, self->now.mono_us + 1);
        return;
    }
    choose (ask, &ask->groups);
    if (whole)
        remember (self, ask);
    read_newest (self, ask);
}

static stats_line_t *line_of (ask_t *ask, uint64_t number)
{
    for (size_t i = 0; i < ask->line_count; i++)
        if (ask->lines[i].group.newest == number)
            return &ask->lines[i];
    return NULL;
}

static void put_words (core_t *self, plv_buf_t *buf, plv_view_t reason, plv_view_t outcome,
                       plv_view_t code, plv_view_t route, plv_view_t why)
{
    plv_mp_pair_str (buf, "reason", reason);
    plv_mp_pair_str (buf, "outcome", outcome);
    plv_mp_pair_str (buf, "code", code);
    plv_mp_pair_str (buf, "route", route);
    plv_mp_pair_str (buf, "service", plv_view_str (lanes_service (self, route)));
    plv_mp_pair_str (buf, "why", why);
}

static void take (core_t *self, ask_t *ask, const input_t *input)
{
    plv_row_t row;
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row);) {
        entry_t *entry = NULL;
        dead_t dead;
        stats_line_t *line = row.key.size == 8 ? line_of (ask, plv_get_u64 (row.key.data)) : NULL;
        if (line && line->words.size == 0 && letter_read (&row, &dead, &entry))
            put_words (self, &line->words, plv_view_str (dead_reason (dead.why)),
                       plv_view_str (dead_outcome (dead.why)), dead.code, label_view (entry->route),
                       dead.words);
        entry_destroy (&entry);
    }
}

static void put_line (core_t *self, plv_buf_t *body, const stats_line_t *line)
{
    char fingerprint[FINGERPRINT_TEXT_BYTES];
    plv_view_t none = plv_view (NULL, 0);
    fingerprint_format (line->group.fingerprint, fingerprint);
    plv_mp_put_map (body, 11);
    plv_mp_pair_str (body, "fingerprint", plv_view_str (fingerprint));
    plv_mp_pair_u64 (body, "count", line->group.count);
    plv_mp_pair_i64 (body, "first_us", line->group.first_us);
    plv_mp_pair_i64 (body, "last_us", line->group.last_us);
    plv_mp_pair_u64 (body, "number", line->group.newest);
    plv_buf_check (&line->words);
    if (line->words.size)
        plv_buf_add_view (body, plv_buf_view (&line->words));
    else
        put_words (self, body, none, none, none, none, none);
}

static void settle (core_t *self, ask_t *ask)
{
    peer_t *peer = control_asker (self, ask, "");
    plv_buf_t body = {0};
    if (!peer) {
        control_finish (self, ask);
        return;
    }
    plv_mp_put_map (&body, 3);
    plv_mp_put_text (&body, "items");
    plv_mp_put_array (&body, (uint32_t) ask->line_count);
    for (size_t i = 0; i < ask->line_count; i++)
        put_line (self, &body, &ask->lines[i]);
    plv_mp_pair_u64 (&body, "groups", ask->group_count);
    plv_mp_pair_u64 (&body, "total", ask->total);
    control_answer (self, peer, ask->request, "ok", &body);
    plv_buf_free (&body);
    control_finish (self, ask);
}

static void free_lines (ask_t *ask)
{
    for (size_t i = 0; i < ask->line_count; i++)
        plv_buf_free (&ask->lines[i].words);
    free (ask->lines);
    dead_groups_free (&ask->groups);
}

static const char *start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    dead_filter_t filter;
    if (!dead_filter_read (arguments, &filter))
        return DEAD_FILTER_HOW;
    if (filter.text.size)
        return "dead.stats does not look into messages: leave \"text\" out";
    plv_buf_add_view (&ask->arguments, arguments);
    plv_buf_check (&ask->arguments);
    go_on (self, ask);
    return NULL;
}

const ask_kind_t ask_dead_stats = {
    .start = start,
    .take = take,
    .settle = settle,
    .go_on = go_on,
    .free = free_lines,
};
