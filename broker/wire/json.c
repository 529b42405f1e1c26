#include "wire/json.h"

#include "base/limits.h"
#include "wire/mp.h"

#include <jansson.h>

static bool put_value (plv_buf_t *out, const json_t *value, unsigned depth);

static plv_view_t text_of (const json_t *string)
{
    return plv_view (json_string_value (string), json_string_length (string));
}

static bool put_array (plv_buf_t *out, const json_t *array, unsigned depth)
{
    size_t count = json_array_size (array);
    plv_mp_put_array (out, (uint32_t) count);
    for (size_t at = 0; at < count; at++) {
        if (!put_value (out, json_array_get (array, at), depth + 1))
            return false;
    }
    return true;
}

static bool put_pairs (plv_buf_t *out, const json_t *object, unsigned depth)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *) object, key, value)
    {
        plv_mp_put_text (out, key);
        if (!put_value (out, value, depth + 1))
            return false;
    }
    return true;
}

/*  False when it is nested deeper than the wire allows.  */
static bool put_value (plv_buf_t *out, const json_t *value, unsigned depth)
{
    if (depth >= MSGPACK_DEPTH_MAX)
        return false;
    switch (json_typeof (value)) {
    case JSON_OBJECT:
        plv_mp_put_map (out, (uint32_t) json_object_size (value));
        return put_pairs (out, value, depth);
    case JSON_ARRAY:
        return put_array (out, value, depth);
    case JSON_STRING:
        plv_mp_put_str (out, text_of (value));
        return true;
    case JSON_INTEGER:
        plv_mp_put_i64 (out, json_integer_value (value));
        return true;
    case JSON_REAL:
        plv_mp_put_double (out, json_real_value (value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        plv_mp_put_bool (out, json_is_true (value));
        return true;
    case JSON_NULL:
        break;
    }
    plv_mp_put_nil (out);
    return true;
}

static plv_err_t parse (plv_view_t text, plv_json_kind_t kind, json_t **ret_value,
                        plv_fail_t *ret_fail)
{
    json_error_t error;
    json_t *value =
        json_loadb ((const char *) text.data, text.size,
                    JSON_REJECT_DUPLICATES | (kind == PLV_JSON_ANY ? JSON_DECODE_ANY : 0), &error);
    if (!value)
        return plv_fail (ret_fail, ERR_SYNTAX, "not JSON: line %d: %s", error.line, error.text);
    if ((kind == PLV_JSON_OBJECT && !json_is_object (value))
        || (kind == PLV_JSON_ARRAY && !json_is_array (value))) {
        json_decref (value);
        return plv_fail (ret_fail, ERR_SYNTAX, "the JSON is no %s",
                         kind == PLV_JSON_OBJECT ? "object" : "array");
    }
    *ret_value = value;
    return ERR_OK;
}

static plv_err_t deeper (plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, ERR_RANGE, "the JSON is nested deeper than %d",
                     (int) MSGPACK_DEPTH_MAX);
}

plv_err_t plv_json_to_mp (plv_buf_t *out, plv_view_t text, plv_json_kind_t kind,
                          plv_fail_t *ret_fail)
{
    json_t *value = NULL;
    size_t start = out->size;
    plv_err_t err = parse (text, kind, &value, ret_fail);
    if (!err && !put_value (out, value, 1))
        err = deeper (ret_fail);
    if (err)
        out->size = start;
    json_decref (value);
    return err;
}

bool plv_json_put_value (plv_buf_t *out, const struct json_t *value)
{
    size_t start = out->size;
    if (put_value (out, value, 1))
        return true;
    out->size = start;
    return false;
}

plv_err_t plv_json_pairs_to_mp (plv_buf_t *out, plv_view_t text, uint32_t *count,
                                plv_fail_t *ret_fail)
{
    json_t *value = NULL;
    size_t start = out->size;
    plv_err_t err = parse (text, PLV_JSON_OBJECT, &value, ret_fail);
    if (!err && !put_pairs (out, value, 1))
        err = deeper (ret_fail);
    if (err)
        out->size = start;
    else
        *count += (uint32_t) json_object_size (value);
    json_decref (value);
    return err;
}
