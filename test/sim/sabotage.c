#include "sim/sim.h"

#include "core/internal.h"
#include "core/state/record.h"
#include "wire/mp.h"

/*  Bugs, planted between the core and the world.  */

bool sabotage_is (sim_t *self, sabotage_t kind)
{
    return self->sabotage == kind;
}

/*  What becomes of a record of the journal. All but STAYS is a lie.  */
typedef enum { STAYS, CHANGES, GOES, GOES_LAST } fate_t;

typedef fate_t fate_fn (record_t *record, record_type_t type);

static void write_last (plv_buf_t *changed, plv_view_t journal, fate_fn *fate, record_type_t type)
{
    record_reader_t reader;
    record_t record;
    record_open (journal, &reader, NULL);
    while (!record_next (&reader, &record, NULL))
        if (fate (&record, type) == GOES_LAST)
            record_write (changed, &record);
}

/*  Writes the journal anew, behind `first` unless that is NULL. False: it is as it was.  */
static bool rewrite_journal (plv_buf_t *journal, const record_t *first, fate_fn *fate,
                             record_type_t type)
{
    record_reader_t reader;
    record_t record;
    plv_buf_t changed = {0};
    bool lies = false;
    if (journal->size == 0 || record_open (plv_buf_view (journal), &reader, NULL))
        return false;
    record_begin (&changed, reader.wall_us);
    if (first)
        record_write (&changed, first);
    while (!record_next (&reader, &record, NULL)) {
        fate_t becomes = fate (&record, type);
        lies |= becomes != STAYS;
        if (becomes == STAYS || becomes == CHANGES)
            record_write (&changed, &record);
    }
    write_last (&changed, plv_buf_view (journal), fate, type);
    plv_buf_free (journal);
    *journal = changed;
    return lies;
}

static fate_t lost (record_t *record, record_type_t type)
{
    return record->type == type ? GOES : STAYS;
}

/*  The journal without its records of `type`.  */
static bool without (plv_buf_t *journal, record_type_t type)
{
    return rewrite_journal (journal, NULL, lost, type);
}

/*  The rows without those that are put into `view`.  */
static bool lose_rows (effects_t *effects, plv_row_view_t view)
{
    plv_buf_t kept = {0};
    plv_row_t row;
    bool lost = false;
    for (size_t at = 0; plv_row_next (plv_buf_view (&effects->rows), &at, &row);) {
        if (row.view == view && row.op == ROW_PUT)
            lost = true;
        else if (row.op == ROW_PUT)
            plv_row_put (&kept, row.view, row.key, row.value);
        else
            plv_row_delete (&kept, row.view, row.key);
    }
    plv_buf_free (&effects->rows);
    effects->rows = kept;
    return lost;
}

/*  Every dead event holds its session.  */
static fate_t parked (record_t *record, record_type_t type)
{
    if (record->type != type || !record->body.size || record->flags & DEAD_PARKS)
        return STAYS;
    record->flags |= DEAD_PARKS;
    return CHANGES;
}

/*  What the broker announces is not there.  */
static fate_t unannounced (record_t *record, record_type_t type)
{
    return record->type == type && record->flags & ENTRY_OPENS ? GOES : STAYS;
}

/*  What is sent again with another text has the old one.  */
static fate_t uncorrected (record_t *record, record_type_t type)
{
    if (record->type != type || !record->body.size)
        return STAYS;
    record->body = plv_view (NULL, 0);
    return CHANGES;
}

/*  Something is tried.  */
static fate_t tried (record_t *record, record_type_t type)
{
    return record->type == type ? CHANGES : STAYS;
}

/*  The journal says in front of everything that the route is paused.  */
static bool pause_loosely (plv_buf_t *journal)
{
    const record_t pause = {.type = RECORD_PAUSE, .name = plv_view_str ("default")};
    return rewrite_journal (journal, &pause, tried, RECORD_ATTEMPT);
}

/*  What was accepted in this turn is kept behind what happened to it.  */
static fate_t late (record_t *record, record_type_t type)
{
    return record->type == type || record->type == RECORD_REPLY ? GOES_LAST : STAYS;
}

void sabotage_batch (sim_t *self, effects_t *effects)
{
    switch (self->sabotage) {
    case SABOTAGE_LOSE_BATCH:
        if (!self->sabotaged && self->now_us > 1000000 && effects->journal.size > 100) {
            int64_t wall_us = sim_time (self).wall_us;
            plv_buf_clear (&effects->journal);
            record_begin (&effects->journal, wall_us);
            self->sabotaged = true;
        }
        break;
    case SABOTAGE_LOSE_ATTEMPT:
        self->sabotaged |= without (&effects->journal, RECORD_ATTEMPT);
        break;
    case SABOTAGE_LOSE_ROWS:
        self->sabotaged |= lose_rows (effects, VIEW_ENTRIES);
        break;
    case SABOTAGE_DROP_DEDUP:
        self->sabotaged |= lose_rows (effects, VIEW_DEDUP);
        break;
    case SABOTAGE_LOSE_DEAD:
        self->sabotaged |= lose_rows (effects, VIEW_DEAD);
        break;
    case SABOTAGE_LOSE_CREATED:
        self->sabotaged |= rewrite_journal (&effects->journal, NULL, unannounced, RECORD_ACCEPT);
        break;
    case SABOTAGE_PARK_LOOSELY:
        self->sabotaged |= rewrite_journal (&effects->journal, NULL, parked, RECORD_DEAD);
        break;
    case SABOTAGE_LOSE_REPLAY:
        self->sabotaged |= without (&effects->journal, RECORD_REPLAY);
        break;
    case SABOTAGE_LOSE_RESEND:
        self->sabotaged |= without (&effects->journal, RECORD_RESEND);
        break;
    case SABOTAGE_LOSE_COPY:
        self->sabotaged |= rewrite_journal (&effects->journal, NULL, uncorrected, RECORD_RESEND);
        break;
    case SABOTAGE_LOSE_IMPORT:
        self->sabotaged |= without (&effects->journal, RECORD_IMPORT);
        break;
    case SABOTAGE_LOSE_DISCARD:
        self->sabotaged |= without (&effects->journal, RECORD_DISCARD);
        break;
    case SABOTAGE_LOSE_PAUSE:
        self->sabotaged |=
            without (&effects->journal, RECORD_PAUSE) && lose_rows (effects, VIEW_META);
        break;
    case SABOTAGE_PAUSE_LOOSELY:
        self->sabotaged |= pause_loosely (&effects->journal);
        break;
    case SABOTAGE_LOSE_KV:
        self->sabotaged |= lose_rows (effects, VIEW_KV);
        break;
    case SABOTAGE_SWAP_ORDER:
        self->sabotaged |= rewrite_journal (&effects->journal, NULL, late, RECORD_ACCEPT);
        break;
    default:
        break;
    }
}

