#include "core/flow/holding.h"
#include "core/internal.h"

void holding_take (core_t *self, entry_t *entry)
{
    plv_node_remove (&entry->in_holder);
    if (!entry->holder)
        return;
    entry->holder->held--;
    entry->holder = NULL;
    if (entry->kind == ENTRY_EVENT)
        self->metrics.gauge[GAUGE_LEASES]--;
}

int64_t holding_began_us (const core_t *self, entry_t *entry)
{
    const attempt_t *last = ledger_last (&entry->ledger);
    int64_t began = last ? entry_mono (entry, last->at_us) : self->now.mono_us;
    return began < self->now.mono_us ? began : self->now.mono_us;
}

void holding_give (core_t *self, peer_t *peer, entry_t *entry)
{
    holding_take (self, entry);
    entry->holder = peer;
    plv_list_push (&peer->holding, &entry->in_holder);
    peer->held++;
    if (entry->kind == ENTRY_EVENT)
        self->metrics.gauge[GAUGE_LEASES]++;
}
