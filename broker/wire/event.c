#include "wire/event.h"

#include "base/limits.h"
#include "wire/mp.h"

enum { NEED_optional, NEED_required };
enum { KEEP_kept, KEEP_live, KEEP_made };
typedef enum { KIND_ID, KIND_TYPE, KIND_TEXT, KIND_TIME } kind_t;

typedef struct {
    const char *name;
    uint8_t name_bytes;
    uint8_t kind;
    uint16_t bytes_max;
    uint16_t offset;
    bool need;
} field_t;

typedef struct {
    const char *name;
    uint8_t name_bytes;
    uint8_t keep;
} type_t;

#define EVENT(name, text, kept, meaning)
#define BODY(event, field, type, need, meaning)
#define FIELD(name_, kind_, max_, need_, meaning_)                                                 \
    {.name = #name_,                                                                               \
     .name_bytes = sizeof (#name_) - 1,                                                            \
     .kind = KIND_##kind_,                                                                         \
     .bytes_max = (max_),                                                                          \
     .offset = offsetof (plv_envelope_t, name_),                                                   \
     .need = NEED_##need_},
static const field_t FIELDS[] = {
#include "wire/events.def"
};
#undef EVENT
#undef FIELD
#define FIELD(name, kind, max, need, meaning)
#define EVENT(name_, text_, kept_, meaning_)                                                       \
    [EVENT_##name_] = {.name = (text_), .name_bytes = sizeof (text_) - 1, .keep = KEEP_##kept_},
static const type_t TYPES[] = {
#include "wire/events.def"
};
#undef EVENT
#undef FIELD
#undef BODY

enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0] };

const char *plv_event_type_name (plv_event_type_t type)
{
    return type < EVENT_COUNT_ ? TYPES[type].name : NULL;
}

plv_event_type_t plv_event_type_of (plv_view_t name)
{
    for (unsigned i = EVENT_UNKNOWN + 1; i < EVENT_COUNT_; i++) {
        if (name.size == TYPES[i].name_bytes && !memcmp (name.data, TYPES[i].name, name.size))
            return (plv_event_type_t) i;
    }
    return EVENT_UNKNOWN;
}

bool plv_event_type_published (plv_event_type_t type)
{
    return type < EVENT_COUNT_ && TYPES[type].name && TYPES[type].keep == KEEP_kept
           && type != EVENT_CHAT_RESPONSE;
}

bool plv_event_type_routed (plv_event_type_t type)
{
    return plv_event_type_published (type)
           || (type < EVENT_COUNT_ && TYPES[type].name && TYPES[type].keep == KEEP_made);
}

/*  Writers keep the table's order, so the search starts behind the field that was found last.  */
static unsigned field_of (plv_view_t key, unsigned hint)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        unsigned index = hint + i < FIELD_COUNT ? hint + i : hint + i - FIELD_COUNT;
        const field_t *field = &FIELDS[index];
        if (key.size == field->name_bytes && !memcmp (key.data, field->name, key.size))
            return index;
    }
    return FIELD_COUNT;
}

static plv_err_t read_id (plv_mp_t *at, const field_t *field, plv_envelope_t *envelope,
                          plv_fail_t *ret_fail)
{
    plv_view_t bytes;
    if (!plv_mp_bin (at, &bytes))
        return plv_fail (ret_fail, ERR_MSGPACK, "envelope: %s is not bytes", field->name);
    if (bytes.size != PLV_ID_BYTES)
        return plv_fail (ret_fail, ERR_RANGE, "envelope: %s has %zu bytes, not %d", field->name,
                         bytes.size, PLV_ID_BYTES);
    memcpy ((uint8_t *) envelope + field->offset, bytes.data, PLV_ID_BYTES);
    if (field->offset == offsetof (plv_envelope_t, reply_to))
        envelope->has_reply_to = true;
    return ERR_OK;
}

static plv_err_t read_text (plv_mp_t *at, const field_t *field, plv_envelope_t *envelope,
                            plv_fail_t *ret_fail)
{
    plv_view_t text;
    if (!plv_mp_str (at, &text))
        return plv_fail (ret_fail, ERR_MSGPACK, "envelope: %s is not a text", field->name);
    if (!plv_utf8_valid (text))
        return plv_fail (ret_fail, ERR_UTF8, "envelope: %s is not UTF-8", field->name);
    if (text.size > field->bytes_max || (field->need && !text.size))
        return plv_fail (ret_fail, ERR_RANGE,
                         "envelope: %s has %zu bytes, and %d to %u are allowed", field->name,
                         text.size, field->need, field->bytes_max);
    memcpy ((uint8_t *) envelope + field->offset, &text, sizeof text);
    if (field->kind == KIND_TYPE)
        envelope->type_code = plv_event_type_of (text);
    return ERR_OK;
}

static plv_err_t read_field (plv_mp_t *at, const field_t *field, plv_envelope_t *envelope,
                             plv_fail_t *ret_fail)
{
    if (field->kind == KIND_ID)
        return read_id (at, field, envelope, ret_fail);
    if (field->kind != KIND_TIME)
        return read_text (at, field, envelope, ret_fail);
    if (!plv_mp_i64 (at, &envelope->timestamp))
        return plv_fail (ret_fail, ERR_MSGPACK, "envelope: %s is not an integer", field->name);
    if (envelope->timestamp < 0)
        return plv_fail (ret_fail, ERR_RANGE, "envelope: %s is before 1970", field->name);
    return ERR_OK;
}

