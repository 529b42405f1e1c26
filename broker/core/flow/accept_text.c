#include "core/flow/accept_text.h"

#include "core/pairs.h"
#include "wire/mp.h"

static plv_view_t find_map (plv_view_t map, const char *key)
{
    static const uint8_t empty = 0x80;
    plv_mp_t value;
    plv_view_t raw;
    if (plv_mp_find (map, key, &value) && plv_mp_peek (&value) == MP_MAP
        && plv_mp_skip (&value, &raw))
        return raw;
    return plv_view (&empty, 1);
}

/*  What came with the second message, but for its text: its id, metadata, attachments.  */
static void put_second (plv_buf_t *buf, plv_view_t second, const plv_id_t *id)
{
    char text[PLV_ID_TEXT_BYTES];
    plv_buf_t rest = {0};
    uint32_t count = pairs_copy_but (&rest, second, "message_text", "id");
    plv_id_format (id, text);
    plv_mp_put_map (buf, count + 1);
    plv_mp_pair_text (buf, "id", text);
    plv_buf_add_view (buf, plv_buf_view (&rest));
    plv_buf_free (&rest);
}

static void put_merged (plv_buf_t *buf, plv_view_t metadata, plv_view_t second, const plv_id_t *id)
{
    plv_mp_t value;
    uint32_t count = 0;
    bool more = plv_mp_find (metadata, "merged", &value) && plv_mp_array (&value, &count);
    plv_mp_put_text (buf, "merged");
    plv_mp_put_array (buf, count + 1);
    for (plv_view_t raw; more && count && plv_mp_skip (&value, &raw); count--)
        plv_buf_add_view (buf, raw);
    put_second (buf, second, id);
}

static void put_text (plv_buf_t *buf, plv_view_t first, plv_view_t second)
{
    plv_buf_t text = {0};
    plv_buf_add_view (&text, plv_mp_find_str (first, "message_text"));
    plv_buf_add_u8 (&text, '\n');
    plv_buf_add_view (&text, plv_mp_find_str (second, "message_text"));
    plv_mp_pair_str (buf, "message_text", plv_buf_view (&text));
    plv_buf_free (&text);
}

void accept_join_texts (plv_buf_t *buf, plv_view_t first, plv_view_t second, const plv_id_t *id)
{
    plv_view_t metadata = find_map (first, "metadata");
    plv_buf_t body = {0}, marks = {0};

    uint32_t pairs = pairs_copy_but (&body, first, "message_text", "metadata");
    uint32_t mark_count = pairs_copy_but (&marks, metadata, "merged", "merged");
    plv_mp_put_map (buf, pairs + 2);
    plv_buf_add_view (buf, plv_buf_view (&body));
    put_text (buf, first, second);
    plv_mp_put_text (buf, "metadata");
    plv_mp_put_map (buf, mark_count + 1);
    plv_buf_add_view (buf, plv_buf_view (&marks));
    put_merged (buf, metadata, second, id);
    plv_buf_check (buf);
    plv_buf_free (&body);
    plv_buf_free (&marks);
}
