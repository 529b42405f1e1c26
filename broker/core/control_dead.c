#include "core/control.h"
#include "core/dead_filter.h"
#include "core/internal.h"
#include "core/text.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "wire/mp.h"

#include <stdlib.h>

/*  Dead letters live in the store alone: what a tool asks about them is answered when their rows come. A
    letter is found by its number, or by its id through the view DEAD_IDS. Rows come in pieces, each of which is
    a step of its own, so that no question keeps the broker from its work.  */

enum {
    LIST_LIMIT_DEFAULT = 100,
    LIST_LIMIT_MAX = 1000,
    LIST_BYTES_MAX = 3 * 512 * 1024,
    LIST_PIECE = 256,
    LIST_LOOKED_AT_MAX = 50000,
    ID_KEY_BYTES = PLV_ID_BYTES + 8
};

static void text_argument (plv_view_t arguments, const char *key, char into[NAME_BYTES_MAX + 1])
{
    plv_view_t text = text_cut (plv_mp_find_str (arguments, key), NAME_BYTES_MAX);
    if (text.size)
        memcpy (into, text.data, text.size);
    into[text.size] = '\0';
}

static void put_key (plv_buf_t *buf, uint64_t number)
{
    uint8_t key[8];
    plv_put_u64 (key, number);
    plv_buf_add (buf, key, sizeof key);
}

/*  A scan of the rows from `from` on; `limit` 1 is the row of this number alone.  */
static void scan (core_t *self, uint64_t token, ask_t *ask, uint64_t from, uint32_t limit)
{
    effects_scan_t *row = effects_scan (self->effects, token, VIEW_DEAD, limit);
    put_key (&row->from, from);
    if (limit == 1)
        put_key (&row->to, from + 1);
    ask->waiting++;
}

static void scan_id (core_t *self, uint64_t token, ask_t *ask, const plv_id_t *id)
{
    effects_scan_t *row = effects_scan (self->effects, token, VIEW_DEAD_IDS, LIST_PIECE);
    plv_buf_add (&row->from, id->bytes, PLV_ID_BYTES);
    plv_buf_add (&row->to, id->bytes, PLV_ID_BYTES);
    put_key (&row->to, UINT64_MAX);
    ask->waiting++;
}

void control_ask_free (ask_t **ask_p)
{
    plv_buf_free (&(*ask_p)->items);
    plv_buf_free (&(*ask_p)->numbers);
    plv_buf_free (&(*ask_p)->arguments);
    plv_buf_free (&(*ask_p)->skipped);
    free (*ask_p);
    *ask_p = NULL;
}

static void finish (core_t *self, uint64_t token, ask_t *ask)
{
    plv_map_u64_remove (&self->asks, token);
    control_ask_free (&ask);
}

static int by_number (const void *a, const void *b)
{
    uint64_t one, other;
    memcpy (&one, a, sizeof one);
    memcpy (&other, b, sizeof other);
    return (one > other) - (one < other);
}

/*  Each once, in the order of acceptance, whatever the order they were named in.  */
static void scan_numbers (core_t *self, uint64_t token, ask_t *ask)
{
    size_t count = ask->numbers.size / sizeof (uint64_t);
    uint64_t number, last = 0;
    plv_buf_check (&ask->numbers);
    if (count)
        qsort (ask->numbers.data, count, sizeof number, by_number);
    for (size_t i = 0; i < count; i++, last = number) {
        memcpy (&number, ask->numbers.data + i * sizeof number, sizeof number);
        if (i == 0 || number != last)
            scan (self, token, ask, number, 1);
    }
    plv_buf_clear (&ask->numbers);
}

/*  What a map names under `key`: one, or an array of them. False when there are too many, or others.  */
static bool read_named (plv_view_t arguments, const char *key, uint32_t *ret_count,
                        plv_mp_t *ret_value)
{
    *ret_count = 0;
    if (!plv_mp_find (arguments, key, ret_value))
        return true;
    if (plv_mp_peek (ret_value) == MP_ARRAY)
        return plv_mp_array (ret_value, ret_count) && *ret_count <= LIST_LIMIT_MAX;
    *ret_count = 1;
    return true;
}

