#include "core/dead/dead_import.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/internal.h"
#include "core/state/apply.h"
#include "core/state/live.h"

#include "wire/mp.h"

/*  Letters that were exported are put back, as rows: whole, with their ids and their ledger. One that is there, dead
    or alive, is left as it is, so a file may be put back any number of times.  */

enum { ROWS_MAX = 256, RETRY_AFTER_MS = 50 };

typedef struct {
    entry_t *entry;
    dead_t dead;
    plv_envelope_t envelope;
} letter_t;

static bool read_letter (uint64_t number, plv_view_t row, letter_t *ret_letter)
{
    letter_t letter = {0};
    if (dead_read (number, row, &letter.dead, &letter.entry, NULL))
        return false;
    if (!plv_envelope_parse (entry_envelope (letter.entry), &letter.envelope, NULL)
        && plv_view_equal (letter.envelope.session_id, letter.dead.session)
        && plv_mp_valid (entry_body (letter.entry), MP_MAP)
        && letter.entry->body_size <= BODY_BYTES_MAX) {
        *ret_letter = letter;
        return true;
    }
    entry_destroy (&letter.entry);
    return false;
}

/*  The arrays `numbers` and `rows`, side by side.  */
typedef struct {
    plv_mp_t numbers, rows;
    uint32_t count;
} given_t;

static bool read_given (plv_view_t arguments, given_t *given)
{
    uint32_t numbers;
    return plv_mp_find (arguments, "numbers", &given->numbers)
           && plv_mp_array (&given->numbers, &numbers)
           && plv_mp_find (arguments, "rows", &given->rows)
           && plv_mp_array (&given->rows, &given->count) && numbers == given->count
           && given->count <= ROWS_MAX;
}

static bool next_given (given_t *given, uint64_t *ret_number, plv_view_t *ret_row)
{
    if (given->count == 0)
        return false;
    given->count--;
    return plv_mp_u64 (&given->numbers, ret_number) && plv_mp_bin (&given->rows, ret_row);
}

static const char *start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    static const char how[] = "\"numbers\" and \"rows\" are arrays of the same length, at most 256";
    given_t given;
    letter_t letter;
    uint64_t number;
    plv_view_t row;
    if (!read_given (arguments, &given))
        return how;
    plv_buf_add_view (&ask->arguments, arguments);
    plv_buf_check (&ask->arguments);
    while (next_given (&given, &number, &row)) {
        if (!read_letter (number, row, &letter))
            continue; /* what is wrong with it is said in the end */
        control_scan_id (self, ask, &letter.envelope.id);
        entry_destroy (&letter.entry);
    }
    if (given.count)
        return how;
    control_settle (self, ask); /* none of the rows may be one */
    return NULL;
}

static void take (core_t *self, ask_t *ask, const input_t *input)
{
    plv_row_t row;
    (void) self;
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row);)
        if (row.view == VIEW_DEAD_IDS && row.key.size == PLV_ID_BYTES + 8)
            plv_buf_add (&ask->items, row.key.data, PLV_ID_BYTES);
    plv_buf_check (&ask->items);
}

static bool found (const ask_t *ask, const plv_id_t *id)
{
    for (size_t at = 0; at < ask->items.size; at += PLV_ID_BYTES)
        if (memcmp (ask->items.data + at, id->bytes, PLV_ID_BYTES) == 0)
            return true;
    return false;
}

static bool in_list (const plv_node_t *head, const plv_id_t *id)
{
    plv_envelope_t envelope;
    for (const plv_node_t *node = head->next; node != head; node = node->next) {
        const entry_t *entry = PLV_OF (node, entry_t, in_session);
        if (!plv_envelope_parse (entry_envelope (entry), &envelope, NULL)
            && memcmp (envelope.id.bytes, id->bytes, PLV_ID_BYTES) == 0)
            return true;
    }
    return false;
}

/*  It was found among the dead, was put back a moment ago, or is under way again.  */
static bool is_there (core_t *self, const ask_t *ask, const letter_t *letter)
{
    const session_t *session = session_get (self, letter->dead.session);
    const plv_id_t *id = &letter->envelope.id;
    return found (ask, id)
           || (session && (in_list (&session->events, id) || in_list (&session->replies, id)));
}

