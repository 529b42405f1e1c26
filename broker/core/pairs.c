#include "core/pairs.h"

#include "wire/mp.h"

uint32_t pairs_copy_but (plv_buf_t *buf, plv_view_t map, const char *one, const char *other)
{
    plv_mp_t reader = plv_mp (map);
    uint32_t count, copied = 0;
    plv_view_t name, value;
    if (!plv_mp_map (&reader, &count))
        return 0;
    for (; count && plv_mp_skip (&reader, &name) && plv_mp_skip (&reader, &value); count--) {
        plv_mp_t text = plv_mp (name);
        plv_view_t plain = {0};
        if (plv_mp_str (&text, &plain) && (plv_view_is (plain, one) || plv_view_is (plain, other)))
            continue;
        plv_buf_add_view (buf, name);
        plv_buf_add_view (buf, value);
        copied++;
    }
    return copied;
}
