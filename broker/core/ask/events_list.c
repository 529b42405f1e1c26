#include "core/ask/control_answer.h"
#include "core/ask/events.h"
#include "core/flow/accept_text.h"
#include "core/flow/lanes.h"
#include "core/state/label.h"
#include "core/state/live.h"

#include "base/alloc.h"
#include "wire/mp.h"

#include <stdlib.h>

/*  A page of past traffic. The events that pass are gathered in the order of acceptance; what became of each is read
    on from there, until all are over or known to be still here. One that is over in another way than is asked for
    makes room at once, so that a page that looks for few among many is one way through the journal. A page may be
    short, or empty, with a `next`.  */

enum {
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 1000,
    WHOLE_MAX = 100,
    BYTES_MAX = 3 * 512 * 1024, /* of what is gathered, answers not yet counted */
    ANSWER_BYTES_MAX = 3 << 20, /* of the page as it is sent */
    TIME_MAX_US = 200000, /* since it began: a page that has something ends without more events */
    SETTLE_BYTES_MAX =
        64 << 20, /* so much journal is read for what has become of a page's events */
    SESSIONS_MAX = 100,
    WALL_MARGIN_US = 1000000,
    FIRST_SEQ = 1,
};

/*  Sessions' ends, as far as they come before a place in the journal.  */
typedef struct {
    size_t bytes;
    uint32_t count;
} ends_t;

typedef struct {
    plv_node_t node;
    fate_t fate;
    uint64_t seq;   /* where it was accepted */
    ends_t ends;    /* before it */
    uint64_t bytes; /* that are counted for it */
    plv_buf_t head; /* encoded pairs */
    uint32_t head_pairs;
    plv_buf_t body, answer, patch, who;
    plv_buf_t route;
} item_t;

typedef struct {
    plv_view_t platform, session, user, type, outcome; /* empty: any */
    plv_view_t sessions;                               /* an encoded array of texts; empty: any */
    int64_t since_us, until_us;                        /* 0: any */
    uint64_t after;
    uint64_t position; /* of the journal: `after` lies there; 0: it is to be found */
} wanted_t;

struct events_list {
    walk_t walk;
    plv_buf_t arguments;
    wanted_t wanted;
    bool whole;
    bool sought;
    bool begins;             /* at the first record that has ever been written */
    bool full;               /* no more events are gathered */
    bool ended;              /* and there are none */
    uint64_t last, last_seq; /* of the event that was gathered last: its number, and its place */
    uint64_t passed;         /* number of the event that was looked at last */
    uint64_t bytes;
    uint64_t settled_bytes;
    uint64_t open;    /* items that are not over yet */
    plv_node_t items; /* in the order of acceptance */
    size_t found;     /* those that are as is asked for, and will stay so as far as is known */
    size_t limit;
    plv_map_u64_t by_number; /* of events and their answers */
    plv_buf_t ends;          /* encoded maps: sessions that ended meanwhile */
    uint32_t end_count;
    int64_t begun_us;
};

static void free_item (item_t *item)
{
    plv_buf_free (&item->head);
    plv_buf_free (&item->body);
    plv_buf_free (&item->answer);
    plv_buf_free (&item->patch);
    plv_buf_free (&item->who);
    plv_buf_free (&item->route);
    free (item);
}

void events_list_free (events_list_t **self_p)
{
    events_list_t *self = *self_p;
    if (!self)
        return;
    for (plv_node_t *node; (node = plv_list_first (&self->items));) {
        plv_node_remove (node);
        free_item (PLV_OF (node, item_t, node));
    }
    plv_map_u64_free (&self->by_number);
    plv_buf_free (&self->arguments);
    plv_buf_free (&self->ends);
    free (self);
    *self_p = NULL;
}

/* ------------------------------------------------------------------ what is asked for */

static bool read_sessions (plv_view_t arguments, plv_view_t *ret_sessions)
{
    plv_mp_t value;
    plv_mp_t items;
    plv_view_t text;
    uint32_t count;
    if (!plv_mp_find (arguments, "sessions", &value))
        return true;
    items = value;
    if (!plv_mp_skip (&value, ret_sessions) || !plv_mp_array (&items, &count)
        || count > SESSIONS_MAX)
        return false;
    while (count--)
        if (!plv_mp_str (&items, &text))
            return false;
    return true;
}

