#include "core/dead/dead_index.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { CHUNK_BRIEFS = 512 };

struct dead_chunk {
    size_t count; /* never 0 */
    dead_brief_t briefs[CHUNK_BRIEFS];
};

void dead_groups_add (plv_map_u64_t *groups, const dead_brief_t *brief)
{
    dead_group_t *group = plv_map_u64_get (groups, brief->fingerprint);
    if (!group) {
        group = plv_alloc_zero (1, sizeof *group);
        group->fingerprint = brief->fingerprint;
        group->first_us = brief->dead_us;
        group->last_us = brief->dead_us;
        group->newest = brief->number;
        plv_map_u64_put (groups, brief->fingerprint, group);
    }
    group->count++;
    if (brief->dead_us < group->first_us)
        group->first_us = brief->dead_us;
    if (brief->dead_us < group->last_us)
        return;
    group->last_us = brief->dead_us;
    if (group->newest)
        group->newest = brief->number;
}

void dead_groups_free (plv_map_u64_t *groups)
{
    dead_group_t *group;
    for (size_t at = 0; (group = plv_map_u64_next (groups, &at));)
        free (group);
    plv_map_u64_free (groups);
}

static void leave_group (plv_map_u64_t *groups, const dead_brief_t *brief)
{
    dead_group_t *group = plv_map_u64_get (groups, brief->fingerprint);
    if (!group)
        return;
    if (brief->dead_us <= group->first_us || brief->dead_us >= group->last_us)
        group->newest = 0;
    if (--group->count > 0)
        return;
    plv_map_u64_remove (groups, brief->fingerprint);
    free (group);
}

/*  A letter that came behind the walk's back makes the counts differ, as long as none has left.  */
void dead_index_learn (dead_index_t *self, const dead_group_t *found, uint64_t removals)
{
    dead_group_t *group = plv_map_u64_get (&self->groups, found->fingerprint);
    if (group && group->newest == 0 && group->count == found->count && self->removals == removals)
        *group = *found;
}

void dead_index_free (dead_index_t *self)
{
    for (size_t i = 0; i < self->chunk_count; i++)
        free (self->chunks[i]);
    free (self->chunks);
    dead_groups_free (&self->groups);
    *self = (dead_index_t){0};
}

