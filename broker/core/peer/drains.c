#include "core/peer/drains.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "core/flow/dispatch.h"
#include "core/internal.h"
#include "core/peer/drain.h"
#include "core/state/apply.h"

#include <stdlib.h>

static const char ROW[] = "drained/";

static void write_row (core_t *self, plv_view_t incarnation, const drain_t *drain)
{
    plv_buf_t key = {0}, value = {0};
    plv_buf_add_view (&key, plv_view_str (ROW));
    plv_buf_add_view (&key, incarnation);
    plv_buf_check (&key);
    if (drain) {
        drain_write (drain, &value);
        plv_row_put (&self->effects->rows, VIEW_META, plv_buf_view (&key), plv_buf_view (&value));
    } else {
        plv_row_delete (&self->effects->rows, VIEW_META, plv_buf_view (&key));
    }
    plv_buf_free (&key);
    plv_buf_free (&value);
}

static void set (core_t *self, drain_t *drain)
{
    free (plv_map_remove (&self->drains, drain_key (drain)));
    plv_map_put (&self->drains, drain_key (drain), drain);
}

void drains_apply (core_t *self, const record_t *record)
{
    plv_view_t incarnation = plv_view (record->id.bytes, PLV_ID_BYTES);
    if (record->type == RECORD_WORKER_DRAIN) {
        drain_t *drain = drain_new (&record->id, record->name, record->who, record->at_us);
        set (self, drain);
        if (self->effects)
            write_row (self, incarnation, drain);
        return;
    }
    drain_t *drain = plv_map_remove (&self->drains, incarnation);
    if (drain && self->effects)
        write_row (self, incarnation, NULL);
    free (drain);
}

bool drains_load (core_t *self, plv_view_t key, plv_view_t value)
{
    drain_t *drain;
    plv_id_t incarnation;
    size_t size = strlen (ROW);
    if (key.size <= size || memcmp (key.data, ROW, size))
        return true;
    if (key.size != size + PLV_ID_BYTES)
        return false;
    memcpy (incarnation.bytes, key.data + size, PLV_ID_BYTES);
    if (!drain_read (&incarnation, value, &drain))
        return false;
    set (self, drain);
    return true;
}

static drain_t *drain_of (const core_t *self, const peer_t *peer)
{
    return plv_map_get (&self->drains, plv_view (peer->incarnation.bytes, PLV_ID_BYTES));
}

void drains_greet (core_t *self, peer_t *peer)
{
    const drain_t *drain = drain_of (self, peer);
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

void drains_note (core_t *self, const peer_t *peer)
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

void drains_left (core_t *self, const peer_t *peer)
{
    const drain_t *drain = drain_of (self, peer);
    if (drain && peer->let_go)
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
            *ret_told += drain_of (self, peer) ? 1 : 0;
            continue;
        }
        peer->retired = false;
        peer->drained_by[0] = '\0';
        count += drain_of (self, peer) ? 0 : 1; /* the others are counted by their processes */
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

uint32_t drains_resume (core_t *self, plv_view_t name, plv_view_t who)
{
    uint32_t told, count = resume_connected (self, name, &told);
    return count + resume_processes (self, name, who) - told;
}