static size_t limit_of (uint64_t asked, size_t most)
{
    return asked == 0 || asked > most ? most : (size_t) asked;
}

const char *events_list_start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    events_list_t *list = ask->list = plv_alloc_zero (1, sizeof *list);
    plv_list_init (&list->items);
    plv_buf_add_view (&list->arguments, arguments);
    plv_buf_check (&list->arguments);
    plv_view_t kept = plv_buf_view (&list->arguments);
    list->wanted = (wanted_t){
        .platform = plv_mp_find_str (kept, "platform"),
        .session = plv_mp_find_str (kept, "session"),
        .user = plv_mp_find_str (kept, "user"),
        .type = plv_mp_find_str (kept, "type"),
        .outcome = plv_mp_find_str (kept, "outcome"),
        .since_us = (int64_t) control_number (kept, "since_us", 0),
        .until_us = (int64_t) control_number (kept, "until_us", 0),
        .after = control_number (kept, "after", 0),
        .position = control_number (kept, "position", 0),
    };
    if (!read_sessions (kept, &list->wanted.sessions))
        return "\"sessions\" is an array of at most 100 texts";
    list->whole = control_flag (kept, "whole");
    list->limit = limit_of (control_number (kept, "limit", LIMIT_DEFAULT),
                            list->whole ? WHOLE_MAX : LIMIT_MAX);
    list->begun_us = self->now.mono_us;
    list->passed = list->wanted.after;
    walk_begin (&list->walk, ask->end);
    return NULL;
}

static bool is (plv_view_t wanted, plv_view_t found)
{
    return wanted.size == 0 || plv_view_equal (wanted, found);
}

static bool is_among (plv_view_t sessions, plv_view_t found)
{
    plv_mp_t items = plv_mp (sessions);
    plv_view_t text;
    uint32_t count = 0;
    if (sessions.size == 0)
        return true;
    plv_mp_array (&items, &count);
    while (count-- && plv_mp_str (&items, &text))
        if (plv_view_equal (text, found))
            return true;
    return false;
}

static bool passes (const wanted_t *wanted, const record_t *record, const plv_envelope_t *envelope)
{
    return record->number > wanted->after && record->at_us >= wanted->since_us
           && (!wanted->until_us || record->at_us < wanted->until_us)
           && is (wanted->platform, envelope->platform) && is (wanted->user, envelope->user_id)
           && is (wanted->session, envelope->session_id) && is (wanted->type, envelope->type)
           && is_among (wanted->sessions, envelope->session_id);
}

/* ------------------------------------------------------------------ gathering */

static void keep (plv_buf_t *into, plv_view_t bytes)
{
    plv_buf_clear (into);
    plv_buf_add_view (into, bytes);
    plv_buf_check (into);
}

static void write_head (item_t *item, const record_t *record, const plv_envelope_t *envelope)
{
    char id[PLV_ID_TEXT_BYTES];
    plv_buf_t *head = &item->head;
    plv_id_format (&envelope->id, id);
    plv_mp_pair_i64 (head, "number", (int64_t) record->number);
    plv_mp_pair_text (head, "id", id);
    plv_mp_pair_str (head, "type", envelope->type);
    plv_mp_pair_str (head, "platform", envelope->platform);
    plv_mp_pair_str (head, "adapter", envelope->adapter);
    plv_mp_pair_str (head, "session_id", envelope->session_id);
    plv_mp_pair_str (head, "user_id", envelope->user_id);
    plv_mp_pair_str (head, "route", record->name);
    item->head_pairs = 8;
    keep (&item->route, record->name);
}

static void put_envelope (item_t *item, plv_view_t envelope)
{
    plv_mp_put_text (&item->head, "envelope");
    plv_buf_add_view (&item->head, envelope);
    item->head_pairs++;
}

/*  Is it, as far as has been read, what is asked for, and not only on its way to something else?  */
static bool is_found (const events_list_t *list, const item_t *item)
{
    fate_outcome_t outcome = item->fate.outcome;
    return list->wanted.outcome.size == 0
           || ((fate_over (outcome) || outcome == FATE_DEAD)
               && plv_view_is (list->wanted.outcome, fate_word (outcome)));
}

static void watch_room (events_list_t *list)
{
    list->full |= list->found >= list->limit || list->bytes > BYTES_MAX;
}

