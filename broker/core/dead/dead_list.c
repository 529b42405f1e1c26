#include "core/dead/dead_list.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/ask/control_show.h"
#include "core/dead/letter.h"
#include "core/flow/lanes.h"
#include "core/internal.h"

#include "base/bytes.h"
#include "wire/mp.h"

/*  A page of dead letters. A walk over what is in memory finds the numbers of a piece of it, their rows are read and
    looked at, and so on until the page is full, everything has been looked at, or it has taken long enough
    for one question: then the answer says where to go on.  */

enum {
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 1000,
    BYTES_MAX = 3 * 512 * 1024,
    PIECE = 256,
    WALK_PIECE = 100000,
    TIME_MAX_US = 120000,
    DENSE = 4, /* one row in so many is wanted: they are read as a range */
};

static bool page_is_full (const ask_t *ask)
{
    return ask->item_count == ask->limit || ask->items.size > BYTES_MAX;
}

static void begin (ask_t *ask)
{
    plv_view_t arguments = plv_buf_view (&ask->arguments);
    ask->limit = control_number (arguments, "limit", LIMIT_DEFAULT);
    if (ask->limit == 0 || ask->limit > LIMIT_MAX)
        ask->limit = LIMIT_MAX;
    ask->at = control_number (arguments, "after", 0);
}

typedef struct {
    uint64_t first, last; /* that were found */
    uint32_t count;
    uint32_t span; /* letters from the first to the last */
} found_t;

/*  Finds up to `want` numbers behind ask->at.  */
static found_t walk (core_t *self, ask_t *ask, const dead_match_t *match, uint32_t want)
{
    found_t found = {0};
    const dead_brief_t *brief = NULL;
    uint32_t span = 0;
    if (ask->at == UINT64_MAX) {
        ask->ended = true;
        return found;
    }
    dead_cursor_t cursor = dead_index_seek (&self->letters, ask->at + 1);
    for (int i = 0; i < WALK_PIECE && found.count < want; i++) {
        brief = dead_index_next (&self->letters, &cursor);
        if (!brief)
            break;
        ask->walked_to = brief->number;
        span += found.count > 0;
        if (!dead_match_takes (match, brief))
            continue;
        if (found.count++ == 0)
            found.first = brief->number;
        found.last = brief->number;
        found.span = span + 1;
        plv_buf_add (&ask->numbers, &brief->number, sizeof brief->number);
    }
    ask->ended = !brief || !dead_index_next (&self->letters, &cursor);
    return found;
}

static void answer_and_finish (core_t *self, ask_t *ask)
{
    peer_t *peer = control_asker (self, ask, "");
    if (peer)
        list_answer (self, peer, ask);
    control_finish (self, ask);
}

static bool took_long (const core_t *self, const ask_t *ask)
{
    return self->now.mono_us - ask->begun_us >= TIME_MAX_US;
}

static void ask_for (core_t *self, ask_t *ask, const found_t *found)
{
    if (found->span > found->count * DENSE) {
        control_scan_numbers (self, ask);
        return;
    }
    plv_buf_clear (&ask->numbers);
    control_scan (self, ask, found->first, found->last, found->span);
}

static void go_on (core_t *self, ask_t *ask)
{
    dead_filter_t filter;
    dead_match_t match;
    plv_buf_t routes = {0};
    if (ask->limit == 0)
        begin (ask);
    dead_filter_read (plv_buf_view (&ask->arguments), &filter);
    lanes_of_service (self, filter.service, &routes);
    dead_match_make (&filter, &routes, &match);
    uint64_t left = ask->limit - ask->item_count;
    found_t found =
        walk (self, ask, &match, filter.text.size || left > PIECE ? PIECE : (uint32_t) left);
    plv_buf_free (&routes);
    if (found.count) {
        ask_for (self, ask, &found);
    } else if (ask->ended) {
        answer_and_finish (self, ask);
    } else {
        ask->at = ask->walked_to;
        timers_set (&self->timers, &ask->timer, self->now.mono_us + 1);
    }
}

static void take_row (core_t *self, ask_t *ask, const plv_row_t *row, const dead_filter_t *filter)
{
    entry_t *entry = NULL;
    dead_t dead;
    if (!letter_read (row, &dead, &entry))
        return;
    if (dead_filter_takes (filter, &dead, entry)
        && (filter->service.size == 0
            || plv_view_is (filter->service, lanes_service (self, label_view (entry->route))))) {
        control_dead_item (self, &dead, entry, false, plv_view (NULL, 0), &ask->items);
        ask->item_count++;
    }
    entry_destroy (&entry);
}

static void take (core_t *self, ask_t *ask, const input_t *input)
{
    plv_row_t row;
    dead_filter_t filter;
    dead_filter_read (plv_buf_view (&ask->arguments), &filter);
    for (size_t at = 0; !ask->over && plv_row_next (input->bytes, &at, &row);) {
        if (row.key.size != 8)
            continue;
        ask->over = page_is_full (ask);
        if (ask->over)
            break;
        take_row (self, ask, &row, &filter);
        ask->at = plv_get_u64 (row.key.data);
    }
    if (input->more
        && ask->at < ask->walked_to) { /* the rows of a range are more than fit into one answer */
        ask->walked_to = ask->at;
        ask->ended = false;
    }
}

static void settle (core_t *self, ask_t *ask)
{
    if (!ask->over)
        ask->at = ask->walked_to;
    if (ask->over || (!ask->ended && (page_is_full (ask) || took_long (self, ask))))
        ask->next = ask->at;
    if (ask->failed[0] || ask->next || ask->ended)
        answer_and_finish (self, ask);
    else
        go_on (self, ask);
}

void list_answer (core_t *self, peer_t *peer, const ask_t *ask)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 2);
    plv_mp_put_text (&body, "items");
    plv_mp_put_array (&body, ask->item_count);
    plv_buf_check (&ask->items);
    plv_buf_add_view (&body, plv_buf_view (&ask->items));
    plv_mp_put_text (&body, "next");
    if (ask->next)
        plv_mp_put_u64 (&body, ask->next);
    else
        plv_mp_put_nil (&body);
    control_answer (self, peer, ask->request, "ok", &body);
    plv_buf_free (&body);
}

static const char *start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    dead_filter_t filter;
    if (!dead_filter_read (arguments, &filter))
        return DEAD_FILTER_HOW;
    plv_buf_add_view (&ask->arguments, arguments);
    plv_buf_check (&ask->arguments);
    go_on (self, ask);
    return NULL;
}

const ask_kind_t ask_dead_list = {.start = start, .take = take, .settle = settle, .go_on = go_on};
