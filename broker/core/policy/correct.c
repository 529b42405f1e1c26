#include "core/policy/correct.h"

#include "core/pairs.h"
#include "wire/mp.h"

static plv_view_t metadata_of (plv_view_t body)
{
    plv_mp_t value;
    plv_view_t metadata = {0};
    if (plv_mp_find (body, "metadata", &value) && plv_mp_peek (&value) == MP_MAP)
        plv_mp_skip (&value, &metadata);
    return metadata;
}

bool correct_body (plv_buf_t *buf, plv_view_t body, plv_view_t text, const char *original)
{
    plv_buf_t pairs = {0}, metadata = {0};
    if (!plv_mp_valid (body, MP_MAP))
        return false;
    uint32_t count = pairs_copy_but (&pairs, body, "message_text", "metadata");
    uint32_t marks = pairs_copy_but (&metadata, metadata_of (body), "copy_of", "copy_of");
    plv_buf_check (&pairs);
    plv_buf_check (&metadata);
    plv_mp_put_map (buf, count + 2);
    plv_mp_pair_str (buf, "message_text", text);
    plv_buf_add_view (buf, plv_buf_view (&pairs));
    plv_mp_put_text (buf, "metadata");
    plv_mp_put_map (buf, marks + 1);
    plv_buf_add_view (buf, plv_buf_view (&metadata));
    plv_mp_pair_text (buf, "copy_of", original);
    plv_buf_check (buf);
    plv_buf_free (&pairs);
    plv_buf_free (&metadata);
    return true;
}

plv_view_t correct_of (plv_view_t body)
{
    plv_view_t metadata = metadata_of (body);
    return metadata.size ? plv_mp_find_str (metadata, "copy_of") : metadata;
}
