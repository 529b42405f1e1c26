#include "core/dead/dead_take.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/call/shadow.h"
#include "core/dead/dead_named.h"
#include "core/dead/letter.h"
#include "core/flow/dispatch.h"
#include "core/flow/lanes.h"
#include "core/flow/life.h"
#include "core/flow/outbox.h"
#include "core/internal.h"
#include "core/policy/correct.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "core/text.h"

#include "base/bytes.h"
#include "base/format.h"
#include "wire/mp.h"

/*  Letters that are sent again, or thrown away. Each is decided when its row comes, by itself: what changed since it
    was planned stays, and so does what finds its route full of others that were sent again.  */

enum { REPLAYS_WAITING_MAX = 5000, RETRY_AFTER_MS = 100, HOW_BYTES = 160 };

/*  What a plan expects of a letter.  */
typedef struct {
    uint64_t number;
    uint64_t attempts; /* UINT64_MAX: any */
    uint64_t dead_us;  /* 0: any */
} expect_t;

/*  nil, attempts, or [attempts, dead_us].  */
static bool read_expect (plv_mp_t *value, expect_t *expect)
{
    uint32_t parts;
    if (plv_mp_nil (value))
        return true;
    if (plv_mp_u64 (value, &expect->attempts))
        return true;
    return plv_mp_array (value, &parts) && parts == 2 && plv_mp_u64 (value, &expect->attempts)
           && plv_mp_u64 (value, &expect->dead_us);
}

static bool read_expects (ask_t *ask, plv_view_t arguments)
{
    plv_mp_t numbers, values;
    uint32_t number_count, count;
    if (!plv_mp_find (arguments, "expect", &values) || plv_mp_nil (&values))
        return true;
    if (!plv_mp_array (&values, &count) || !plv_mp_find (arguments, "numbers", &numbers)
        || !plv_mp_array (&numbers, &number_count) || count != number_count)
        return false;
    while (count--) {
        expect_t expect = {.attempts = UINT64_MAX};
        if (!plv_mp_u64 (&numbers, &expect.number) || !read_expect (&values, &expect))
            return false;
        plv_buf_add (&ask->expect, &expect, sizeof expect);
    }
    plv_buf_check (&ask->expect);
    return true;
}

/*  A letter that is named twice must be as both say.  */
static bool is_expected (const ask_t *ask, const entry_t *letter, const dead_t *dead)
{
    expect_t expect;
    for (size_t at = 0; at < ask->expect.size; at += sizeof expect) {
        memcpy (&expect, ask->expect.data + at, sizeof expect);
        if (expect.number == letter->number
            && ((expect.attempts != UINT64_MAX && expect.attempts != letter->attempts)
                || (expect.dead_us && expect.dead_us != (uint64_t) dead->at_us)))
            return false;
    }
    return true;
}

static bool read_set (ask_t *ask, plv_view_t arguments)
{
    plv_mp_t value;
    plv_view_t set, text;
    uint32_t pairs;
    if (!plv_mp_find (arguments, "set", &value) || plv_mp_nil (&value))
        return true;
    plv_mp_t map = value;
    if (!plv_mp_map (&map, &pairs) || pairs != 1 || !plv_mp_skip (&value, &set)
        || !plv_mp_find (set, "message_text", &value) || !plv_mp_str (&value, &text)
        || !plv_utf8_valid (text))
        return false;
    plv_buf_add_view (&ask->set, text);
    plv_buf_check (&ask->set);
    ask->has_set = true;
    return true;
}

/*  The name of the route that `to` means: its own, or that of the first one that leads to the service. NULL, or why
    there is none.  */
