#include "core/dead/dead.h"

#include "core/state/record.h"

enum { DEAD_FORMAT = 1, DEAD_COUNT = 9 };

static const char *const reasons[DEAD_COUNT] = {
#define DEADWHY(number, name, reason, outcome, meaning) [number] = (reason),
#include "core/dead/dead.def"
#undef DEADWHY
};

static const char *const outcomes[DEAD_COUNT] = {
#define DEADWHY(number, name, reason, outcome, meaning) [number] = (outcome),
#include "core/dead/dead.def"
#undef DEADWHY
};

const char *dead_reason (dead_why_t why)
{
    return (unsigned) why < DEAD_COUNT && reasons[why] ? reasons[why] : "?";
}

const char *dead_outcome (dead_why_t why)
{
    return (unsigned) why < DEAD_COUNT && outcomes[why] ? outcomes[why] : "?";
}

void dead_write (const dead_t *self, const entry_t *entry, plv_buf_t *row)
{
    plv_buf_add_u8 (row, DEAD_FORMAT);
    plv_buf_add_u8 (row, (uint8_t) self->why);
    plv_buf_add_u8 (row, self->parks);
    record_put_number (row, (uint64_t) self->at_us);
    record_put_bytes (row, self->code);
    record_put_bytes (row, self->words);
    entry_write (entry, self->session, row);
    plv_buf_check (row);
}

plv_err_t dead_read (uint64_t number, plv_view_t row, dead_t *ret_dead, entry_t **ret_entry,
                     plv_fail_t *ret_fail)
{
    dead_t dead = {0};
    uint64_t at_us;
    size_t at = 3;

    if (row.size < 3 || row.data[0] != DEAD_FORMAT || row.data[1] >= DEAD_COUNT
        || !record_get_number (row, &at, &at_us) || !record_get_bytes (row, &at, &dead.code)
        || !record_get_bytes (row, &at, &dead.words))
        return plv_fail (ret_fail, ERR_CORRUPT, "the row of dead letter %llu is damaged",
                         (unsigned long long) number);
    dead.why = (dead_why_t) row.data[1];
    dead.parks = row.data[2] != 0;
    dead.at_us = (int64_t) at_us;
    plv_err_t err = entry_read (number, plv_view (row.data + at, row.size - at), ret_entry,
                                &dead.session, ret_fail);
    if (err)
        return err;
    *ret_dead = dead;
    return ERR_OK;
}
