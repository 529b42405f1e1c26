#include "core/flow/mark.h"

#include "core/pairs.h"
#include "wire/mp.h"

void mark_body (plv_buf_t *buf, plv_view_t body, const char *key)
{
    plv_buf_t pairs = {0}, marks = {0};
    plv_mp_t value;
    plv_view_t metadata = {0};
    uint32_t count, marked = 0;

    if (!plv_mp_valid (body, MP_MAP)) {
        plv_buf_add_view (buf, body);
        return;
    }
    if (plv_mp_find (body, "metadata", &value) && plv_mp_peek (&value) == MP_MAP)
        plv_mp_skip (&value, &metadata);
    count = pairs_copy_but (&pairs, body, "metadata", "metadata");
    marked = pairs_copy_but (&marks, metadata, key, key);
    plv_buf_check (&pairs);
    plv_buf_check (&marks);
    plv_mp_put_map (buf, count + 1);
    plv_buf_add_view (buf, plv_buf_view (&pairs));
    plv_mp_put_text (buf, "metadata");
    plv_mp_put_map (buf, marked + 1);
    plv_buf_add_view (buf, plv_buf_view (&marks));
    plv_mp_put_text (buf, key);
    plv_mp_put_bool (buf, true);
    plv_buf_check (buf);
    plv_buf_free (&pairs);
    plv_buf_free (&marks);
}
