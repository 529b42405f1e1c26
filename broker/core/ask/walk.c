#include "core/ask/walk.h"

#include "base/bytes.h"

enum {
    PIECE_BYTES = 512 * 1024,
    FIRST_LIMIT = 64,
    LIMIT_MAX = 8192,
    PROBE_VALUES = 16,
    NEAR = 32, /* so many values are read sooner than probed */
};

void walk_begin (walk_t *self, uint64_t end)
{
    *self = (walk_t){.at = 1, .end = end, .limit = FIRST_LIMIT};
}

void walk_seek (walk_t *self, walk_by_t by, uint64_t wanted)
{
    self->by = by;
    self->wanted = wanted;
    self->low = self->first ? self->first : 1;
    self->high = self->end;
    self->middle = 0;
    self->at = self->low;
}

bool walk_seeking (const walk_t *self)
{
    return self->high > self->low + NEAR;
}

bool walk_ask (walk_t *self, uint64_t token, effects_t *effects)
{
    if (walk_seeking (self)) {
        if (!self->middle)
            self->middle = self->low + (self->high - self->low) / 2;
        effects_scan_journal (effects, token, self->middle, self->high,
                              self->by == WALK_TO_TIME ? 1 : PROBE_VALUES);
        return true;
    }
    if (self->at >= self->end)
        return false;
    effects_scan_journal (effects, token, self->at, self->end, self->limit);
    return true;
}

/*  The first number that is made in this value; 0: none is.  */
static uint64_t first_made (record_reader_t value)
{
    record_t record;
    while (!record_next (&value, &record, NULL)) {
        if (record.type == RECORD_ACCEPT)
            return record.number;
        if ((record.type == RECORD_REPLY || record.type == RECORD_DEAD) && record.reply)
            return record.reply;
    }
    return 0;
}

static void narrow (walk_t *self, bool below)
{
    if (below)
        self->high = self->low + (self->high - self->low) / 2;
    self->middle = 0;
    self->at = self->low;
}

/*  A probe by number may meet values that make none: then it goes on behind them.  */
void walk_probed (walk_t *self, plv_view_t rows)
{
    record_reader_t value;
    uint64_t seq, last = 0, made;
    for (size_t at = 0; walk_next (self, rows, &at, &value, &seq); last = seq) {
        if (self->by == WALK_TO_TIME) {
            bool below = (uint64_t) value.wall_us >= self->wanted;
            if (!below)
                self->low = seq + 1;
            narrow (self, below);
            return;
        }
        made = first_made (value);
        if (!made)
            continue;
        if (made <= self->wanted)
            self->low = seq;
        narrow (self, made > self->wanted);
        return;
    }
    if (last && last + 1 < self->high)
        self->middle = last + 1;
    else
        narrow (self, true);
}

bool walk_next (walk_t *self, plv_view_t rows, size_t *at, record_reader_t *ret_value,
                uint64_t *ret_seq)
{
    plv_row_t row;
    while (plv_row_next (rows, at, &row)) {
        if (row.key.size != 8 || record_open (row.value, ret_value, NULL))
            continue;
        *ret_seq = plv_get_u64 (row.key.data);
        if (!self->first || *ret_seq < self->first)
            self->first = *ret_seq;
        return true;
    }
    return false;
}

void walk_took (walk_t *self, plv_view_t rows, bool more)
{
    plv_row_t row;
    uint64_t count = 0;
    for (size_t at = 0; plv_row_next (rows, &at, &row); count++)
        if (row.key.size == 8)
            self->at = plv_get_u64 (row.key.data) + 1;
    if (!more || !count)
        self->at = self->end;
    if (!rows.size)
        return;
    uint64_t limit = count * PIECE_BYTES / rows.size;
    self->limit = limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : (uint32_t) limit;
}