static bool read_id (plv_mp_t *value, plv_id_t *ret_id)
{
    char text[PLV_ID_TEXT_BYTES] = "";
    plv_view_t bytes;
    if (plv_mp_bin (value, &bytes) && bytes.size == PLV_ID_BYTES) {
        memcpy (ret_id->bytes, bytes.data, PLV_ID_BYTES);
        return true;
    }
    if (!plv_mp_str (value, &bytes) || bytes.size >= sizeof text)
        return false;
    memcpy (text, bytes.data, bytes.size);
    return plv_id_parse (text, ret_id);
}

/*  False when the arguments name no letters.  */
static bool start_named (core_t *self, uint64_t token, ask_t *ask, plv_view_t arguments)
{
    bool show = ask->command == COMMAND_DEAD_SHOW;
    plv_mp_t numbers, ids;
    uint32_t number_count, id_count;
    uint64_t number;
    plv_id_t id;
    if (!read_named (arguments, show ? "number" : "numbers", &number_count, &numbers)
        || !read_named (arguments, show ? "id" : "ids", &id_count, &ids)
        || number_count + id_count == 0 || number_count + id_count > LIST_LIMIT_MAX)
        return false;
    while (number_count-- && plv_mp_u64 (&numbers, &number))
        plv_buf_add (&ask->numbers, &number, sizeof number);
    for (; id_count; id_count--) {
        if (!read_id (&ids, &id))
            return false;
        scan_id (self, token, ask, &id);
    }
    if (ask->waiting == 0)
        scan_numbers (self, token, ask);
    return ask->waiting > 0;
}

static void start_list (core_t *self, uint64_t token, ask_t *ask, plv_view_t arguments)
{
    ask->limit = control_number (arguments, "limit", LIST_LIMIT_DEFAULT);
    if (ask->limit == 0 || ask->limit > LIST_LIMIT_MAX)
        ask->limit = LIST_LIMIT_MAX;
    plv_buf_add_view (&ask->arguments, arguments);
    plv_buf_check (&ask->arguments);
    ask->at = control_number (arguments, "after", 0);
    if (ask->at < UINT64_MAX)
        scan (self, token, ask, ask->at + 1, LIST_PIECE);
}

/*  What was taken up counts as long as a row may be on its way that was read before.  */
static void forget_taken (core_t *self)
{
    if (self->asks.count == 0 && self->taken_seq <= self->stored)
        plv_map_u64_free (&self->taken);
}

/*  Two operators at once: the second one's row was read before the first one took the letter up.  */
static bool taken_since (core_t *self, const ask_t *ask, uint64_t number)
{
    return entry_get (self, number)
           || (uintptr_t) plv_map_u64_get (&self->taken, number) > ask->stored;
}

void control_start_dead (core_t *self, peer_t *peer, uint64_t request, int command,
                         plv_view_t arguments)
{
    forget_taken (self);
    uint64_t token = self->next_token++;
    ask_t *ask = plv_alloc_zero (1, sizeof *ask);
    ask->peer = peer->number;
    ask->request = request;
    ask->command = command;
    ask->stored = self->stored;
    ask->limit = LIST_LIMIT_MAX;
    ask->allow_duplicates = control_flag (arguments, "allow_duplicates");
    text_argument (arguments, "who", ask->who);
    text_argument (arguments, "reason", ask->reason);
    plv_map_u64_put (&self->asks, token, ask);
    bool good = true;
    if (command == COMMAND_DEAD_LIST)
        start_list (self, token, ask, arguments);
    else
        good = start_named (self, token, ask, arguments);
    if (good && ask->waiting > 0)
        return;
    control_fail (self, peer, request, ERR_ARG,
                  "name 1 to %d dead letters: \"number\" or \"id\" for dead.show, \"numbers\" or "
                  "\"ids\" for the others",
                  LIST_LIMIT_MAX);
    finish (self, token, ask);
}

/*  A letter of a session that has ended begins it anew.  */
static void begin_session (core_t *self, const entry_t *letter)
{
    plv_envelope_t envelope;
    if (letter->kind == ENTRY_EVENT && !(letter->flags & ENTRY_OWN)
        && !plv_envelope_parse (entry_envelope (letter), &envelope, NULL))
        life_begin (self, &envelope);
}

