#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/ask/events.h"
#include "core/dead/letter.h"
#include "core/flow/lanes.h"
#include "core/state/live.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "wire/mp.h"

#include <stdlib.h>

enum {
    ID_KEY_BYTES = PLV_ID_BYTES + 8,
    PENDING_PIECE = 10000,
    STORED_WITHIN = 64,
    /* an adapter's clock may be ahead of the broker's */
    CLOCK_MARGIN_US = 10000000,
};

void events_show_free (events_show_t **self_p)
{
    events_show_t *self = *self_p;
    if (!self)
        return;
    trace_free (&self->trace);
    free (self);
    *self_p = NULL;
}

static uint64_t time_of_id (const plv_id_t *id)
{
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return ms * 1000;
}

static bool read_asked (events_show_t *show, plv_view_t arguments)
{
    char text[PLV_ID_TEXT_BYTES] = "";
    plv_view_t id = plv_mp_find_str (arguments, "id");
    show->trace.fate.number = control_number (arguments, "number", 0);
    if (show->trace.fate.number)
        return id.size == 0;
    if (id.size >= sizeof text || id.size == 0)
        return false;
    memcpy (text, id.data, id.size);
    show->by_id = plv_id_parse (text, &show->id);
    return show->by_id;
}

const char *events_show_start (ask_t *ask, plv_view_t arguments)
{
    ask->show = plv_alloc_zero (1, sizeof *ask->show);
    if (!read_asked (ask->show, arguments))
        return "name one event: \"number\" of its entry, or \"id\", a UUID as text";
    ask->show->end = ask->end;
    walk_begin (&ask->show->walk, ask->end);
    ask->show->phase = SHOW_LETTER_ID;
    return NULL;
}

/* ------------------------------------------------------------------ looking for its number */

static void follow (events_show_t *show, uint64_t number)
{
    trace_clear (&show->trace);
    show->trace.fate.number = number;
    show->phase = SHOW_FOLLOW;
    show->letter_read = false;
    show->walk.end = show->end;
    walk_seek (&show->walk, WALK_TO_NUMBER, number);
}

static bool has_id (plv_view_t envelope, const plv_id_t *id)
{
    plv_envelope_t parsed;
    return envelope.size && memmem (envelope.data, envelope.size, id->bytes, PLV_ID_BYTES)
           && !plv_envelope_parse (envelope, &parsed, NULL)
           && memcmp (parsed.id.bytes, id->bytes, PLV_ID_BYTES) == 0;
}

/*  The record that gives this id to something; its `number` is that of the event.  */
static bool gives_id (const record_t *record, const plv_id_t *id)
{
    switch (record->type) {
    case RECORD_ACCEPT:
        return has_id (record->envelope, id);
    case RECORD_DEAD:
    case RECORD_REPLY:
        return record->reply && memcmp (record->id.bytes, id->bytes, PLV_ID_BYTES) == 0;
    case RECORD_MERGE:
    case RECORD_JOIN:
        return memcmp (record->id.bytes, id->bytes, PLV_ID_BYTES) == 0;
    case RECORD_RESEND:
        return record->body.size && memcmp (record->id.bytes, id->bytes, PLV_ID_BYTES) == 0;
    default:
        return false;
    }
}

static void find_in (events_show_t *show, plv_view_t rows)
{
    record_reader_t value;
    record_t record;
    uint64_t seq;
    for (size_t at = 0; walk_next (&show->walk, rows, &at, &value, &seq);)
        while (!record_next (&value, &record, NULL))
            if (gives_id (&record, &show->id)) {
                follow (show, record.number);
                return;
            }
}

static void find_letter (events_show_t *show, plv_view_t rows)
{
    plv_row_t row;
    show->phase = SHOW_PENDING;
    for (size_t at = 0; plv_row_next (rows, &at, &row);)
        if (row.view == VIEW_DEAD_IDS && row.key.size == ID_KEY_BYTES)
            follow (show, plv_get_u64 (row.key.data + PLV_ID_BYTES));
}

static void list_pending (core_t *self, ask_t *ask)
{
    entry_t *entry;
    for (size_t at = 0; (entry = plv_map_u64_next (&self->entries, &at));)
        plv_buf_add (&ask->numbers, &entry->number, sizeof entry->number);
    plv_buf_check (&ask->numbers);
}