static const char *read_to (core_t *self, ask_t *ask, plv_view_t arguments)
{
    plv_view_t to = plv_mp_find_str (arguments, "to");
    const lane_t *lane = to.size ? lane_named (self, to) : NULL;
    if (to.size == 0)
        return NULL;
    for (size_t i = 0; !lane && i < self->lane_count; i++)
        if (plv_view_is (to, self->lanes[i].route->service))
            lane = &self->lanes[i];
    if (!lane || label_view (lane->name).size > NAME_BYTES_MAX) {
        plv_format (ask->failed, sizeof ask->failed,
                    "no route is named \"" PLV_VIEW_FMT
                    "\", and none leads to a service of this name; palaver routes list shows them",
                    PLV_VIEW_ARG (text_cut (to, NAME_BYTES_MAX)));
        return ask->failed;
    }
    memcpy (ask->to, label_view (lane->name).data, label_view (lane->name).size);
    return NULL;
}

static const char *start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    bool replays = ask->command == COMMAND_DEAD_REPLAY;
    ask->allow_duplicates = control_flag (arguments, "allow_duplicates");
    ask->shadow = replays && control_flag (arguments, "shadow");
    if (plv_mp_find_str (arguments, "reason").size > NAME_BYTES_MAX)
        return "\"reason\" has at most 64 bytes";
    if (!read_expects (ask, arguments))
        return "\"expect\" is an array as long as \"numbers\", of nil, attempts, or [attempts, "
               "dead_us]";
    if (replays && !read_set (ask, arguments))
        return "\"set\" is a map of one key, \"message_text\", and its text";
    const char *why = replays ? read_to (self, ask, arguments) : NULL;
    if (why)
        return why;
    return named_start (self, ask, arguments) ? NULL : NAMED_HOW;
}

static void add_number (plv_buf_t *numbers, uint64_t number)
{
    plv_buf_add (numbers, &number, sizeof number);
    plv_buf_check (numbers);
}

static void skip (ask_t *ask, uint64_t number, const char *why)
{
    add_number (&ask->skipped, number);
    plv_mp_put_map (&ask->skips, 2);
    plv_mp_pair_u64 (&ask->skips, "number", number);
    plv_mp_pair_text (&ask->skips, "why", why);
    plv_buf_check (&ask->skips);
}

/*  Why this letter is left where it is; NULL: it is not.  */
static const char *why_skipped (const ask_t *ask, const entry_t *letter, const dead_t *dead)
{
    plv_envelope_t envelope;
    if (!is_expected (ask, letter, dead))
        return "changed";
    if (ask->command == COMMAND_DEAD_DISCARD)
        return NULL;
    if ((ask->to[0] || ask->has_set || ask->shadow) && letter->kind != ENTRY_EVENT)
        return "kind";
    if (ask->has_set
        && (plv_envelope_parse (entry_envelope (letter), &envelope, NULL)
            || envelope.type_code != EVENT_CHAT_MESSAGE))
        return "kind";
    if (ask->has_set && letter->body_size + ask->set.size > BODY_BYTES_MAX - KEY_BYTES_MAX)
        return "size";
    /* whether the platform took it is not known: sent again, the person might see it twice */
    return dead->why == DEAD_UNKNOWN && !ask->allow_duplicates ? "unknown" : NULL;
}

/*  Live traffic keeps its place: of what is sent again only so much waits at a time. Once one letter has to wait,
    those behind it do, too: they may be of its session.  */
static bool is_busy (core_t *self, const ask_t *ask, const entry_t *letter)
{
    plv_view_t route = ask->to[0] ? plv_view_str (ask->to) : label_view (letter->route);
    const lane_t *lane = lane_named (self, route);
    if (ask->command != COMMAND_DEAD_REPLAY || letter->kind != ENTRY_EVENT)
        return ask->busy_numbers.size > 0;
    return ask->busy_numbers.size > 0 || (lane && lane->replays >= REPLAYS_WAITING_MAX);
}

/*  A letter of a session that has ended begins it anew.  */
static void begin_session (core_t *self, const entry_t *letter)
{
    plv_envelope_t envelope;
    if (letter->kind == ENTRY_EVENT && !(letter->flags & ENTRY_OWN)
        && !plv_envelope_parse (entry_envelope (letter), &envelope, NULL))
        life_begin (self, &envelope);
}

