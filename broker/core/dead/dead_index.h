/*  dead_index -- every dead letter in brief, in the order of their numbers, and how many died alike
    OWNS    its briefs and groups
    THREAD  core only
    FAILS   never: out of memory stops the daemon
    COST    add, remove: a search and the move of up to 28 KiB; a walk: 56 bytes of memory a letter, about a
            hundred million letters a second; 60 bytes a letter, 100 a group

    A million letters are 60 MB, and every question that needs no text of theirs is a walk of some
    milliseconds: no index on disk for each field could be as simple, nor answer them together.  */

#ifndef CORE_DEAD_INDEX_H
#define CORE_DEAD_INDEX_H

#include "base/map.h"
#include "core/dead/dead_brief.h"

typedef struct {
    uint64_t fingerprint;
    uint64_t count;
    int64_t first_us; /* the first and the last death of those that are counted */
    int64_t last_us;
    uint64_t newest; /* number of the one that died last; 0: see dead_index_learn */
} dead_group_t;

typedef struct dead_chunk dead_chunk_t;

typedef struct {
    dead_chunk_t **chunks;
    size_t chunk_count;
    size_t chunk_capacity;
    size_t count;
    uint64_t removals;    /* so far */
    plv_map_u64_t groups; /* dead_group_t, by fingerprint */
} dead_index_t;

void dead_index_free (dead_index_t *self);
/*  Takes the place of a brief of the same number.  */
void dead_index_add (dead_index_t *self, const dead_brief_t *brief);
bool dead_index_remove (dead_index_t *self, uint64_t number);
const dead_brief_t *dead_index_get (const dead_index_t *self, uint64_t number);

/*  A place in the index, valid until it changes.  */
typedef struct {
    size_t chunk;
    size_t item;
} dead_cursor_t;

/*  The letter of this number or the next one behind it.  */
dead_cursor_t dead_index_seek (const dead_index_t *self, uint64_t number);
/*  How many letters lie before that place. A few hundred additions for a million letters.  */
uint64_t dead_index_before (const dead_index_t *self, const dead_cursor_t *cursor);
/*  NULL at the end.  */
const dead_brief_t *dead_index_next (const dead_index_t *self, dead_cursor_t *cursor);

/*  Groups of a part of the letters: `groups` as those of an index.  */
void dead_groups_add (plv_map_u64_t *groups, const dead_brief_t *brief);
void dead_groups_free (plv_map_u64_t *groups);
/*  When the first or the last letter of a group leaves, only a walk finds out which are so now.
    Takes over what a walk over every letter has found of a group that the index does not know whole. `removals`: as
    many as there were when the walk began.  */
void dead_index_learn (dead_index_t *self, const dead_group_t *found, uint64_t removals);

#endif
