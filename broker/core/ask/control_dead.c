#include "core/ask/control_dead.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_show.h"
#include "core/ask/events.h"
#include "core/call/shadow.h"
#include "core/dead/dead_import.h"
#include "core/dead/dead_list.h"
#include "core/dead/dead_retain.h"
#include "core/dead/dead_stats.h"
#include "core/dead/dead_take.h"
#include "core/dead/fingerprint.h"
#include "core/internal.h"
#include "core/state/apply_dead.h"
#include "core/state/live.h"
#include "core/text.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "wire/mask.h"
#include "wire/mp.h"

#include <stdlib.h>

/*  Dead letters live in the store; in memory there is of each what questions are about (dead_index.h). What a tool
    asks is answered when the rows have come that it is about. A letter is found by its number, or by its id
    through the view DEAD_IDS. Rows come in pieces, each of which is a step of its own, so that no question keeps
    the broker from its work.  */

enum { NAMED_MAX = 1000, IDS_PIECE = 256, CATCH_UP_PIECE = 256, ID_KEY_BYTES = PLV_ID_BYTES + 8 };

static void put_key (plv_buf_t *buf, uint64_t number)
{
    uint8_t key[8];
    plv_put_u64 (key, number);
    plv_buf_add (buf, key, sizeof key);
}

void control_scan (core_t *self, ask_t *ask, uint64_t from, uint64_t to, uint32_t limit)
{
    effects_scan_t *row = effects_scan (self->effects, ask->token, VIEW_DEAD, limit);
    put_key (&row->from, from);
    if (to < UINT64_MAX)
        put_key (&row->to, to + 1);
    ask->waiting++;
}

void control_scan_id (core_t *self, ask_t *ask, const plv_id_t *id)
{
    effects_scan_t *row = effects_scan (self->effects, ask->token, VIEW_DEAD_IDS, IDS_PIECE);
    plv_buf_add (&row->from, id->bytes, PLV_ID_BYTES);
    plv_buf_add (&row->to, id->bytes, PLV_ID_BYTES);
    put_key (&row->to, UINT64_MAX);
    ask->waiting++;
}

void control_ask_free (ask_t **ask_p)
{
    ask_t *self = *ask_p;
    plv_buf_free (&self->items);
    plv_buf_free (&self->numbers);
    plv_buf_free (&self->arguments);
    plv_buf_free (&self->done_numbers);
    plv_buf_free (&self->busy_numbers);
    plv_buf_free (&self->skipped);
    plv_buf_free (&self->skips);
    plv_buf_free (&self->expect);
    plv_buf_free (&self->set);
    events_show_free (&self->show);
    events_list_free (&self->list);
    stats_free (self);
    free (self);
    *ask_p = NULL;
}

void control_finish (core_t *self, ask_t *ask)
{
    timers_cancel (&self->timers, &ask->timer);
    plv_map_u64_remove (&self->asks, ask->token);
    control_ask_free (&ask);
}

static int by_number (const void *a, const void *b)
{
    uint64_t one, other;
    memcpy (&one, a, sizeof one);
    memcpy (&other, b, sizeof other);
    return (one > other) - (one < other);
}

/*  In the order of acceptance, whatever the order they were named in.  */
void control_scan_numbers (core_t *self, ask_t *ask)
{
    size_t count = ask->numbers.size / sizeof (uint64_t);
    uint64_t number, last = 0;
    plv_buf_check (&ask->numbers);
    if (count)
        qsort (ask->numbers.data, count, sizeof number, by_number);
    for (size_t i = 0; i < count; i++, last = number) {
        memcpy (&number, ask->numbers.data + i * sizeof number, sizeof number);
        if (i == 0 || number != last)
            control_scan (self, ask, number, number, 1);
    }
    plv_buf_clear (&ask->numbers);
}

