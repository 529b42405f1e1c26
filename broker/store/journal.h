/*  journal -- the shape of one journal value, the same in every store
    OWNS    nothing
    THREAD  any
    FAILS   a value that no store wrote is not parsed
    COST    nine bytes a batch

    A value is a small header and what the caller gave. Every batch has one, an empty one too,
    so that the journal's positions have no gap and a lost one is noticed. `synced` is the
    position that was known to be on disk before this batch was written: a log that is damaged
    before it and goes on behind the damage has lost what was promised to be kept; damage behind
    it is only the torn end of a power cut (wal.h).  */

#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/bytes.h"
#include "base/view.h"

enum { JOURNAL_KEY_BYTES = 8, JOURNAL_HEADER_BYTES = 9, JOURNAL_FORMAT = 1 };

static inline void journal_header (uint8_t ret_header[JOURNAL_HEADER_BYTES], uint64_t synced)
{
    ret_header[0] = JOURNAL_FORMAT;
    plv_put_u64 (ret_header + 1, synced);
}

/*  Splits a stored value; false when it is none.  */
static inline bool journal_parse (plv_view_t value, uint64_t *ret_synced, plv_view_t *ret_payload)
{
    if (value.size < JOURNAL_HEADER_BYTES || value.data[0] != JOURNAL_FORMAT)
        return false;
    *ret_synced = plv_get_u64 (value.data + 1);
    *ret_payload = plv_view (value.data + JOURNAL_HEADER_BYTES, value.size - JOURNAL_HEADER_BYTES);
    return true;
}

#endif