static void replay (core_t *self, ask_t *ask, const entry_t *letter, plv_view_t row)
{
    uint64_t number = letter->number;
    begin_session (self, letter);
    record_t record = {
        .type = RECORD_REPLAY,
        .number = number,
        .at_us = self->now.wall_us,
        .until_us = self->now.wall_us + self->policy->conf->delivery_not_after_s * 1000000,
        .who = plv_view_str (ask->who),
        .extra = row,
    };
    apply_new (self, &record);
    entry_t *entry = entry_get (self, number);
    count (self, COUNTER_REPLAYS);
    effects_log (self->effects, LOG_EVENT_REPLAYED, F_INT ("entry", (int64_t) number),
                 F_VIEW ("session", entry->session->id), F_STR ("who", ask->who));
    if (entry->kind == ENTRY_EVENT)
        dispatch_session (self, entry->session);
    else
        outbox_send (self, entry->session);
}

static void discard (core_t *self, ask_t *ask, const entry_t *letter, const dead_t *dead)
{
    plv_envelope_t envelope = {0};
    plv_envelope_parse (entry_envelope (letter), &envelope, NULL);
    record_t record = {
        .type = RECORD_DISCARD,
        .number = letter->number,
        .at_us = self->now.wall_us,
        .id = envelope.id, /* not in the journal: for the row that leads from it to the letter */
        .session = dead->session,
        .who = plv_view_str (ask->who),
        .why = plv_view_str (ask->reason),
    };
    apply_new (self, &record);
    session_t *session = session_get (self, dead->session);
    if (session)
        dispatch_session (self, session);
}

/*  Whether the platform took it is not known: sent again, the person might see it twice.  */
static bool skips (ask_t *ask, const dead_t *dead, uint64_t number)
{
    if (ask->command != COMMAND_DEAD_REPLAY || ask->allow_duplicates || dead->why != DEAD_UNKNOWN)
        return false;
    plv_buf_add (&ask->skipped, &number, sizeof number);
    plv_buf_check (&ask->skipped);
    return true;
}

static void take_up (core_t *self, ask_t *ask, const entry_t *letter, plv_view_t row,
                     const dead_t *dead)
{
    if (taken_since (self, ask, letter->number)) {
        ask->missing++;
        return;
    }
    if (skips (ask, dead, letter->number))
        return;
    plv_map_u64_put (&self->taken, letter->number, (void *) (uintptr_t) self->seq);
    self->taken_seq = self->seq;
    ask->done++;
    if (ask->command == COMMAND_DEAD_REPLAY)
        replay (self, ask, letter, row);
    else
        discard (self, ask, letter, dead);
}

/*  False for a row that is damaged: it cannot be sent again.  */
static bool read_dead (uint64_t number, plv_view_t row, dead_t *ret_dead, entry_t **ret_entry)
{
    plv_envelope_t envelope;
    if (dead_read (number, row, ret_dead, ret_entry, NULL))
        return false;
    if (!plv_envelope_parse (entry_envelope (*ret_entry), &envelope, NULL)
        && plv_view_equal (envelope.session_id, ret_dead->session))
        return true;
    entry_destroy (ret_entry);
    return false;
}

static bool page_is_full (const ask_t *ask)
{
    return ask->item_count == ask->limit || ask->items.size > LIST_BYTES_MAX;
}

static void take_row (core_t *self, ask_t *ask, const plv_row_t *row, const dead_filter_t *filter)
{
    uint64_t number = plv_get_u64 (row->key.data);
    bool acts = ask->command == COMMAND_DEAD_REPLAY || ask->command == COMMAND_DEAD_DISCARD;
    entry_t *entry = NULL;
    dead_t dead;
    if (!read_dead (number, row->value, &dead, &entry)) {
        ask->missing++;
    } else if (acts) {
        take_up (self, ask, entry, row->value, &dead);
    } else if (dead_filter_takes (filter, &dead, entry) && !page_is_full (ask)) {
        control_dead_item (&dead, entry, ask->command == COMMAND_DEAD_SHOW, &ask->items);
        ask->item_count++;
    }
    entry_destroy (&entry);
}

static void put_skipped (plv_buf_t *body, const plv_buf_t *skipped)
{
    uint64_t number;
    plv_mp_put_text (body, "skipped");
    plv_mp_put_u64 (body, skipped->size / sizeof number);
    plv_mp_put_text (body, "skipped_numbers");
    plv_mp_put_array (body, (uint32_t) (skipped->size / sizeof number));
    for (size_t at = 0; at < skipped->size; at += sizeof number) {
        memcpy (&number, skipped->data + at, sizeof number);
        plv_mp_put_u64 (body, number);
    }
}