/*  What a map names under `key`: one, or an array of them. False when there are too many, or others.  */
static bool read_named (plv_view_t arguments, const char *key, uint32_t most, uint32_t *ret_count,
                        plv_mp_t *ret_value)
{
    *ret_count = 0;
    if (!plv_mp_find (arguments, key, ret_value))
        return true;
    if (plv_mp_peek (ret_value) == MP_ARRAY)
        return plv_mp_array (ret_value, ret_count) && *ret_count <= most;
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
static bool start_named (core_t *self, ask_t *ask, plv_view_t arguments)
{
    bool show = ask->command == COMMAND_DEAD_SHOW;
    uint32_t most = show ? 1 : NAMED_MAX; /* a letter that is shown whole may fill an answer */
    plv_mp_t numbers, ids;
    uint32_t number_count, id_count;
    uint64_t number;
    plv_id_t id;
    if (!read_named (arguments, show ? "number" : "numbers", most, &number_count, &numbers)
        || !read_named (arguments, show ? "id" : "ids", most, &id_count, &ids)
        || number_count + id_count == 0 || number_count + id_count > most)
        return false;
    for (; number_count; number_count--) {
        if (!plv_mp_u64 (&numbers, &number))
            return false;
        plv_buf_add (&ask->numbers, &number, sizeof number);
    }
    for (; id_count; id_count--) {
        if (!read_id (&ids, &id))
            return false;
        control_scan_id (self, ask, &id);
    }
    if (ask->waiting == 0)
        control_scan_numbers (self, ask);
    return ask->waiting > 0;
}

/*  What was taken up counts as long as a row may be on its way that was read before.  */
static void forget_taken (core_t *self)
{
    if (self->asks.count == 0 && self->taken_seq <= self->stored)
        plv_map_u64_free (&self->taken);
}

ask_t *control_ask_new (core_t *self, int command)
{
    forget_taken (self);
    ask_t *ask = plv_alloc_zero (1, sizeof *ask);
    ask->token = self->next_token++;
    ask->command = command;
    ask->timer.kind = TIMER_ASK;
    ask->stored = self->stored;
    ask->begun_us = self->now.mono_us;
    plv_map_u64_put (&self->asks, ask->token, ask);
    return ask;
}

static const char NAME_SOME[] =
    "name one dead letter, by \"number\" or \"id\", for dead.show; 1 to 1000, by \"numbers\" or \"ids\", for the "
    "others";

/*  NULL, or why it cannot be done.  */
static const char *start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    dead_filter_t filter;
    const char *why = NULL;
    switch (ask->command) {
    case COMMAND_DEAD_LIST:
    case COMMAND_DEAD_STATS:
        if (!dead_filter_read (arguments, &filter))
            return "\"fingerprint\" is 16 hexadecimal digits";
        if (ask->command == COMMAND_DEAD_STATS && filter.text.size)
            return "dead.stats does not look into messages: leave \"text\" out";
        plv_buf_add_view (&ask->arguments, arguments);
        plv_buf_check (&ask->arguments);
        return NULL;
    case COMMAND_DEAD_REPLAY:
    case COMMAND_DEAD_DISCARD:
        if (plv_mp_find_str (arguments, "reason").size > NAME_BYTES_MAX)
            return "\"reason\" has at most 64 bytes";
        if (!take_start (self, ask, arguments, &why))
            return why;
        return start_named (self, ask, arguments) ? NULL : NAME_SOME;
    case COMMAND_DEAD_IMPORT:
        return import_start (self, ask, arguments)
                   ? NULL
                   : "\"numbers\" and \"rows\" are arrays of the same length, at most 256";
    default:
        ask->limit = NAMED_MAX;
        return start_named (self, ask, arguments) ? NULL : NAME_SOME;
    }
}

void control_start_dead (core_t *self, peer_t *peer, uint64_t request, int command,
                         plv_view_t arguments)
{
    ask_t *ask = control_ask_new (self, command);
    ask->peer = peer->number;
    ask->request = request;
    text_name (ask->who, plv_mp_find_str (arguments, "who"));
    text_name (ask->reason, plv_mp_find_str (arguments, "reason"));
    text_name (ask->plan, plv_mp_find_str (arguments, "plan"));
    text_name (ask->file, plv_mp_find_str (arguments, "file"));
    /* what is seen through an adapter is seen by whoever looks over somebody's shoulder */
    ask->masked = peer->from == FROM_ADAPTER || control_flag (arguments, "masked");
    ask->rows = !ask->masked && control_flag (arguments, "row");
    const char *why = start (self, ask, arguments);
    if (why) {
        control_fail (self, peer, request, ERR_ARG, "%s", why);
        control_finish (self, ask);
    } else if (command == COMMAND_DEAD_LIST) {
        list_go_on (self, ask);
    } else if (command == COMMAND_DEAD_STATS) {
        stats_go_on (self, ask);
    } else if (command == COMMAND_DEAD_IMPORT && !ask->waiting) {
        control_settle (self, ask); /* none of the rows is one */
    }
}

void control_catch_up (core_t *self)
{
    self->letters_whole = true;
    if (self->letters.count >= self->dead_count)
        return;
    ask_t *ask = control_ask_new (self, COMMAND_CATCH_UP);
    control_scan (self, ask, 0, UINT64_MAX, CATCH_UP_PIECE);
}

/*  Two operators at once: the second one's row was read before the first one took the letter up.  */
bool control_taken_since (core_t *self, const ask_t *ask, uint64_t number)
{
    return entry_get (self, number)
           || (uintptr_t) plv_map_u64_get (&self->taken, number) > ask->stored;
}

/*  False for a row that is damaged: it cannot be sent again.  */
bool control_read_dead (const plv_row_t *row, dead_t *ret_dead, entry_t **ret_entry)
{
    plv_envelope_t envelope;
    if (row->view != VIEW_DEAD || row->key.size != 8
        || dead_read (plv_get_u64 (row->key.data), row->value, ret_dead, ret_entry, NULL))
        return false;
    if (!plv_envelope_parse (entry_envelope (*ret_entry), &envelope, NULL)
        && plv_view_equal (envelope.session_id, ret_dead->session))
        return true;
    entry_destroy (ret_entry);
    return false;
}