/*  What the ledger says of it: "to ROUTE; ID is corrected by this".  */
static void say_how (const ask_t *ask, const char *original, char how[HOW_BYTES])
{
    plv_format (how, HOW_BYTES, "%s%s%s%s%s", ask->to[0] ? "to " : "", ask->to,
                ask->to[0] && ask->has_set ? "; " : "", ask->has_set ? "corrects " : "",
                ask->has_set ? original : "");
}

static void note_replay (core_t *self, const ask_t *ask, const entry_t *letter, plv_view_t row)
{
    char original[PLV_ID_TEXT_BYTES] = "", how[HOW_BYTES];
    plv_envelope_t envelope = {0};
    plv_buf_t body = {0};
    plv_envelope_parse (entry_envelope (letter), &envelope, NULL);
    plv_id_format (&envelope.id, original);
    say_how (ask, original, how);
    if (ask->has_set)
        correct_body (&body, entry_body (letter), plv_buf_view (&ask->set), original);
    record_t record = {
        .type = ask->plan[0] || ask->to[0] || ask->has_set ? RECORD_RESEND : RECORD_REPLAY,
        .number = letter->number,
        .at_us = self->now.wall_us,
        .until_us = lanes_until_us (self, letter),
        .who = plv_view_str (ask->who),
        .why = plv_view_str (how),
        .name = plv_view_str (ask->to),
        .plan = plv_view_str (ask->plan),
        .body = plv_buf_view (&body),
        .extra = row,
    };
    if (ask->has_set)
        record.id = id_next (self);
    apply_new (self, &record);
    plv_buf_free (&body);
}

static void replay (core_t *self, ask_t *ask, const entry_t *letter, plv_view_t row)
{
    uint64_t number = letter->number;
    letter_taken (self, number);
    begin_session (self, letter);
    note_replay (self, ask, letter, row);
    entry_t *entry = entry_get (self, number);
    count (self, COUNTER_REPLAYS);
    effects_log (self->effects, LOG_EVENT_REPLAYED, F_INT ("entry", (int64_t) number),
                 F_VIEW ("session", entry->session->id), F_STR ("who", ask->who),
                 F_STR ("plan", ask->plan));
    if (entry->kind == ENTRY_EVENT)
        dispatch_session (self, entry->session);
    else
        outbox_send (self, entry->session);
}

void take_discard (core_t *self, ask_t *ask, const entry_t *letter, const dead_t *dead)
{
    plv_envelope_t envelope = {0};
    plv_envelope_parse (entry_envelope (letter), &envelope, NULL);
    record_t record = {
        .type = RECORD_DISCARD,
        .number = letter->number,
        .at_us = self->now.wall_us,
        .id = envelope.id, /* not in the journal: for the row that leads from it to the letter */
        .parsed = &envelope,
        .session = dead->session,
        .who = plv_view_str (ask->who),
        .why = plv_view_str (ask->reason),
    };
    letter_taken (self, letter->number);
    apply_new (self, &record);
    effects_log (self->effects, LOG_DEAD_DISCARDED, F_INT ("entry", (int64_t) letter->number),
                 F_VIEW ("session", dead->session), F_STR ("who", ask->who),
                 F_STR ("why", ask->reason));
    session_t *session = session_get (self, dead->session);
    if (session)
        dispatch_session (self, session);
}

static void take_up (core_t *self, ask_t *ask, entry_t *letter, plv_view_t row, const dead_t *dead)
{
    const char *why = NULL;
    if (letter_taken_since (self, ask, letter->number)) {
        ask->missing++;
        return;
    }
    if ((why = why_skipped (ask, letter, dead)) != NULL) {
        skip (ask, letter->number, why);
        return;
    }
    if (ask->shadow) {
        shadow_letter (self, ask, letter, dead);
        return;
    }
    if (is_busy (self, ask, letter)) {
        add_number (&ask->busy_numbers, letter->number);
        return;
    }
    ask->done++;
    add_number (&ask->done_numbers, letter->number);
    if (ask->command == COMMAND_DEAD_REPLAY) {
        replay (self, ask, letter, row);
        return;
    }
    take_discard (self, ask, letter, dead);
    count (self, COUNTER_DEAD_DISCARDED);
}