/*  The first chunk whose last brief is not before `number`; chunk_count when there is none.  */
static size_t find_chunk (const dead_index_t *self, uint64_t number)
{
    size_t low = 0, high = self->chunk_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const dead_chunk_t *chunk = self->chunks[middle];
        if (chunk->briefs[chunk->count - 1].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t find_item (const dead_chunk_t *chunk, uint64_t number)
{
    size_t low = 0, high = chunk->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chunk->briefs[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

dead_cursor_t dead_index_seek (const dead_index_t *self, uint64_t number)
{
    dead_cursor_t cursor = {.chunk = find_chunk (self, number)};
    if (cursor.chunk < self->chunk_count)
        cursor.item = find_item (self->chunks[cursor.chunk], number);
    return cursor;
}

uint64_t dead_index_before (const dead_index_t *self, const dead_cursor_t *cursor)
{
    uint64_t before = cursor->item;
    for (size_t i = 0; i < cursor->chunk; i++)
        before += self->chunks[i]->count;
    return before;
}

const dead_brief_t *dead_index_next (const dead_index_t *self, dead_cursor_t *cursor)
{
    if (cursor->chunk >= self->chunk_count)
        return NULL;
    const dead_chunk_t *chunk = self->chunks[cursor->chunk];
    const dead_brief_t *brief = &chunk->briefs[cursor->item++];
    if (cursor->item == chunk->count)
        *cursor = (dead_cursor_t){.chunk = cursor->chunk + 1};
    return brief;
}

const dead_brief_t *dead_index_get (const dead_index_t *self, uint64_t number)
{
    dead_cursor_t cursor = dead_index_seek (self, number);
    const dead_brief_t *brief = dead_index_next (self, &cursor);
    return brief && brief->number == number ? brief : NULL;
}

static dead_chunk_t *insert_chunk (dead_index_t *self, size_t place)
{
    if (self->chunk_count == self->chunk_capacity) {
        self->chunk_capacity = self->chunk_capacity ? self->chunk_capacity * 2 : 8;
        self->chunks = plv_realloc (self->chunks, self->chunk_capacity * sizeof *self->chunks);
    }
    memmove (&self->chunks[place + 1], &self->chunks[place],
             (self->chunk_count - place) * sizeof *self->chunks);
    self->chunk_count++;
    self->chunks[place] = plv_alloc (sizeof (dead_chunk_t));
    self->chunks[place]->count = 0;
    return self->chunks[place];
}

/*  Makes room in a full chunk: the upper half becomes one of its own.  */
static void split_chunk (dead_index_t *self, size_t place)
{
    dead_chunk_t *lower = self->chunks[place], *upper = insert_chunk (self, place + 1);
    upper->count = lower->count / 2;
    lower->count -= upper->count;
    memcpy (upper->briefs, &lower->briefs[lower->count], upper->count * sizeof *upper->briefs);
}

/*  The chunk that a brief of this number belongs to, with room for it. Most come behind all others.  */
static dead_chunk_t *chunk_for (dead_index_t *self, uint64_t number)
{
    size_t place = find_chunk (self, number);
    if (place == self->chunk_count) {
        if (place > 0 && self->chunks[place - 1]->count < CHUNK_BRIEFS)
            return self->chunks[place - 1];
        return insert_chunk (self, place);
    }
    if (self->chunks[place]->count == CHUNK_BRIEFS) {
        split_chunk (self, place);
        place = find_chunk (self, number);
    }
    return self->chunks[place];
}

void dead_index_add (dead_index_t *self, const dead_brief_t *brief)
{
    dead_index_remove (self, brief->number);
    dead_chunk_t *chunk = chunk_for (self, brief->number);
    size_t item = find_item (chunk, brief->number);
    memmove (&chunk->briefs[item + 1], &chunk->briefs[item],
             (chunk->count - item) * sizeof *chunk->briefs);
    chunk->briefs[item] = *brief;
    chunk->count++;
    self->count++;
    dead_groups_add (&self->groups, brief);
}

static void remove_chunk (dead_index_t *self, size_t place)
{
    free (self->chunks[place]);
    self->chunk_count--;
    memmove (&self->chunks[place], &self->chunks[place + 1],
             (self->chunk_count - place) * sizeof *self->chunks);
}

/*  Chunks that have become small are joined, so that what is removed here and there gives its memory back.  */
static void join_chunks (dead_index_t *self, size_t place)
{
    dead_chunk_t *chunk = self->chunks[place], *next;
    if (chunk->count == 0) {
        remove_chunk (self, place);
        return;
    }
    if (place + 1 == self->chunk_count)
        return;
    next = self->chunks[place + 1];
    if (chunk->count + next->count > CHUNK_BRIEFS / 2)
        return;
    memcpy (&chunk->briefs[chunk->count], next->briefs, next->count * sizeof *next->briefs);
    chunk->count += next->count;
    remove_chunk (self, place + 1);
}

bool dead_index_remove (dead_index_t *self, uint64_t number)
{
    dead_cursor_t at = dead_index_seek (self, number);
    if (at.chunk == self->chunk_count || self->chunks[at.chunk]->briefs[at.item].number != number)
        return false;
    dead_chunk_t *chunk = self->chunks[at.chunk];
    leave_group (&self->groups, &chunk->briefs[at.item]);
    chunk->count--;
    memmove (&chunk->briefs[at.item], &chunk->briefs[at.item + 1],
             (chunk->count - at.item) * sizeof *chunk->briefs);
    self->count--;
    self->removals++;
    join_chunks (self, at.chunk);
    return true;
}
