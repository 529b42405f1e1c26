#include "sim/sim.h"

#include "core/internal.h"
#include "core/state/record.h"
#include "wire/mp.h"

/*  Bugs, planted between the core and the world.  */

bool sabotage_is (sim_t *self, sabotage_t kind)
{
    return self->sabotage == kind;
}

/*  The journal without its records of `type`.  */
static bool without (plv_buf_t *journal, record_type_t type)
{
    record_reader_t reader;
    record_t record;
    plv_buf_t kept = {0};
    bool found = false;
    if (journal->size == 0 || record_open (plv_buf_view (journal), &reader, NULL))
        return false;
    record_begin (&kept, reader.wall_us);
    while (!record_next (&reader, &record, NULL)) {
        if (record.type == type)
            found = true;
        else
            record_write (&kept, &record);
    }
    plv_buf_free (journal);
    *journal = kept;
    return found;
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

/*  The journal says of every dead event that it holds its session.  */
static bool park_loosely (plv_buf_t *journal)
{
    record_reader_t reader;
    record_t record;
    plv_buf_t changed = {0};
    bool found = false;
    if (journal->size == 0 || record_open (plv_buf_view (journal), &reader, NULL))
        return false;
    record_begin (&changed, reader.wall_us);
    while (!record_next (&reader, &record, NULL)) {
        if (record.type == RECORD_DEAD && record.body.size) {
            found |= !(record.flags & DEAD_PARKS);
            record.flags |= DEAD_PARKS;
        }
        record_write (&changed, &record);
    }
    plv_buf_free (journal);
    *journal = changed;
    return found;
}

/*  The journal without what the broker announces.  */
static bool without_created (plv_buf_t *journal)
{
    record_reader_t reader;
    record_t record;
    plv_buf_t kept = {0};
    bool found = false;
    if (journal->size == 0 || record_open (plv_buf_view (journal), &reader, NULL))
        return false;
    record_begin (&kept, reader.wall_us);
    while (!record_next (&reader, &record, NULL)) {
        if (record.type == RECORD_ACCEPT && record.flags & ENTRY_OPENS)
            found = true;
        else
            record_write (&kept, &record);
    }
    plv_buf_free (journal);
    *journal = kept;
    return found;
}

/*  The journal has the old text of what is sent again with another one.  */
static bool lose_copy (plv_buf_t *journal)
{
    record_reader_t reader;
    record_t record;
    plv_buf_t changed = {0};
    bool found = false;
    if (journal->size == 0 || record_open (plv_buf_view (journal), &reader, NULL))
        return false;
    record_begin (&changed, reader.wall_us);
    while (!record_next (&reader, &record, NULL)) {
        found |= record.type == RECORD_RESEND && record.body.size;
        if (record.type == RECORD_RESEND)
            record.body = plv_view (NULL, 0);
        record_write (&changed, &record);
    }
    plv_buf_free (journal);
    *journal = changed;
    return found;
}

/*  The journal says in front of everything that the route is paused.  */
static bool pause_loosely (plv_buf_t *journal)
{
    record_reader_t reader;
    record_t record, pause = {.type = RECORD_PAUSE, .name = plv_view_str ("default")};
    plv_buf_t changed = {0};
    bool found = false;
    if (journal->size == 0 || record_open (plv_buf_view (journal), &reader, NULL))
        return false;
    record_begin (&changed, reader.wall_us);
    record_write (&changed, &pause);
    while (!record_next (&reader, &record, NULL)) {
        found |= record.type == RECORD_ATTEMPT;
        record_write (&changed, &record);
    }
    plv_buf_free (journal);
    *journal = changed;
    return found;
}

static bool swap_order (plv_buf_t *journal)
{
    record_reader_t reader;
    record_t record;
    plv_buf_t changed = {0};
    bool found = false;
    if (journal->size == 0 || record_open (plv_buf_view (journal), &reader, NULL))
        return false;
    record_begin (&changed, reader.wall_us);
    while (!record_next (&reader, &record, NULL)) {
        if (record.type == RECORD_ACCEPT || record.type == RECORD_REPLY)
            found = true;
        else
            record_write (&changed, &record);
    }
    /* what was accepted in this turn is kept behind what happened to it */
    record_open (plv_buf_view (journal), &reader, NULL);
    while (!record_next (&reader, &record, NULL))
        if (record.type == RECORD_ACCEPT || record.type == RECORD_REPLY)
            record_write (&changed, &record);
    plv_buf_free (journal);
    *journal = changed;
    return found;
}

void sabotage_batch (sim_t *self, effects_t *effects)
{
    switch (self->sabotage) {
    case SABOTAGE_LOSE_BATCH:
        if (!self->sabotaged && self->now_us > 1000000 && effects->journal.size > 100) {
            int64_t wall_us = broker_time (self).wall_us;
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
        self->sabotaged |= without_created (&effects->journal);
        break;
    case SABOTAGE_PARK_LOOSELY:
        self->sabotaged |= park_loosely (&effects->journal);
        break;
    case SABOTAGE_LOSE_REPLAY:
        self->sabotaged |= without (&effects->journal, RECORD_REPLAY);
        break;
    case SABOTAGE_LOSE_RESEND:
        self->sabotaged |= without (&effects->journal, RECORD_RESEND);
        break;
    case SABOTAGE_LOSE_COPY:
        self->sabotaged |= lose_copy (&effects->journal);
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
        self->sabotaged |= swap_order (&effects->journal);
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
    } else {
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