static void take_letter (core_t *self, ask_t *ask, const plv_row_t *row)
{
    entry_t *entry = NULL;
    dead_t dead;
    if (letter_read (row, &dead, &entry))
        take_up (self, ask, entry, row->value, &dead);
    else
        ask->missing++;
    entry_destroy (&entry);
}

static void put_numbers (plv_buf_t *body, const char *key, const plv_buf_t *numbers)
{
    uint64_t number;
    plv_mp_put_text (body, key);
    plv_mp_put_array (body, (uint32_t) (numbers->size / sizeof number));
    for (size_t at = 0; at < numbers->size; at += sizeof number) {
        memcpy (&number, numbers->data + at, sizeof number);
        plv_mp_put_u64 (body, number);
    }
}

static bool skips_unknown (const ask_t *ask)
{
    return ask->skips.size
           && memmem (ask->skips.data, ask->skips.size, "unknown", strlen ("unknown")) != NULL;
}

static const char *words_for (const ask_t *ask)
{
    if (skips_unknown (ask))
        return "what is skipped as unknown the person may have already; allow_duplicates sends it "
               "all the same";
    if (ask->skipped.size)
        return "what is skipped stays a dead letter";
    if (ask->busy_numbers.size)
        return "enough of what was sent again waits for agents: ask again for the busy ones";
    return ask->done ? NULL : "there are no dead letters of these numbers";
}

static void answer (core_t *self, peer_t *peer, const ask_t *ask)
{
    plv_buf_t body = {0};
    uint32_t skipped = (uint32_t) (ask->skipped.size / sizeof (uint64_t));
    bool any = ask->done || skipped, busy = ask->busy_numbers.size > 0;
    const char *text = words_for (ask);
    plv_mp_put_map (&body, text ? 10 : 9);
    if (text) {
        plv_mp_pair_text (&body, "text", text);
    }
    plv_mp_pair_u64 (&body, "done", ask->done);
    put_numbers (&body, "done_numbers", &ask->done_numbers);
    plv_mp_pair_u64 (&body, "missing", ask->missing);
    plv_mp_pair_u64 (&body, "skipped", skipped);
    put_numbers (&body, "skipped_numbers", &ask->skipped);
    plv_mp_put_text (&body, "skips");
    plv_mp_put_array (&body, skipped);
    plv_buf_add_view (&body, plv_buf_view (&ask->skips));
    plv_mp_pair_u64 (&body, "busy", ask->busy_numbers.size / sizeof (uint64_t));
    put_numbers (&body, "busy_numbers", &ask->busy_numbers);
    plv_mp_put_text (&body, "retry_after_ms");
    if (busy)
        plv_mp_put_u64 (&body, RETRY_AFTER_MS);
    else
        plv_mp_put_nil (&body);
    control_answer (self, peer, ask->request, any ? "ok" : busy ? "BUSY" : "NOENT", &body);
    plv_buf_free (&body);
}

static void take (core_t *self, ask_t *ask, const input_t *input)
{
    named_take (self, ask, input, take_letter);
}

static void settle (core_t *self, ask_t *ask)
{
    peer_t *peer =
        control_asker (self, ask, ask->done ? "; some letters were dealt with all the same" : "");
    if (peer && ask->shadow)
        shadow_finish (self, peer, ask);
    else if (peer)
        answer (self, peer, ask);
    control_finish (self, ask);
}

const ask_kind_t ask_dead_take = {.start = start, .take = take, .settle = settle};