/*  Rewrites a packet, frame by frame: `change` appends what becomes of one.  */
static void rewrite (sim_t *self, effects_packet_t *packet,
                     bool (*change) (sim_t *, plv_buf_t *, const plv_frame_t *))
{
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_buf_t changed = {0};
    plv_packet_begin (&changed);
    if (plv_packet_open (plv_buf_view (&packet->bytes), &reader, NULL))
        return;
    while (!plv_packet_next (&reader, &frame, NULL)) {
        if (change (self, &changed, &frame))
            continue;
        uint8_t head[PLV_FRAME_HEAD_BYTES] = {
            (uint8_t) frame.verb, (uint8_t) (frame.raw.size >> 24),
            (uint8_t) (frame.raw.size >> 16), (uint8_t) (frame.raw.size >> 8),
            (uint8_t) frame.raw.size};
        plv_buf_add (&changed, head, sizeof head);
        plv_buf_add_view (&changed, frame.raw);
    }
    plv_buf_free (&packet->bytes);
    packet->bytes = changed;
}

static void put_deliver (plv_buf_t *buf, const plv_frame_t *frame, uint64_t number)
{
    size_t mark = plv_frame_begin (buf, VERB_DELIVER);
    plv_mp_put_u64 (buf, number);
    plv_mp_put_u64 (buf, frame->arg[1].number);
    plv_buf_add_view (buf, frame->arg[2].bytes);
    plv_mp_put_bin (buf, frame->arg[3].bytes);
    plv_frame_end (buf, mark);
}

static void put_job (plv_buf_t *buf, const plv_frame_t *frame, uint64_t lease, bool with_steps)
{
    size_t mark = plv_frame_begin (buf, VERB_JOB);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_u64 (buf, frame->arg[1].number);
    plv_mp_put_u64 (buf, frame->arg[2].number);
    plv_buf_add_view (buf, frame->arg[3].bytes);
    plv_mp_put_bin (buf, frame->arg[4].bytes);
    plv_buf_add_view (buf, frame->arg[5].bytes);
    plv_mp_put_bin (buf, frame->arg[6].bytes);
    if (with_steps)
        plv_buf_add_view (buf, frame->arg[7].bytes);
    else
        plv_mp_put_map (buf, 0);
    plv_mp_put_nil (buf);
    plv_mp_put_nil (buf);
    plv_frame_end (buf, mark);
}

/*  The first of those that are stored.  */
static bool put_rejected (plv_buf_t *buf, const plv_frame_t *frame)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t count;
    uint64_t seq;
    if (!plv_mp_array (&at, &count) || !count || !plv_mp_u64 (&at, &seq))
        return false;
    size_t mark = plv_frame_begin (buf, VERB_REJECTED);
    plv_mp_put_u64 (buf, seq);
    plv_mp_put_text (buf, plv_err_name (ERR_ARG));
    plv_mp_put_text (buf, "as chance has it");
    plv_frame_end (buf, mark);
    return true;
}

static bool spoil (sim_t *self, plv_buf_t *buf, const plv_frame_t *frame)
{
    bool deliver = frame->verb == VERB_DELIVER, job = frame->verb == VERB_JOB;
    uint64_t number = frame->arg[0].number;
    if (self->sabotage == SABOTAGE_DELIVER_TWICE && deliver) {
        put_deliver (buf, frame, number);
        put_deliver (buf, frame, number + 1);
    } else if (self->sabotage == SABOTAGE_FORGET_STEPS && job && frame->arg[7].bytes.size > 1) {
        put_job (buf, frame, number, false);
    } else if (self->sabotage == SABOTAGE_OVER_CREDIT && job) {
        for (unsigned i = 0; i < 8; i++)
            put_job (buf, frame, number + (i << 16), true);
    } else if (self->sabotage != SABOTAGE_REJECT || frame->verb != VERB_STORED
               || !put_rejected (buf, frame)) {
        return false;
    }
    self->sabotaged = true;
    return true;
}

void sabotage_held (sim_t *self, effects_packet_t *packet)
{
    if (self->sabotage != SABOTAGE_NONE)
        rewrite (self, packet, spoil);
}
