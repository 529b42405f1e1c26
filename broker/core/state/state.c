#include "core/state/state.h"

#include "base/map.h"
#include "wire/mp.h"

static const uint8_t empty_map = 0x80;

plv_view_t state_view (const plv_buf_t *state)
{
    return state->size ? plv_buf_view (state) : plv_view (&empty_map, 1);
}

typedef struct {
    plv_view_t key;
    plv_view_t value;
} pair_t;

static bool next_pair (plv_mp_t *map, pair_t *ret_pair)
{
    return plv_mp_str (map, &ret_pair->key) && plv_mp_skip (map, &ret_pair->value);
}

/*  Where each key of `map` stands last: of one that comes twice, the last value counts.  */
static void index_keys (plv_map_t *index, plv_view_t map, const uint8_t seed[16])
{
    plv_mp_t reader = plv_mp (map);
    uint32_t count = 0;
    pair_t pair;

    plv_map_init (index, seed);
    plv_mp_map (&reader, &count);
    while (count-- && next_pair (&reader, &pair)) {
        plv_map_remove (index, pair.key); /* the key that is kept lies in front of its value */
        plv_map_put (index, pair.key, (void *) (uintptr_t) pair.value.data);
    }
}

static bool is_nil (plv_view_t value)
{
    return value.size == 1 && value.data[0] == 0xc0;
}

static bool keys_are_texts (plv_view_t map)
{
    plv_mp_t reader = plv_mp (map);
    uint32_t count;
    pair_t pair;

    if (!plv_mp_map (&reader, &count))
        return false;
    while (count--)
        if (!next_pair (&reader, &pair))
            return false;
    return true;
}

/*  Copies the pairs of `map` that `index` does not place elsewhere, nil values left out; returns how many.  */
static uint32_t copy_pairs (plv_buf_t *into, plv_view_t map, const plv_map_t *index)
{
    plv_mp_t reader = plv_mp (map);
    uint32_t count = 0, copied = 0;
    pair_t pair;

    plv_mp_map (&reader, &count);
    while (count-- && next_pair (&reader, &pair)) {
        const void *place = plv_map_get (index, pair.key);
        if (is_nil (pair.value) || (place && place != pair.value.data))
            continue;
        plv_mp_put_str (into, pair.key);
        plv_buf_add_view (into, pair.value);
        copied++;
    }
    return copied;
}

plv_err_t state_patch (plv_buf_t *state, plv_view_t patch, const uint8_t seed[16], size_t bytes_max,
                       plv_fail_t *ret_fail)
{
    if (!plv_mp_valid (patch, MP_MAP) || !keys_are_texts (patch))
        return plv_fail (ret_fail, ERR_MSGPACK, "the state is not a map with text keys");

    plv_buf_t pairs = {0}, merged = {0};
    plv_err_t err = ERR_OK;
    plv_map_t index;
    index_keys (&index, patch, seed);
    uint32_t count = copy_pairs (&pairs, state_view (state), &index);
    count += copy_pairs (&pairs, patch, &index);
    plv_map_free (&index);
    plv_buf_check (&pairs);
    plv_mp_put_map (&merged, count);
    plv_buf_add_view (&merged, plv_buf_view (&pairs));
    plv_buf_check (&merged);
    if (merged.size > bytes_max) {
        err = plv_fail (ret_fail, ERR_FULL,
                        "the session's state would have %zu bytes, at most %zu are kept",
                        merged.size, bytes_max);
        goto done;
    }
    plv_buf_free (state);
    *state = merged;
    merged = (plv_buf_t){0};
done:
    plv_buf_free (&pairs);
    plv_buf_free (&merged);
    return err;
}

void state_subset (const plv_buf_t *state, plv_view_t keys, plv_buf_t *ret_subset)
{
    plv_view_t map = state_view (state);
    for (size_t at = 0; at < keys.size;) {
        const char *key = (const char *) keys.data + at;
        plv_mp_t value;
        plv_view_t raw;
        at += strlen (key) + 1;
        plv_mp_put_text (ret_subset, key);
        if (plv_mp_find (map, key, &value) && plv_mp_skip (&value, &raw))
            plv_buf_add_view (ret_subset, raw);
        else
            plv_mp_put_nil (ret_subset);
    }
}
