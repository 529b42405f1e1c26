#include "core/flow/accept_text.h"

#include "wire/mp.h"

typedef struct {
    plv_buf_t pairs;
    uint32_t count;
} pairs_t;

/*  The pairs of `map` whose key is neither `one` nor `other`.  */
static void copy_except (pairs_t *into, plv_view_t map, const char *one, const char *other)
{
    plv_mp_t reader = plv_mp (map);
    uint32_t count = 0;
    plv_view_t key, value;

    plv_mp_map (&reader, &count);
    for (; count && plv_mp_skip (&reader, &key) && plv_mp_skip (&reader, &value); count--) {
        plv_mp_t name = plv_mp (key);
        plv_view_t text = {0};
        if (plv_mp_str (&name, &text) && (plv_view_is (text, one) || plv_view_is (text, other)))
            continue;
        plv_buf_add_view (&into->pairs, key);
        plv_buf_add_view (&into->pairs, value);
        into->count++;
    }
}

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
    pairs_t rest = {0};
    copy_except (&rest, second, "message_text", "id");
    plv_id_format (id, text);
    plv_mp_put_map (buf, rest.count + 1);
    plv_mp_pair_text (buf, "id", text);
    plv_buf_add_view (buf, plv_buf_view (&rest.pairs));
    plv_buf_free (&rest.pairs);
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
    pairs_t body = {0}, marks = {0};

    copy_except (&body, first, "message_text", "metadata");
    copy_except (&marks, metadata, "merged", "merged");
    plv_mp_put_map (buf, body.count + 2);
    plv_buf_add_view (buf, plv_buf_view (&body.pairs));
    put_text (buf, first, second);
    plv_mp_put_text (buf, "metadata");
    plv_mp_put_map (buf, marks.count + 1);
    plv_buf_add_view (buf, plv_buf_view (&marks.pairs));
    put_merged (buf, metadata, second, id);
    plv_buf_check (buf);
    plv_buf_free (&body.pairs);
    plv_buf_free (&marks.pairs);
}
