#include "core/control.h"
#include "core/internal.h"
#include "core/text.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "wire/mp.h"

#include <stdlib.h>

/*  Dead letters live in the store alone: what a tool asks about them is answered when their rows come.  */

enum { LIST_LIMIT_DEFAULT = 100, LIST_LIMIT_MAX = 1000, LIST_BYTES_MAX = 2 * 1024 * 1024 };

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

static void finish (core_t *self, uint64_t token, ask_t *ask)
{
    plv_map_u64_remove (&self->asks, token);
    plv_buf_free (&ask->items);
    free (ask);
}

static int by_number (const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *) a, other = *(const uint64_t *) b;
    return (one > other) - (one < other);
}

/*  Each once, in the order of acceptance, whatever the order they were named in.  */
static uint32_t scan_numbers (core_t *self, uint64_t token, ask_t *ask, plv_view_t arguments)
{
    uint64_t numbers[LIST_LIMIT_MAX];
    plv_mp_t value;
    uint32_t named = 0, count = 0;
    if (!plv_mp_find (arguments, "numbers", &value) || !plv_mp_array (&value, &named)
        || named > LIST_LIMIT_MAX)
        return 0;
    while (count < named && plv_mp_u64 (&value, &numbers[count]))
        count++;
    qsort (numbers, count, sizeof *numbers, by_number);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || numbers[i] != numbers[i - 1])
            scan (self, token, ask, numbers[i], 1);
    return count;
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
    text_argument (arguments, "who", ask->who);
    text_argument (arguments, "reason", ask->reason);
    plv_map_u64_put (&self->asks, token, ask);
    if (command == COMMAND_DEAD_LIST) {
        ask->limit = control_number (arguments, "limit", LIST_LIMIT_DEFAULT);
        if (ask->limit == 0 || ask->limit > LIST_LIMIT_MAX)
            ask->limit = LIST_LIMIT_MAX;
        scan (self, token, ask, control_number (arguments, "after", 0) + 1,
              (uint32_t) ask->limit + 1);
    } else if (command == COMMAND_DEAD_SHOW) {
        ask->limit = 1;
        scan (self, token, ask, control_number (arguments, "number", 0), 1);
    } else if (scan_numbers (self, token, ask, arguments) == 0) {
        control_fail (self, peer, request, ERR_ARG, "\"numbers\" is a list of 1 to %d dead letters",
                      LIST_LIMIT_MAX);
        finish (self, token, ask);
    }
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
    ask->done++;
    if (entry->kind == ENTRY_EVENT)
        dispatch_session (self, entry->session);
    else
        outbox_send (self, entry->session);
}

static void discard (core_t *self, ask_t *ask, uint64_t number, const dead_t *dead)
{
    record_t record = {
        .type = RECORD_DISCARD,
        .number = number,
        .at_us = self->now.wall_us,
        .session = dead->session,
        .who = plv_view_str (ask->who),
        .why = plv_view_str (ask->reason),
    };
    apply_new (self, &record);
    ask->done++;
    session_t *session = session_get (self, dead->session);
    if (session)
        dispatch_session (self, session);
}

static void take_up (core_t *self, ask_t *ask, const entry_t *letter, plv_view_t row,
                     const dead_t *dead)
{
    uint64_t number = letter->number;
    plv_map_u64_put (&self->taken, number, (void *) (uintptr_t) self->seq);
    self->taken_seq = self->seq;
    if (ask->command == COMMAND_DEAD_REPLAY)
        replay (self, ask, letter, row);
    else
        discard (self, ask, number, dead);
}

static void list_item (ask_t *ask, const dead_t *dead, const entry_t *entry)
{
    if (ask->item_count == ask->limit || ask->items.size > LIST_BYTES_MAX) {
        if (!ask->next)
            ask->next = entry->number - 1;
        return;
    }
    control_dead_item (dead, entry, ask->command == COMMAND_DEAD_SHOW, &ask->items);
    ask->item_count++;
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

static void take_row (core_t *self, ask_t *ask, const plv_row_t *row)
{
    uint64_t number = plv_get_u64 (row->key.data);
    entry_t *entry = NULL;
    dead_t dead;
    if (!read_dead (number, row->value, &dead, &entry)) {
        ask->missing++;
        return;
    }
    bool acts = ask->command == COMMAND_DEAD_REPLAY || ask->command == COMMAND_DEAD_DISCARD;
    if (!acts)
        list_item (ask, &dead, entry);
    else if (taken_since (self, ask, number))
        ask->missing++;
    else
        take_up (self, ask, entry, row->value, &dead);
    entry_destroy (&entry);
}

static void answer_counts (core_t *self, peer_t *peer, const ask_t *ask)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, ask->done ? 2 : 3);
    if (!ask->done) {
        plv_mp_put_text (&body, "text");
        plv_mp_put_text (&body, "there are no dead letters of these numbers");
    }
    plv_mp_put_text (&body, "done");
    plv_mp_put_u64 (&body, ask->done);
    plv_mp_put_text (&body, "missing");
    plv_mp_put_u64 (&body, ask->missing);
    control_answer (self, peer, ask->request, ask->done ? "ok" : "NOENT", &body);
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

static void answer (core_t *self, const ask_t *ask, plv_view_t words)
{
    static const plv_buf_t empty_map = {.data = (uint8_t *) "\x80", .size = 1};
    peer_t *peer = plv_map_u64_get (&self->peers, ask->peer);
    if (!peer)
        return;
    if (ask->command == COMMAND_BACKUP && words.size)
        control_fail (self, peer, ask->request, ERR_IO, PLV_VIEW_FMT, PLV_VIEW_ARG (words));
    else if (ask->command == COMMAND_BACKUP)
        control_answer (self, peer, ask->request, "ok", &empty_map);
    else if (ask->command == COMMAND_DEAD_REPLAY || ask->command == COMMAND_DEAD_DISCARD)
        answer_counts (self, peer, ask);
    else if (ask->command == COMMAND_DEAD_SHOW && ask->item_count == 0)
        control_fail (self, peer, ask->request, ERR_NOENT,
                      "there is no dead letter of this number");
    else
        answer_items (self, peer, ask);
}

void control_rows (core_t *self, const input_t *input)
{
    ask_t *ask = plv_map_u64_get (&self->asks, input->token);
    plv_row_t row;
    uint64_t last = 0;
    if (!ask)
        return;
    if (input->type == INPUT_ROWS)
        for (size_t at = 0; plv_row_next (input->bytes, &at, &row);)
            if (row.key.size == 8) {
                take_row (self, ask, &row);
                last = plv_get_u64 (row.key.data);
            }
    if (input->type == INPUT_ROWS && last == 0)
        ask->missing++;
    if (input->more && !ask->next)
        ask->next = last; /* large letters: the store gives only so many bytes at a time */
    if (--ask->waiting > 0)
        return;
    answer (self, ask, input->type == INPUT_CHECKPOINT ? input->bytes : plv_view (NULL, 0));
    finish (self, input->token, ask);
}
