#include "core/dead/dead_named.h"

#include "base/bytes.h"
#include "core/ask/command.h"
#include "core/ask/control_ask.h"
#include "core/internal.h"
#include "wire/mp.h"

/*  A letter is found by its number, or by its id through the view DEAD_IDS.  */

enum { NAMED_MAX = 1000, ID_KEY_BYTES = PLV_ID_BYTES + 8 };

/*  What a map names under `key`: one, or an array of them. False when there are too many, or others.  */
static bool read_named (plv_view_t arguments, const char *key, uint32_t most, uint32_t *ret_count,
                        plv_mp_t *ret_value)
{
    *ret_count = 0;
    if (!plv_mp_find (arguments, key, ret_value))
        return true;
    if (plv_mp_peek (ret_value) == MP_ARRAY)
        return plv_mp_array (ret_value, ret_count) && *ret_count <= most;
    *ret_count = 1;
    return true;
}

static bool read_id (plv_mp_t *value, plv_id_t *ret_id)
{
    char text[PLV_ID_TEXT_BYTES] = "";
    plv_view_t bytes;
    if (plv_mp_bin (value, &bytes) && bytes.size == PLV_ID_BYTES) {
        memcpy (ret_id->bytes, bytes.data, PLV_ID_BYTES);
        return true;
    }
    if (!plv_mp_str (value, &bytes) || bytes.size >= sizeof text)
        return false;
    memcpy (text, bytes.data, bytes.size);
    return plv_id_parse (text, ret_id);
}

bool named_start (core_t *self, ask_t *ask, plv_view_t arguments)
{
    bool show = ask->command == COMMAND_DEAD_SHOW;
    uint32_t most = show ? 1 : NAMED_MAX; /* a letter that is shown whole may fill an answer */
    plv_mp_t numbers, ids;
    uint32_t number_count, id_count;
    uint64_t number;
    plv_id_t id;
    if (!read_named (arguments, show ? "number" : "numbers", most, &number_count, &numbers)
        || !read_named (arguments, show ? "id" : "ids", most, &id_count, &ids)
        || number_count + id_count == 0 || number_count + id_count > most)
        return false;
    for (; number_count; number_count--) {
        if (!plv_mp_u64 (&numbers, &number))
            return false;
        plv_buf_add (&ask->numbers, &number, sizeof number);
    }
    for (; id_count; id_count--) {
        if (!read_id (&ids, &id))
            return false;
        control_scan_id (self, ask, &id);
    }
    if (ask->waiting == 0)
        control_scan_numbers (self, ask);
    return ask->waiting > 0;
}

void named_take (core_t *self, ask_t *ask, const input_t *input, named_one_t *one)
{
    plv_row_t row;
    bool any = false;
    for (size_t at = 0; plv_row_next (input->bytes, &at, &row); any = true) {
        if (row.view == VIEW_DEAD) {
            one (self, ask, &row);
        } else if (row.view == VIEW_DEAD_IDS && row.key.size == ID_KEY_BYTES) {
            uint64_t number = plv_get_u64 (row.key.data + PLV_ID_BYTES);
            plv_buf_add (&ask->numbers, &number, sizeof number);
        }
    }
    ask->missing += !any;
    if (ask->waiting == 0 && ask->numbers.size)
        control_scan_numbers (self, ask);
}