static void gather (events_list_t *list, uint64_t seq, const record_t *record)
{
    plv_envelope_t envelope;
    if (record->type != RECORD_ACCEPT)
        return;
    if (list->passed < record->number)
        list->passed = record->number;
    if (plv_envelope_parse (record->envelope, &envelope, NULL)
        || !passes (&list->wanted, record, &envelope))
        return;
    item_t *item = plv_alloc_zero (1, sizeof *item);
    plv_list_push (&list->items, &item->node);
    item->fate = (fate_t){.number = record->number};
    item->seq = seq;
    item->ends = (ends_t){list->ends.size, list->end_count};
    write_head (item, record, &envelope);
    if (list->whole) {
        put_envelope (item, record->envelope);
        keep (&item->body, record->body);
    }
    plv_buf_check (&item->head);
    item->bytes = sizeof *item + item->head.size + item->body.size;
    list->bytes += item->bytes;
    list->last = record->number;
    list->last_seq = seq;
    list->open++;
    list->found += is_found (list, item);
    plv_map_u64_put (&list->by_number, record->number, item);
    watch_room (list);
}

static void forget_number (events_list_t *list, const item_t *item, uint64_t number)
{
    if (number && plv_map_u64_get (&list->by_number, number) == item)
        plv_map_u64_remove (&list->by_number, number);
}

/*  It is over, and not what is asked for: there is room for another one.  */
static void drop (events_list_t *list, item_t *item)
{
    forget_number (list, item, item->fate.number);
    forget_number (list, item, item->fate.reply);
    forget_number (list, item, item->fate.fallback);
    list->bytes -= item->bytes;
    plv_node_remove (&item->node);
    free_item (item);
}

static void note_end (events_list_t *list, const record_t *record)
{
    if (!list->whole || list->full || !is (list->wanted.session, record->session)
        || !is_among (list->wanted.sessions, record->session))
        return;
    size_t before = list->ends.size;
    plv_mp_put_map (&list->ends, 2);
    plv_mp_pair_str (&list->ends, "session_id", record->session);
    plv_mp_pair_i64 (&list->ends, "at_us", record->at_us);
    plv_buf_check (&list->ends);
    list->bytes += list->ends.size - before;
    list->end_count++;
}

/*  Many sessions ended, and few events were asked for: the next page goes on behind this value of the journal.  */
static void watch_ends (events_list_t *list, uint64_t seq)
{
    if (list->full || list->bytes <= BYTES_MAX || !list->passed)
        return;
    list->full = true;
    list->last = list->passed;
    list->last_seq = seq + 1;
}

static void join (item_t *item, const record_t *record)
{
    plv_buf_t body = {0};
    accept_join_texts (&body, plv_buf_view (&item->body), record->body, &record->id);
    plv_buf_check (&body);
    plv_buf_free (&item->body);
    item->body = body;
}

/*  Texts that the record changes or brings.  */
static void take_texts (item_t *item, const record_t *record)
{
    bool event = record->number == item->fate.number;
    if (record->type == RECORD_JOIN)
        join (item, record);
    else if (record->type == RECORD_MERGE || (record->type == RECORD_RESEND && record->body.size))
        keep (&item->body, record->body);
    else if (record->type == RECORD_REPLY) {
        keep (&item->answer, record->body);
        keep (&item->patch, record->extra);
    } else if (record->type == RECORD_ATTEMPT && event)
        keep (&item->who, record->who);
}

/*  The number of an answer, or of a fallback, leads to the event from now on.  */
static void note_reply (events_list_t *list, item_t *item, const record_t *record)
{
    if (record->reply && (record->type == RECORD_REPLY || record->type == RECORD_DEAD))
        plv_map_u64_put (&list->by_number, record->reply, item);
}

/*  A letter that was thrown away, and put back out of a file since, is one now.  */
static void take_back (const core_t *self, fate_t *fate)
{
    if (fate->outcome != FATE_DISCARDED || !dead_index_get (&self->letters, fate->letter))
        return;
    fate->outcome = FATE_DEAD;
    fate->settled_us = 0;
}

