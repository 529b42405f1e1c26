#include "core/dead/letter.h"

#include "base/bytes.h"
#include "core/internal.h"
#include "core/state/live.h"

/*  False for a row that is damaged: it cannot be sent again.  */
bool letter_read (const plv_row_t *row, dead_t *ret_dead, entry_t **ret_entry)
{
    plv_envelope_t envelope;
    if (row->view != VIEW_DEAD || row->key.size != 8
        || dead_read (plv_get_u64 (row->key.data), row->value, ret_dead, ret_entry, NULL))
        return false;
    if (!plv_envelope_parse (entry_envelope (*ret_entry), &envelope, NULL)
        && plv_view_equal (envelope.session_id, ret_dead->session))
        return true;
    entry_destroy (ret_entry);
    return false;
}

void letter_taken (core_t *self, uint64_t number)
{
    plv_map_u64_put (&self->taken, number, (void *) (uintptr_t) self->seq);
    self->taken_seq = self->seq;
}

/*  Two operators at once, or one and the retention: the second one's row was read before the first one took the letter
    up.  */
bool letter_taken_since (core_t *self, const ask_t *ask, uint64_t number)
{
    return entry_get (self, number)
           || (uintptr_t) plv_map_u64_get (&self->taken, number) > ask->stored;
}
