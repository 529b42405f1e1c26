#include "core/dead/dead_show.h"

#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/ask/control_show.h"
#include "core/dead/dead_list.h"
#include "core/dead/dead_named.h"
#include "core/dead/letter.h"
#include "core/internal.h"
#include "wire/mask.h"

static void show_one (core_t *self, ask_t *ask, const plv_row_t *row)
{
    entry_t *entry = NULL;
    dead_t dead;
    if (letter_read (row, &dead, &entry)) {
        plv_buf_t item = {0};
        bool with_row = ask->rows && row->value.size <= EXPORT_BYTES_MAX;
        control_dead_item (self, &dead, entry, true, with_row ? row->value : plv_view (NULL, 0),
                           ask->masked ? &item : &ask->items);
        if (ask->masked)
            plv_mask_put (&ask->items, plv_buf_view (&item));
        plv_buf_free (&item);
        ask->item_count++;
    } else {
        ask->missing++;
    }
    entry_destroy (&entry);
}

static const char *start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    return named_start (self, ask, arguments) ? NULL : NAMED_HOW;
}

static void take (core_t *self, ask_t *ask, const input_t *input)
{
    named_take (self, ask, input, show_one);
}

static void settle (core_t *self, ask_t *ask)
{
    peer_t *peer = control_asker (self, ask, "");
    if (peer && ask->item_count == 0)
        control_fail (self, peer, ask->request, ERR_NOENT,
                      "there is no dead letter of this number or id");
    else if (peer)
        list_answer (self, peer, ask);
    control_finish (self, ask);
}

const ask_kind_t ask_dead_show = {.start = start, .take = take, .settle = settle};
