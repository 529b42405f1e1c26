/*  kept -- frames that are kept until the broker has said that it has them on disk, and said again until then
    OWNS    the entries of a queue and their frames, freed by kept_queue_free
    THREAD  that of its owner
    FAILS   never: out of memory stops the process
    COST    O(1); an entry about 100 bytes and its frame  */

#ifndef HOST_KEPT_H
#define HOST_KEPT_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"

typedef struct {
    plv_node_t node; /* in `unsent` or `sent`; in neither while there is nothing to say */
    uint64_t number;
    plv_buf_t frame;
} kept_t;

typedef struct {
    plv_node_t unsent;
    plv_node_t sent;
    plv_map_u64_t by_number;
} kept_queue_t;

void kept_queue_init (kept_queue_t *self);
void kept_queue_free (kept_queue_t *self);

kept_t *kept_get (const kept_queue_t *self, uint64_t number);
/*  Takes an entry that the caller has allocated: kept_t is its first member.  */
void kept_add (kept_queue_t *self, kept_t *kept, uint64_t number);
void kept_renumber (kept_queue_t *self, kept_t *kept, uint64_t number);
void kept_say (kept_queue_t *self, kept_t *kept); /* behind all that is to be said */
void kept_drop (kept_queue_t *self, kept_t *kept);

/*  What was said to a broker that is gone is to be said again, before what is younger.  */
void kept_rewind (kept_queue_t *self);

/*  Moves frames into the packet until it has `goal` bytes.  */
void kept_pack (kept_queue_t *self, plv_buf_t *packet, size_t goal);

static inline bool kept_has_unsent (const kept_queue_t *self)
{
    return !plv_list_empty (&self->unsent);
}

#endif
