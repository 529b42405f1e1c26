/*  dead_brief -- what is looked for in a dead letter, in a few bytes: a row of the DEAD_BRIEFS view
    OWNS    nothing
    THREAD  core only
    FAILS   dead_brief_read with false on bytes that dead_brief_write did not write
    COST    56 bytes a letter in memory, 50 on disk

    Names are hashes of 32 bits: what they find is checked against the letter itself before it is shown, and a
    count may be too high by one in some thousand millions.  */

#ifndef CORE_DEAD_BRIEF_H
#define CORE_DEAD_BRIEF_H

#include "core/dead/dead.h"

typedef struct {
    uint64_t number;
    uint64_t fingerprint;
    int64_t dead_us; /* wall clock */
    uint32_t session, user, platform, adapter, route, type, code;
    uint16_t attempts;
    uint8_t why;
    uint8_t kind;
} dead_brief_t;

uint32_t dead_brief_hash (plv_view_t name);
uint64_t dead_brief_fingerprint (const dead_t *dead, const entry_t *entry);
void dead_brief_make (const dead_t *dead, const entry_t *entry, dead_brief_t *ret_brief);

void dead_brief_write (const dead_brief_t *self, plv_buf_t *buf);
bool dead_brief_read (uint64_t number, plv_view_t bytes, dead_brief_t *ret_brief);

#endif