static void brief_one (core_t *self, ask_t *ask, const plv_row_t *row)
{
    entry_t *entry = NULL;
    dead_t dead;
    if (row->key.size == 8)
        ask->at = plv_get_u64 (row->key.data);
    if (!dead_index_get (&self->letters, ask->at) && !control_taken_since (self, ask, ask->at)
        && control_read_dead (row, &dead, &entry))
        apply_brief (self, &dead, entry);
    entry_destroy (&entry);
}

static void catch_up (core_t *self, ask_t *ask, const input_t *input)
{
    plv_row_t row;
    uint32_t rows = 0;
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row); rows++)
        brief_one (self, ask, &row);
    ask->stored = self->stored;
    if (rows && input->more)
        control_scan (self, ask, ask->at + 1, UINT64_MAX, CATCH_UP_PIECE);
}

static void show_one (core_t *self, ask_t *ask, const plv_row_t *row)
{
    entry_t *entry = NULL;
    dead_t dead;
    if (control_read_dead (row, &dead, &entry)) {
        plv_buf_t item = {0};
        bool with_row = ask->rows && row->value.size <= EXPORT_BYTES_MAX;
        control_dead_item (self, &dead, entry, true, with_row ? row->value : plv_view (NULL, 0),
                           ask->masked ? &item : &ask->items);
        if (ask->masked)
            plv_mask_put (&ask->items, plv_buf_view (&item));
        plv_buf_free (&item);
        ask->item_count++;
    } else {
        ask->missing++;
    }
    entry_destroy (&entry);
}

static void take_named (core_t *self, ask_t *ask, const input_t *input)
{
    plv_row_t row;
    bool any = false;
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row); any = true) {
        if (row.view == VIEW_DEAD && ask->command == COMMAND_DEAD_SHOW) {
            show_one (self, ask, &row);
        } else if (row.view == VIEW_DEAD) {
            take_letter (self, ask, &row);
        } else if (row.view == VIEW_DEAD_IDS && row.key.size == ID_KEY_BYTES) {
            uint64_t number = plv_get_u64 (row.key.data + PLV_ID_BYTES);
            plv_buf_add (&ask->numbers, &number, sizeof number);
        }
    }
    ask->missing += !any;
    if (ask->waiting == 0 && ask->numbers.size)
        control_scan_numbers (self, ask);
}

static void answer (core_t *self, ask_t *ask)
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
    else if (ask->shadow)
        shadow_finish (self, ask);
    else if (acts)
        take_answer (self, ask);
    else if (ask->command == COMMAND_DEAD_IMPORT)
        import_answer (self, ask);
    else if (ask->command == COMMAND_DEAD_SHOW && ask->item_count == 0)
        control_fail (self, peer, ask->request, ERR_NOENT,
                      "there is no dead letter of this number or id");
    else
        list_answer (self, ask);
}

static void take_rows (core_t *self, ask_t *ask, const input_t *input)
{
    switch (ask->command) {
    case COMMAND_DEAD_LIST:
        list_take (self, ask, input);
        break;
    case COMMAND_DEAD_STATS:
        stats_take (self, ask, input);
        break;
    case COMMAND_CATCH_UP:
        catch_up (self, ask, input);
        break;
    case COMMAND_EVENTS_SHOW:
    case COMMAND_EVENTS_LIST:
        events_take (self, ask, input);
        break;
    case COMMAND_BACKUP:
        break;
    case COMMAND_DEAD_IMPORT:
        import_rows (ask, input);
        break;
    case COMMAND_RETAIN:
        retain_rows (ask, input);
        break;
    default:
        take_named (self, ask, input);
        break;
    }
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
    } else {
        take_rows (self, ask, input);
    }
    control_settle (self, ask);
}

void control_settle (core_t *self, ask_t *ask)
{
    if (ask->waiting > 0 || ask->trials > 0)
        return;
    if (events_is (ask->command)) {
        events_go_on (self, ask);
        return;
    }
    if (ask->command == COMMAND_DEAD_LIST && !ask->failed[0]) {
        list_next (self, ask);
        return;
    }
    if (ask->command == COMMAND_RETAIN) {
        if (retain_read (self, ask))
            control_finish (self, ask);
        return;
    }
    if (ask->command == COMMAND_DEAD_STATS && !ask->failed[0])
        stats_answer (self, ask);
    else
        answer (self, ask);
    control_finish (self, ask);
}

void control_due (core_t *self, ask_t *ask)
{
    if (!plv_map_u64_get (&self->peers, ask->peer))
        control_finish (self, ask);
    else if (events_is (ask->command))
        events_go_on (self, ask);
    else if (ask->command == COMMAND_DEAD_LIST)
        list_go_on (self, ask);
    else
        stats_go_on (self, ask);
}