/*  Its old number while nobody else has that: it is its place among the others of its session.  */
static uint64_t number_for (core_t *self, uint64_t number)
{
    bool is_free = number > 0 && number < self->next_number && !entry_get (self, number)
                   && !dead_index_get (&self->letters, number);
    return is_free ? number : number_next (self);
}

/*  Who put it back, when and out of which file, is on its ledger from now on.  */
static void put_ledger (core_t *self, const ask_t *ask, entry_t *entry)
{
    int64_t at_us = self->now.wall_us;
    ledger_open (&entry->ledger, entry->attempts, at_us, label_new (plv_view_str (ask->who)));
    ledger_end (&entry->ledger, HOW_IMPORTED, at_us, plv_view (NULL, 0), plv_view_str (ask->file));
}

static void put_back (core_t *self, ask_t *ask, const letter_t *letter)
{
    plv_buf_t row = {0};
    put_ledger (self, ask, letter->entry);
    dead_write (&letter->dead, letter->entry, &row);
    plv_buf_check (&row);
    record_t record = {
        .type = RECORD_IMPORT,
        .number = number_for (self, letter->entry->number),
        .at_us = self->now.wall_us,
        .who = plv_view_str (ask->who),
        .why = plv_view_str (ask->file),
        .extra = plv_buf_view (&row),
        .parsed = &letter->envelope,
    };
    apply_new (self, &record);
    plv_buf_free (&row);
    count (self, COUNTER_DEAD_IMPORTED);
    self->imported_seq = self->seq;
}

static void put_broken (ask_t *ask, uint32_t index)
{
    plv_mp_put_u64 (&ask->skips, index);
    ask->missing++;
}

static void import_all (core_t *self, ask_t *ask)
{
    plv_view_t arguments = plv_buf_view (&ask->arguments), row;
    bool dry = control_flag (arguments, "dry_run");
    given_t given;
    letter_t letter;
    uint64_t number;
    if (!read_given (arguments, &given))
        return;
    for (uint32_t index = 0; next_given (&given, &number, &row); index++) {
        if (!read_letter (number, row, &letter)) {
            put_broken (ask, index);
            continue;
        }
        if (is_there (self, ask, &letter)) {
            ask->item_count++;
        } else {
            ask->done++;
            plv_buf_add (&ask->items, letter.envelope.id.bytes, PLV_ID_BYTES);
            plv_buf_check (&ask->items);
            if (!dry)
                put_back (self, ask, &letter);
        }
        entry_destroy (&letter.entry);
    }
    if (ask->done && !dry)
        effects_log (self->effects, LOG_DEAD_IMPORTED, F_INT ("count", ask->done),
                     F_STR ("who", ask->who));
}

static void answer (core_t *self, peer_t *peer, ask_t *ask)
{
    plv_buf_t body = {0};
    /* what another import has put back since is not among what was found */
    bool busy = self->imported_seq > ask->stored;
    if (!busy)
        import_all (self, ask);
    plv_mp_put_map (&body, busy ? 4 : 3);
    plv_mp_pair_u64 (&body, "done", ask->done);
    plv_mp_pair_u64 (&body, "there", ask->item_count);
    if (busy)
        plv_mp_pair_u64 (&body, "retry_after_ms", RETRY_AFTER_MS);
    plv_mp_put_text (&body, "broken");
    plv_mp_put_array (&body, ask->missing);
    plv_buf_add_view (&body, plv_buf_view (&ask->skips));
    control_answer (self, peer, ask->request, busy ? "BUSY" : "ok", &body);
    plv_buf_free (&body);
}

static void settle (core_t *self, ask_t *ask)
{
    peer_t *peer = control_asker (self, ask, "");
    if (peer)
        answer (self, peer, ask);
    control_finish (self, ask);
}

const ask_kind_t ask_dead_import = {.start = start, .take = take, .settle = settle};