/*  One pair of the map. `seen` gets the bit of the field that was found, `hint` the next to look for.  */
static plv_err_t read_pair (plv_mp_t *at, plv_envelope_t *envelope, unsigned *seen, unsigned *hint,
                            plv_fail_t *ret_fail)
{
    plv_view_t key;
    bool named = plv_mp_str (at, &key);
    unsigned index = named ? field_of (key, *hint) : FIELD_COUNT;
    if (index == FIELD_COUNT) {
        if ((named || plv_mp_skip (at, NULL)) && plv_mp_skip (at, NULL))
            return ERR_OK;
        return plv_fail (ret_fail, ERR_MSGPACK,
                         "envelope: damaged inside a field that is not known");
    }
    *hint = index + 1;
    if (*seen & 1u << index)
        return plv_fail (ret_fail, ERR_MSGPACK, "envelope: %s comes twice", FIELDS[index].name);
    if (plv_mp_nil (at))
        return ERR_OK;
    *seen |= 1u << index;
    return read_field (at, &FIELDS[index], envelope, ret_fail);
}

static plv_err_t check_needed (unsigned seen, plv_fail_t *ret_fail)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (FIELDS[i].need && !(seen & 1u << i))
            return plv_fail (ret_fail, ERR_MSGPACK, "envelope: %s is missing", FIELDS[i].name);
    }
    return ERR_OK;
}

plv_err_t plv_envelope_parse (plv_view_t bytes, plv_envelope_t *ret_envelope, plv_fail_t *ret_fail)
{
    plv_envelope_t envelope = {0};
    plv_mp_t at = plv_mp (bytes);
    uint32_t pairs;
    if (bytes.size > ENVELOPE_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "envelope: %zu bytes, and %d are allowed", bytes.size,
                         ENVELOPE_BYTES_MAX);
    if (!plv_mp_map (&at, &pairs))
        return plv_fail (ret_fail, ERR_MSGPACK, "envelope: not a map");

    unsigned seen = 0;
    unsigned hint = 0;
    for (uint32_t i = 0; i < pairs; i++) {
        plv_err_t err = read_pair (&at, &envelope, &seen, &hint, ret_fail);
        if (err)
            return err;
    }
    if (!plv_mp_done (&at))
        return plv_fail (ret_fail, ERR_MSGPACK, "envelope: %zu bytes too many behind the map",
                         (size_t) (at.end - at.at));
    plv_err_t err = check_needed (seen, ret_fail);
    if (!err)
        *ret_envelope = envelope;
    return err;
}

static plv_view_t text_at (const plv_envelope_t *envelope, const field_t *field)
{
    plv_view_t text;
    memcpy (&text, (const uint8_t *) envelope + field->offset, sizeof text);
    if (field->kind == KIND_TYPE && !text.size)
        return plv_view_str (plv_event_type_name (envelope->type_code));
    return text;
}

static bool has_value (const plv_envelope_t *envelope, const field_t *field)
{
    if (field->kind == KIND_ID)
        return field->need || envelope->has_reply_to;
    return field->kind == KIND_TIME || text_at (envelope, field).size;
}

void plv_envelope_write (plv_buf_t *self, const plv_envelope_t *envelope)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        count += has_value (envelope, &FIELDS[i]);

    plv_mp_put_map (self, count);
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        const field_t *field = &FIELDS[i];
        if (!has_value (envelope, field))
            continue;
        plv_mp_put_str (self, plv_view (field->name, field->name_bytes));
        if (field->kind == KIND_ID)
            plv_mp_put_bin (self,
                            plv_view ((const uint8_t *) envelope + field->offset, PLV_ID_BYTES));
        else if (field->kind == KIND_TIME)
            plv_mp_put_i64 (self, envelope->timestamp);
        else
            plv_mp_put_str (self, text_at (envelope, field));
    }
}

/*  Which text of a body the broker looks at: the first two must have it.  */
static const char *text_key (plv_event_type_t type, bool *ret_need)
{
    *ret_need = type == EVENT_CHAT_MESSAGE || type == EVENT_CHAT_RESPONSE;
    if (type == EVENT_CHAT_MESSAGE || type == EVENT_CHAT_EDIT)
        return "message_text";
    return type == EVENT_CHAT_RESPONSE ? "response_text" : NULL;
}

plv_err_t plv_body_check (plv_event_type_t type, plv_view_t body, plv_view_t *ret_text,
                          plv_fail_t *ret_fail)
{
    if (body.size > BODY_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "body: %zu bytes, and %d are allowed", body.size,
                         BODY_BYTES_MAX);
    if (!plv_mp_valid (body, MP_MAP))
        return plv_fail (ret_fail, ERR_MSGPACK,
                         "body: not one map of msgpack with UTF-8 texts, at most %d deep",
                         MSGPACK_DEPTH_MAX);

    bool need;
    const char *key = text_key (type, &need);
    plv_view_t text = plv_view ("", 0);
    plv_mp_t at;
    bool found = key && plv_mp_find (body, key, &at) && !plv_mp_nil (&at);
    if (found && !plv_mp_str (&at, &text))
        return plv_fail (ret_fail, ERR_MSGPACK, "body: %s is not a text", key);
    if (!found && need)
        return plv_fail (ret_fail, ERR_MSGPACK, "body: %s is missing", key);
    *ret_text = text;
    return ERR_OK;
}
