#include "core/dead/dead_catch_up.h"

#include "base/bytes.h"
#include "core/ask/control_ask.h"
#include "core/dead/letter.h"
#include "core/internal.h"
#include "core/state/apply_dead.h"

enum { CATCH_UP_PIECE = 256 };

static void brief_one (core_t *self, ask_t *ask, const plv_row_t *row)
{
    entry_t *entry = NULL;
    dead_t dead;
    if (row->key.size == 8)
        ask->at = plv_get_u64 (row->key.data);
    if (!dead_index_get (&self->letters, ask->at) && !letter_taken_since (self, ask, ask->at)
        && letter_read (row, &dead, &entry))
        apply_brief (self, &dead, entry);
    entry_destroy (&entry);
}

static void take (core_t *self, ask_t *ask, const input_t *input)
{
    plv_row_t row;
    uint32_t rows = 0;
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row); rows++)
        brief_one (self, ask, &row);
    ask->stored = self->stored;
    if (rows && input->more)
        control_scan (self, ask, ask->at + 1, UINT64_MAX, CATCH_UP_PIECE);
}

static const ask_kind_t ask_catch_up = {.take = take, .settle = control_finish};

void catch_up_start (core_t *self)
{
    self->letters_whole = true;
    if (self->letters.count >= self->dead_count)
        return;
    ask_t *ask = control_ask_new (self, &ask_catch_up);
    control_scan (self, ask, 0, UINT64_MAX, CATCH_UP_PIECE);
}