static void answer_counts (core_t *self, peer_t *peer, const ask_t *ask)
{
    plv_buf_t body = {0};
    bool any = ask->done || ask->skipped.size;
    plv_mp_put_map (&body, ask->skipped.size || !any ? 5 : 4);
    if (!any) {
        plv_mp_put_text (&body, "text");
        plv_mp_put_text (&body, "there are no dead letters of these numbers");
    } else if (ask->skipped.size) {
        plv_mp_put_text (&body, "text");
        plv_mp_put_text (&body, "what is skipped has an unknown outcome: the person may have it "
                                "already; allow_duplicates sends it all the same");
    }
    plv_mp_put_text (&body, "done");
    plv_mp_put_u64 (&body, ask->done);
    plv_mp_put_text (&body, "missing");
    plv_mp_put_u64 (&body, ask->missing);
    put_skipped (&body, &ask->skipped);
    control_answer (self, peer, ask->request, any ? "ok" : "NOENT", &body);
    plv_buf_free (&body);
}

static void answer_items (core_t *self, peer_t *peer, const ask_t *ask)
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

static void answer (core_t *self, const ask_t *ask)
{
    static const plv_buf_t empty_map = {.data = (uint8_t *) "\x80", .size = 1};
    peer_t *peer = plv_map_u64_get (&self->peers, ask->peer);
    bool acts = ask->command == COMMAND_DEAD_REPLAY || ask->command == COMMAND_DEAD_DISCARD;
    if (!peer)
        return;
    if (ask->failed[0])
        control_fail (self, peer, ask->request, ERR_IO, "%s%s", ask->failed,
                      acts && ask->done ? "; some letters were dealt with all the same" : "");
    else if (ask->command == COMMAND_BACKUP)
        control_answer (self, peer, ask->request, "ok", &empty_map);
    else if (acts)
        answer_counts (self, peer, ask);
    else if (ask->command == COMMAND_DEAD_SHOW && ask->item_count == 0)
        control_fail (self, peer, ask->request, ERR_NOENT,
                      "there is no dead letter of this number or id");
    else
        answer_items (self, peer, ask);
}

/*  A list goes on with the next piece until its page is full, or it has looked at enough for one question.  */
static void take_piece (core_t *self, uint64_t token, ask_t *ask, const input_t *input)
{
    plv_row_t row;
    dead_filter_t filter;
    uint32_t rows = 0;
    dead_filter_read (plv_buf_view (&ask->arguments), &filter);
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row); rows++) {
        if (row.key.size != 8)
            continue;
        if (page_is_full (ask)) {
            ask->next = ask->at;
            return;
        }
        take_row (self, ask, &row, &filter);
        ask->at = plv_get_u64 (row.key.data);
    }
    ask->looked_at += rows;
    if (rows == 0 || (rows < LIST_PIECE && !input->more))
        return;
    if (ask->looked_at >= LIST_LOOKED_AT_MAX)
        ask->next = ask->at;
    else
        scan (self, token, ask, ask->at + 1, LIST_PIECE);
}

static void take_named (core_t *self, uint64_t token, ask_t *ask, const input_t *input)
{
    static const dead_filter_t all = {0};
    plv_row_t row;
    bool any = false;
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row); any = true) {
        if (row.view == VIEW_DEAD && row.key.size == 8) {
            take_row (self, ask, &row, &all);
        } else if (row.view == VIEW_DEAD_IDS && row.key.size == ID_KEY_BYTES) {
            uint64_t number = plv_get_u64 (row.key.data + PLV_ID_BYTES);
            plv_buf_add (&ask->numbers, &number, sizeof number);
        }
    }
    ask->missing += !any;
    if (ask->waiting == 0 && ask->numbers.size)
        scan_numbers (self, token, ask);
}

void control_rows (core_t *self, const input_t *input)
{
    ask_t *ask = plv_map_u64_get (&self->asks, input->token);
    plv_view_t words = input->type == INPUT_CHECKPOINT ? input->bytes : input->fail;
    if (!ask)
        return;
    ask->waiting--;
    if (words.size) {
        words = text_cut (words, sizeof ask->failed - 1);
        memcpy (ask->failed, words.data, words.size);
        ask->failed[words.size] = '\0';
    } else if (input->type == INPUT_ROWS && ask->command == COMMAND_DEAD_LIST) {
        take_piece (self, input->token, ask, input);
    } else if (input->type == INPUT_ROWS) {
        take_named (self, input->token, ask, input);
    }
    if (ask->waiting > 0)
        return;
    answer (self, ask);
    finish (self, input->token, ask);
}