static void follow (const core_t *self, events_list_t *list, const record_t *record)
{
    item_t *item = plv_map_u64_get (&list->by_number, record->number);
    if (!item)
        return;
    bool was_over = fate_over (item->fate.outcome), was_found = is_found (list, item);
    if (!fate_take (&item->fate, record))
        return;
    take_back (self, &item->fate);
    note_reply (list, item, record);
    if (list->whole)
        take_texts (item, record);
    bool over = fate_over (item->fate.outcome);
    list->open += (uint64_t) was_over - (uint64_t) over;
    list->found += (size_t) is_found (list, item) - (size_t) was_found;
    if (over && !is_found (list, item))
        drop (list, item);
    if (!list->full)
        watch_room (list);
}

static void watch_time (const core_t *self, events_list_t *list, int64_t wall_us)
{
    if (list->full)
        return;
    if (list->wanted.until_us && wall_us > list->wanted.until_us + WALL_MARGIN_US)
        list->full = list->ended = true;
    else if (list->found && self->now.mono_us - list->begun_us > TIME_MAX_US)
        list->full = true;
}

static void take_value (const core_t *self, events_list_t *list, record_reader_t *value,
                        uint64_t seq)
{
    record_t record;
    list->begins |= seq == FIRST_SEQ && value->wall_us >= list->wanted.since_us;
    watch_time (self, list, value->wall_us);
    while (!record_next (value, &record, NULL)) {
        if (record.type == RECORD_SESSION_END)
            note_end (list, &record);
        else if (!list->full)
            gather (list, seq, &record);
        follow (self, list, &record);
    }
    watch_ends (list, seq);
}

void events_list_take (core_t *self, ask_t *ask, const input_t *input)
{
    events_list_t *list = ask->list;
    record_reader_t value;
    uint64_t seq;
    if (walk_seeking (&list->walk)) {
        walk_probed (&list->walk, input->bytes);
        return;
    }
    walk_took (&list->walk, input->bytes, input->more);
    if (list->full)
        list->settled_bytes += input->bytes.size;
    for (size_t at = 0; walk_next (&list->walk, input->bytes, &at, &value, &seq);)
        take_value (self, list, &value, seq);
}

/*  Whatever more there is cannot be about these events: each is over, or what it is now.  */
static bool are_settled (const core_t *self, const events_list_t *list)
{
    if (!list->open || list->settled_bytes > SETTLE_BYTES_MAX)
        return true;
    for (const plv_node_t *node = list->items.next; node != &list->items; node = node->next) {
        const fate_t *fate = &PLV_OF (node, item_t, node)->fate;
        if (!fate_over (fate->outcome) && !events_here (self, fate))
            return false;
    }
    return true;
}

static void seek (events_list_t *list)
{
    const wanted_t *wanted = &list->wanted;
    int64_t from_us = wanted->since_us - WALL_MARGIN_US;
    list->sought = true;
    if (wanted->after && wanted->position)
        list->walk.at = wanted->position;
    else if (wanted->after)
        walk_seek (&list->walk, WALK_TO_NUMBER, wanted->after);
    else if (from_us > 0)
        walk_seek (&list->walk, WALK_TO_TIME, (uint64_t) from_us);
}

bool events_list_next (core_t *self, ask_t *ask)
{
    events_list_t *list = ask->list;
    if (!list->sought)
        seek (list);
    if (list->full && are_settled (self, list))
        return true;
    if (walk_ask (&list->walk, ask->token, self->effects)) {
        ask->waiting++;
        return false;
    }
    list->ended |= !list->full;
    return true;
}

void events_list_progress (const events_list_t *self, plv_buf_t *body)
{
    plv_mp_put_map (body, 2);
    plv_mp_pair_i64 (body, "position", (int64_t) self->walk.at);
    plv_mp_pair_i64 (body, "end", (int64_t) self->walk.end);
}

/* ------------------------------------------------------------------ the answer */

static void write_fate (const core_t *self, const fate_t *fate, plv_buf_t *map)
{
    bool here = entry_get ((core_t *) self, fate->number) != NULL;
    fate_outcome_t outcome = fate->outcome;
    if (!fate_over (outcome) && !events_here (self, fate)) /* it went on, later than was read */
        outcome = here ? FATE_PENDING : FATE_UNKNOWN;
    plv_mp_pair_text (map, "outcome", fate_word (outcome));
    plv_mp_pair_i64 (map, "attempts", fate->attempts);
    plv_mp_pair_i64 (map, "merged", fate->merged);
    plv_mp_pair_i64 (map, "accepted_us", fate->accepted_us);
    plv_mp_pair_i64 (map, "dispatched_us", fate->dispatched_us);
    plv_mp_pair_i64 (map, "answered_us", fate->answered_us);
    plv_mp_pair_i64 (map, "settled_us", fate->settled_us);
}