/*  A piece of what is pending. False: there is no more of it.  */
static bool find_pending (core_t *self, ask_t *ask)
{
    uint64_t number;
    for (int i = 0; i < PENDING_PIECE && ask->numbers.size; i++) {
        ask->numbers.size -= sizeof number;
        memcpy (&number, ask->numbers.data + ask->numbers.size, sizeof number);
        const entry_t *entry = entry_get (self, number);
        if (entry && has_id (entry_envelope (entry), &ask->show->id)) {
            follow (ask->show, number);
            return false;
        }
    }
    return ask->numbers.size > 0;
}

/* ------------------------------------------------------------------ following it */

/*  An answer was asked for: the event that it answers is meant.  */
static bool is_answer_asked (const events_show_t *show, const record_t *record)
{
    return record->type != RECORD_ACCEPT && fate_makes (record, show->trace.fate.number);
}

bool events_here (const core_t *self, const fate_t *fate)
{
    const dead_brief_t *letter = dead_index_get (&self->letters, fate->letter);
    if (fate->outcome == FATE_DEAD)
        return letter && letter->dead_us == fate->dead_us;
    return entry_get ((core_t *) self, fate->number)
           || (fate->reply && entry_get ((core_t *) self, fate->reply));
}

/*  Is it a dead letter now, whatever came in between?  */
static bool is_letter (const core_t *self, const fate_t *fate)
{
    return (fate->outcome == FATE_DEAD || fate->outcome == FATE_DISCARDED)
           && dead_index_get (&self->letters, fate->letter ? fate->letter : fate->number);
}

/*  Nothing that is still to come in the journal can be about it, but for what its letter's row may tell of. When its
    end was stored stands in one of the next values, if a broker went on that long.  */
static bool is_whole (const core_t *self, const events_show_t *show, uint64_t seq)
{
    const trace_t *trace = &show->trace;
    const fate_t *fate = &trace->fate;
    if ((trace->unstored && seq < trace->unstored + STORED_WITHIN) || !trace->envelope.size
        || (fate->fallback && !fate->told))
        return false;
    if (!is_letter (self, fate))
        return fate_over (fate->outcome);
    return !show->letter_read
           || (fate->outcome == FATE_DEAD && fate->dead_us >= show->dead_us
               && trace->returns >= show->returns);
}

static void follow_in (core_t *self, events_show_t *show, plv_view_t rows)
{
    record_reader_t value;
    record_t record;
    uint64_t seq;
    for (size_t at = 0; walk_next (&show->walk, rows, &at, &value, &seq);) {
        while (!record_next (&value, &record, NULL)) {
            if (is_answer_asked (show, &record)) {
                follow (show, record.number);
                return;
            }
            trace_take (&show->trace, seq, value.wall_us, &record);
        }
        if (is_whole (self, show, seq)) {
            bool asks = !show->letter_read && is_letter (self, &show->trace.fate);
            show->phase = asks ? SHOW_LETTER : SHOW_DONE;
            show->walk.at = seq + 1;
            return;
        }
    }
}

void events_show_take (core_t *self, ask_t *ask, const input_t *input)
{
    events_show_t *show = ask->show;
    dead_t dead;
    entry_t *entry = NULL;
    plv_row_t row;
    size_t at = 0;
    show_phase_t before = show->phase;
    if (before == SHOW_LETTER_ID) {
        find_letter (show, input->bytes);
    } else if (before == SHOW_LETTER) {
        show->phase = SHOW_DONE;
        bool there = plv_row_next (input->bytes, &at, &row) && letter_read (&row, &dead, &entry);
        show->letter_read = true;
        if (there && show->trace.envelope.size) {
            show->dead_us = dead.at_us;
            show->returns = trace_count_returns (entry, &dead);
            show->phase = is_whole (self, show, show->walk.at - 1) ? SHOW_DONE : SHOW_FOLLOW;
        } else if (there)
            trace_take_entry (&show->trace, entry, &dead);
        entry_destroy (&entry);
    } else if (walk_seeking (&show->walk)) {
        walk_probed (&show->walk, input->bytes);
        if (!walk_seeking (&show->walk) && before == SHOW_NEAR)
            show->near = show->walk.at;
    } else {
        walk_took (&show->walk, input->bytes, input->more);
        if (before == SHOW_FOLLOW)
            follow_in (self, show, input->bytes);
        else
            find_in (show, input->bytes);
    }
}

