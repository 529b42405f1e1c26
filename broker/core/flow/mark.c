#include "core/flow/mark.h"

#include "wire/mp.h"

/*  The pairs of `map` but the one named `key`, as they are; returns how many.  */
static uint32_t copy_others (plv_buf_t *buf, plv_view_t map, const char *key)
{
    plv_mp_t reader = plv_mp (map);
    uint32_t count, copied = 0;
    plv_view_t name, value;

    if (!plv_mp_map (&reader, &count))
        return 0;
    for (; count && plv_mp_skip (&reader, &name); count--) {
        plv_mp_t text = plv_mp (name);
        plv_view_t plain = {0};
        bool same = plv_mp_str (&text, &plain) && plv_view_is (plain, key);
        if (!plv_mp_skip (&reader, &value))
            break;
        if (same)
            continue;
        plv_buf_add_view (buf, name);
        plv_buf_add_view (buf, value);
        copied++;
    }
    return copied;
}

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
    count = copy_others (&pairs, body, "metadata");
    marked = copy_others (&marks, metadata, key);
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
