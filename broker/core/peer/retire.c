#include "core/peer/retire.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "core/flow/dispatch.h"
#include "core/internal.h"
#include "core/peer/drains.h"
#include "core/state/apply.h"

#include <stdlib.h>

void retire_greet (core_t *self, peer_t *peer)
{
    const drain_t *drain = drains_of (self, peer);
    if (!drain)
        return;
    peer->retired = true;
    memcpy (peer->drained_by, drain->who, sizeof peer->drained_by);
}

static void forget (core_t *self, const drain_t *drain, plv_view_t who, const char *why)
{
    char name[NAME_BYTES_MAX + 1]; /* the drain goes when the record is applied */
    memcpy (name, drain->name, sizeof name);
    const record_t record = {
        .type = RECORD_WORKER_RESUME,
        .at_us = self->now.wall_us,
        .id = drain->incarnation,
        .name = plv_view_str (name),
        .who = who,
        .why = plv_view_str (why),
    };
    apply_new (self, &record);
}

/*  A process that died after it was drained is never heard of again.  */
static void make_room (core_t *self)
{
    const drain_t *drain, *oldest = NULL;
    if (self->drains.count < PEERS_MAX)
        return;
    for (size_t at = 0; (drain = plv_map_next (&self->drains, &at));)
        if (!oldest || drain->at_us < oldest->at_us)
            oldest = drain;
    forget (self, oldest, plv_view_str (""), "others were drained since");
}

void retire_note (core_t *self, const peer_t *peer)
{
    if (!peer->is_known)
        return;
    make_room (self);
    const record_t record = {
        .type = RECORD_WORKER_DRAIN,
        .at_us = self->now.wall_us,
        .id = peer->incarnation,
        .name = plv_view_str (peer->name),
        .who = plv_view_str (peer->drained_by),
    };
    apply_new (self, &record);
}

void retire_left (core_t *self, const peer_t *peer)
{
    const drain_t *drain = drains_of (self, peer);
    if (drain)
        forget (self, drain, plv_view_str (""), "it has left");
}

/*  `ret_told`: how many of them have been told to leave, which cannot be taken back.  */
static uint32_t resume_connected (core_t *self, plv_view_t name, uint32_t *ret_told)
{
    peer_t *peer;
    uint32_t count = 0;
    *ret_told = 0;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));) {
        if (!peer->retired || !plv_view_is (name, peer->name))
            continue;
        if (peer->let_go) {
            *ret_told += drains_of (self, peer) ? 1 : 0;
            continue;
        }
        peer->retired = false;
        peer->drained_by[0] = '\0';
        count += drains_of (self, peer) ? 0 : 1; /* the others are counted by their processes */
        dispatch_release (self, peer);
    }
    return count;
}

static uint32_t resume_processes (core_t *self, plv_view_t name, plv_view_t who)
{
    drain_t *drain, **found = plv_alloc_zero (self->drains.count + 1, sizeof *found);
    uint32_t count = 0;
    for (size_t at = 0; (drain = plv_map_next (&self->drains, &at));)
        if (plv_view_is (name, drain->name))
            found[count++] = drain;
    for (uint32_t i = 0; i < count; i++)
        forget (self, found[i], who, "resumed");
    free (found);
    return count;
}

uint32_t retire_resume (core_t *self, plv_view_t name, plv_view_t who)
{
    uint32_t told, count = resume_connected (self, name, &told);
    return count + resume_processes (self, name, who) - told;
}