static void scan_id (core_t *self, ask_t *ask)
{
    const plv_id_t *id = &ask->show->id;
    effects_scan_t *scan = effects_scan (self->effects, ask->token, VIEW_DEAD_IDS, 1);
    uint8_t last[8];
    plv_put_u64 (last, UINT64_MAX);
    plv_buf_add (&scan->from, id->bytes, PLV_ID_BYTES);
    plv_buf_add (&scan->to, id->bytes, PLV_ID_BYTES);
    plv_buf_add (&scan->to, last, sizeof last);
    ask->waiting++;
}

/*  The letter of the event itself, or of its answer.  */
static void scan_letter (core_t *self, ask_t *ask)
{
    const fate_t *fate = &ask->show->trace.fate;
    uint64_t number = fate->letter ? fate->letter : fate->number;
    control_scan (self, ask, number, number, 1);
}

/*  The way has come to its end, and what was looked for may still be elsewhere.  */
static void next_phase (core_t *self, ask_t *ask)
{
    events_show_t *show = ask->show;
    const entry_t *entry = entry_get (self, show->trace.fate.number);
    switch (show->phase) {
    case SHOW_NEAR:
        show->phase = show->near > 1 ? SHOW_OLDER : SHOW_DONE;
        show->walk.at = 1;
        show->walk.end = show->near;
        break;
    case SHOW_FOLLOW:
        show->phase = SHOW_DONE;
        if (show->trace.envelope.size)
            break;
        trace_clear (&show->trace);
        if (entry)
            trace_take_entry (&show->trace, entry, NULL);
        else if (dead_index_get (&self->letters, show->trace.fate.number))
            show->phase = SHOW_LETTER;
        break;
    default:
        show->phase = SHOW_DONE;
        break;
    }
}

static void begin_near (events_show_t *show)
{
    uint64_t from_us = time_of_id (&show->id);
    show->phase = SHOW_NEAR;
    walk_seek (&show->walk, WALK_TO_TIME,
               from_us > CLOCK_MARGIN_US ? from_us - CLOCK_MARGIN_US : 0);
    show->near = show->walk.at;
}

static void begin (core_t *self, ask_t *ask)
{
    if (!ask->show->by_id)
        follow (ask->show, ask->show->trace.fate.number);
    else
        scan_id (self, ask);
}

bool events_show_next (core_t *self, ask_t *ask)
{
    events_show_t *show = ask->show;
    if (show->phase == SHOW_LETTER_ID)
        begin (self, ask);
    if (show->phase == SHOW_PENDING && !ask->numbers.size)
        list_pending (self, ask);
    if (show->phase == SHOW_PENDING && find_pending (self, ask)) {
        timers_set (&self->timers, &ask->timer, self->now.mono_us + 1);
        return false;
    }
    if (show->phase == SHOW_PENDING)
        begin_near (show);
    while (!ask->waiting && show->phase != SHOW_DONE) {
        if (show->phase == SHOW_LETTER)
            scan_letter (self, ask);
        else if (walk_ask (&show->walk, ask->token, self->effects))
            ask->waiting++;
        else
            next_phase (self, ask);
    }
    return !ask->waiting;
}

/* ------------------------------------------------------------------ the answer */

/*  What the journal does not say yet.  */
static void bring_up_to_date (const core_t *self, trace_t *trace)
{
    fate_t *fate = &trace->fate;
    const record_t stored = {
        .type = RECORD_STORED, .number = self->recorded_stored, .at_us = self->recorded_us};
    if (self->recorded_stored > self->recorded_noted)
        trace_take (trace, 0, 0, &stored);
    if (fate->outcome == FATE_UNKNOWN && events_here (self, fate))
        fate->outcome = FATE_PENDING;
}

void events_show_answer (core_t *self, peer_t *peer, const ask_t *ask)
{
    trace_t *trace = &ask->show->trace;
    plv_buf_t pairs = {0}, body = {0};
    if (!trace->envelope.size && !trace->hop_count) {
        control_fail (self, peer, ask->request, ERR_NOENT,
                      "there is no event or answer of this id or number, or the journal has "
                      "forgotten it: data.retain_h and data.retain_mb say how long it remembers");
        return;
    }
    bring_up_to_date (self, trace);
    uint32_t count =
        trace_write (trace, lanes_service (self, plv_buf_view (&trace->route)), &pairs);
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "items");
    plv_mp_put_array (&body, 1);
    plv_mp_put_map (&body, count);
    plv_buf_check (&pairs);
    plv_buf_add_view (&body, plv_buf_view (&pairs));
    control_answer_shown (self, peer, ask->request, &body);
    plv_buf_free (&pairs);
    plv_buf_free (&body);
}