static void put_body (plv_buf_t *map, const char *key, const plv_buf_t *body)
{
    plv_mp_put_text (map, key);
    if (body->size)
        plv_buf_add_view (map, plv_buf_view (body));
    else
        plv_mp_put_nil (map);
}

static void write_item (core_t *self, const events_list_t *list, const item_t *item, plv_buf_t *map)
{
    plv_mp_put_map (map, item->head_pairs + 8 + (list->whole ? 4 : 0));
    plv_buf_add_view (map, plv_buf_view (&item->head));
    plv_mp_pair_text (map, "service", lanes_service (self, plv_buf_view (&item->route)));
    write_fate (self, &item->fate, map);
    if (!list->whole)
        return;
    plv_mp_pair_str (map, "who", plv_buf_view (&item->who));
    put_body (map, "body", &item->body);
    put_body (map, "answer", &item->answer);
    put_body (map, "patch", &item->patch);
}

typedef struct {
    plv_buf_t items;
    uint32_t count;
    ends_t ends;
    uint64_t next; /* 0: there are no more */
    uint64_t position;
} page_t;

/*  The next page goes on behind the event of this number, which lies at the place of `item`; the ends that come behind
    that are on it.  */
static void end_page (page_t *page, const item_t *item, uint64_t number)
{
    page->next = number;
    page->position = item->seq;
    page->ends = item->ends;
}

static bool has_room (const page_t *page, size_t more)
{
    return page->items.size + more <= ANSWER_BYTES_MAX;
}

/*  An event as large as may be, behind the ends of many sessions: these are a page of their own.  */
static bool goes_alone (const events_list_t *list, const item_t *item)
{
    return item->ends.bytes && item->fate.number - 1 > list->wanted.after;
}

static void write_page (core_t *self, const events_list_t *list, page_t *page)
{
    plv_buf_t map = {0};
    const item_t *last = NULL;
    bool over = false;
    page->next = list->ended ? 0 : list->last;
    page->position = list->last_seq;
    page->ends = (ends_t){list->ends.size, list->end_count};
    for (const plv_node_t *node = list->items.next; node != &list->items; node = node->next) {
        const item_t *item = PLV_OF (node, const item_t, node);
        plv_buf_clear (&map);
        write_item (self, list, item, &map);
        plv_buf_check (&map);
        if (!is (list->wanted.outcome, plv_mp_find_str (plv_buf_view (&map), "outcome")))
            continue;
        bool fits = has_room (page, item->ends.bytes + map.size);
        over = last ? page->count == list->limit || !fits : !fits && goes_alone (list, item);
        if (over && !last)
            end_page (page, item, item->fate.number - 1);
        if (over)
            break;
        plv_buf_add_view (&page->items, plv_buf_view (&map));
        page->count++;
        last = item;
    }
    if (last && (over || !has_room (page, list->ends.size)))
        end_page (page, last, last->fate.number);
    plv_buf_free (&map);
}

void events_list_answer (core_t *self, peer_t *peer, const ask_t *ask)
{
    const events_list_t *list = ask->list;
    page_t page = {.count = 0};
    plv_buf_t body = {0};
    write_page (self, list, &page);
    plv_mp_put_map (&body, 5);
    plv_mp_pair_bool (&body, "begins", list->begins);
    plv_mp_pair_i64 (&body, "position", (int64_t) page.position);
    plv_mp_put_text (&body, "items");
    plv_mp_put_array (&body, page.count);
    plv_buf_add_view (&body, plv_buf_view (&page.items));
    plv_mp_put_text (&body, "ends");
    plv_mp_put_array (&body, page.ends.count);
    plv_buf_add (&body, list->ends.data, page.ends.bytes);
    plv_mp_put_text (&body, "next");
    if (page.next)
        plv_mp_put_u64 (&body, page.next);
    else
        plv_mp_put_nil (&body);
    control_answer_shown (self, peer, ask->request, &body);
    plv_buf_free (&page.items);
    plv_buf_free (&body);
}
