#include "core/flow/lease.h"

#include "core/internal.h"
#include "core/state/live.h"
#include "wire/mp.h"

void lease_cancel (core_t *self, peer_t *peer, uint64_t lease, const char *code, const char *reason)
{
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_CANCEL);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_text (buf, code);
    plv_mp_put_text (buf, reason);
    plv_frame_end (buf, mark);
}

/*  Numbers and attempts begin with 1.  */
static bool never_was (const core_t *self, uint64_t lease)
{
    uint64_t number = entry_of_lease (lease);
    return number == 0 || number >= self->next_number || (lease & 0xffff) == 0;
}

entry_t *lease_held (core_t *self, peer_t *peer, uint64_t lease)
{
    entry_t *entry = entry_get (self, entry_of_lease (lease));
    if (entry && entry->kind == ENTRY_EVENT && entry->holder == peer
        && entry_lease (entry) == lease)
        return entry;
    count (self, COUNTER_REPLIES_STALE);
    if (never_was (self, lease))
        lease_cancel (self, peer, lease, "not_leased", "there never was such a job");
    else if (entry && entry->kind == ENTRY_EVENT)
        lease_cancel (self, peer, lease, "not_leased",
                      "another attempt at this job was begun since");
    else
        lease_cancel (self, peer, lease, "finished", "this job is done, or dead");
    return NULL;
}
