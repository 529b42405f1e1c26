#include "wire/mp.h"

#include "base/limits.h"

/*  What the tags 0xc0 to 0xdf announce: the bytes of a length field, and the bytes of value (or of an
    extension's type) that follow beside it.  */
typedef struct {
    uint8_t type;
    uint8_t width;
    uint8_t fixed;
} tag_t;

static const tag_t TAGS[32] = {
    {MP_NIL, 0, 0},   {MP_NONE, 0, 0},  {MP_BOOL, 0, 0},  {MP_BOOL, 0, 0},  /* c0 */
    {MP_BIN, 1, 0},   {MP_BIN, 2, 0},   {MP_BIN, 4, 0},   {MP_EXT, 1, 1},   /* c4 */
    {MP_EXT, 2, 1},   {MP_EXT, 4, 1},   {MP_FLOAT, 0, 4}, {MP_FLOAT, 0, 8}, /* c8 */
    {MP_UINT, 0, 1},  {MP_UINT, 0, 2},  {MP_UINT, 0, 4},  {MP_UINT, 0, 8},  /* cc */
    {MP_INT, 0, 1},   {MP_INT, 0, 2},   {MP_INT, 0, 4},   {MP_INT, 0, 8},   /* d0 */
    {MP_EXT, 0, 2},   {MP_EXT, 0, 3},   {MP_EXT, 0, 5},   {MP_EXT, 0, 9},   /* d4 */
    {MP_EXT, 0, 17},  {MP_STR, 1, 0},   {MP_STR, 2, 0},   {MP_STR, 4, 0},   /* d8 */
    {MP_ARRAY, 2, 0}, {MP_ARRAY, 4, 0}, {MP_MAP, 2, 0},   {MP_MAP, 4, 0},   /* dc */
};

/*  One value's beginning: what follows are `bytes` of content, then `count` values or pairs.  */
typedef struct {
    plv_mp_type_t type;
    uint32_t count;
    const uint8_t *content;
    size_t bytes;
} head_t;

static plv_mp_type_t type_of (uint8_t tag)
{
    if (tag < 0x80)
        return MP_UINT;
    if (tag < 0x90)
        return MP_MAP;
    if (tag < 0xa0)
        return MP_ARRAY;
    if (tag < 0xc0)
        return MP_STR;
    if (tag < 0xe0)
        return TAGS[tag - 0xc0].type;
    return MP_INT;
}

static uint32_t length_at (const uint8_t *at, unsigned width)
{
    return width == 1 ? *at : width == 2 ? plv_get_u16 (at) : plv_get_u32 (at);
}

static bool head_long (const plv_mp_t *self, head_t *ret_head)
{
    const tag_t *tag = &TAGS[*self->at - 0xc0];
    const uint8_t *at = self->at + 1;
    size_t left = (size_t) (self->end - at);
    if (tag->type == MP_NONE || left < tag->width)
        return false;

    uint32_t length = tag->width ? length_at (at, tag->width) : 0;
    bool counted = tag->type == MP_ARRAY || tag->type == MP_MAP;
    size_t bytes = tag->fixed + (counted ? 0 : (size_t) length);
    if (left - tag->width < bytes)
        return false;
    *ret_head = (head_t){.type = tag->type,
                         .count = counted ? length : 0,
                         .content = at + tag->width,
                         .bytes = bytes};
    return true;
}

static inline bool head (const plv_mp_t *self, head_t *ret_head)
{
    if (self->at == self->end)
        return false;
    uint8_t tag = *self->at;
    if (tag >= 0xc0 && tag < 0xe0)
        return head_long (self, ret_head);

    plv_mp_type_t type = type_of (tag);
    size_t bytes = type == MP_STR ? tag & 31u : 0;
    if ((size_t) (self->end - self->at) - 1 < bytes)
        return false;
    *ret_head = (head_t){.type = type,
                         .count = type == MP_MAP || type == MP_ARRAY ? tag & 15u : 0,
                         .content = self->at + 1,
                         .bytes = bytes};
    return true;
}

static bool head_of (plv_mp_t *self, plv_mp_type_t type, head_t *ret_head)
{
    head_t found;
    if (!head (self, &found) || found.type != type)
        return false;
    *ret_head = found;
    self->at = found.content + found.bytes;
    return true;
}

plv_mp_type_t plv_mp_peek (const plv_mp_t *self)
{
    return self->at == self->end ? MP_NONE : type_of (*self->at);
}

bool plv_mp_nil (plv_mp_t *self)
{
    if (self->at == self->end || *self->at != 0xc0)
        return false;
    self->at++;
    return true;
}

bool plv_mp_bool (plv_mp_t *self, bool *ret_value)
{
    if (self->at == self->end || (*self->at & 0xfe) != 0xc2)
        return false;
    *ret_value = *self->at++ == 0xc3;
    return true;
}

static uint64_t bits_at (const head_t *number)
{
    switch (number->bytes) {
    case 1:
        return *number->content;
    case 2:
        return plv_get_u16 (number->content);
    case 4:
        return plv_get_u32 (number->content);
    default:
        return plv_get_u64 (number->content);
    }
}

/*  Fixed numbers have no content: the tag itself is the value.  */
static int64_t signed_at (const head_t *number)
{
    switch (number->bytes) {
    case 0:
        return (int8_t) number->content[-1];
    case 1:
        return (int8_t) bits_at (number);
    case 2:
        return (int16_t) bits_at (number);
    case 4:
        return (int32_t) bits_at (number);
    default:
        return (int64_t) bits_at (number);
    }
}

static uint64_t unsigned_at (const head_t *number)
{
    return number->bytes ? bits_at (number) : number->content[-1];
}

bool plv_mp_u64 (plv_mp_t *self, uint64_t *ret_value)
{
    if (self->at != self->end && *self->at < 0x80) {
        *ret_value = *self->at++;
        return true;
    }
    head_t number;
    if (!head (self, &number) || (number.type != MP_UINT && number.type != MP_INT))
        return false;
    if (number.type == MP_INT && signed_at (&number) < 0)
        return false;
    *ret_value = number.type == MP_INT ? (uint64_t) signed_at (&number) : unsigned_at (&number);
    self->at = number.content + number.bytes;
    return true;
}

bool plv_mp_i64 (plv_mp_t *self, int64_t *ret_value)
{
    head_t number;
    if (!head (self, &number) || (number.type != MP_UINT && number.type != MP_INT))
        return false;
    if (number.type == MP_UINT && unsigned_at (&number) > INT64_MAX)
        return false;
    *ret_value = number.type == MP_INT ? signed_at (&number) : (int64_t) unsigned_at (&number);
    self->at = number.content + number.bytes;
    return true;
}

static double float_at (const head_t *number)
{
    uint64_t bits = bits_at (number);
    if (number->bytes == 8) {
        double value;
        memcpy (&value, &bits, sizeof value);
        return value;
    }
    uint32_t narrow = (uint32_t) bits;
    float value;
    memcpy (&value, &narrow, sizeof value);
    return (double) value;
}

bool plv_mp_double (plv_mp_t *self, double *ret_value)
{
    head_t number;
    if (!head (self, &number))
        return false;
    if (number.type == MP_FLOAT)
        *ret_value = float_at (&number);
    else if (number.type == MP_UINT)
        *ret_value = (double) unsigned_at (&number);
    else if (number.type == MP_INT)
        *ret_value = (double) signed_at (&number);
    else
        return false;
    self->at = number.content + number.bytes;
    return true;
}

static bool content_of (plv_mp_t *self, plv_mp_type_t type, plv_view_t *ret_content)
{
    head_t found;
    if (!head_of (self, type, &found))
        return false;
    *ret_content = plv_view (found.content, found.bytes);
    return true;
}

/*  Most texts, and nearly all keys, are shorter than 32 bytes: their head is one byte.  */
bool plv_mp_str (plv_mp_t *self, plv_view_t *ret_text)
{
    size_t left = (size_t) (self->end - self->at);
    if (left && (*self->at & 0xe0) == 0xa0 && (*self->at & 31u) < left) {
        *ret_text = plv_view (self->at + 1, *self->at & 31u);
        self->at += 1 + ret_text->size;
        return true;
    }
    return content_of (self, MP_STR, ret_text);
}

bool plv_mp_bin (plv_mp_t *self, plv_view_t *ret_bytes)
{
    return content_of (self, MP_BIN, ret_bytes);
}

static bool count_of (plv_mp_t *self, plv_mp_type_t type, uint32_t *ret_count)
{
    head_t found;
    if (!head_of (self, type, &found))
        return false;
    *ret_count = found.count;
    return true;
}

bool plv_mp_array (plv_mp_t *self, uint32_t *ret_count)
{
    return count_of (self, MP_ARRAY, ret_count);
}

bool plv_mp_map (plv_mp_t *self, uint32_t *ret_count)
{
    return count_of (self, MP_MAP, ret_count);
}

/*  Walks one value without recursion: open[] holds how many values each open container still wants.
    Every value takes a byte at least, so a count beyond the bytes left is refused at once.  */
static bool walk (plv_mp_t *self, bool texts)
{
    size_t open[MSGPACK_DEPTH_MAX + 1];
    size_t depth = 0;
    open[0] = 1;
    plv_mp_t at = *self;
    for (;;) {
        head_t next;
        if (!head (&at, &next))
            return false;
        if (texts && next.type == MP_STR && !plv_utf8_valid (plv_view (next.content, next.bytes)))
            return false;
        at.at = next.content + next.bytes;
        open[depth]--;
        bool container = next.type == MP_ARRAY || next.type == MP_MAP;
        if (container && depth == MSGPACK_DEPTH_MAX)
            return false;
        if (next.count) {
            size_t values = next.type == MP_MAP ? (size_t) next.count * 2 : next.count;
            if (values > (size_t) (at.end - at.at))
                return false;
            open[++depth] = values;
        }
        while (!open[depth]) {
            if (!depth) {
                self->at = at.at;
                return true;
            }
            depth--;
        }
    }
}

bool plv_mp_skip (plv_mp_t *self, plv_view_t *ret_raw)
{
    const uint8_t *start = self->at;
    if (!walk (self, false))
        return false;
    if (ret_raw)
        *ret_raw = plv_view (start, (size_t) (self->at - start));
    return true;
}

bool plv_mp_valid (plv_view_t bytes, plv_mp_type_t type)
{
    plv_mp_t at = plv_mp (bytes);
    return plv_mp_peek (&at) == type && walk (&at, true) && plv_mp_done (&at);
}

bool plv_mp_find (plv_view_t map, const char *key, plv_mp_t *ret_value)
{
    plv_mp_t at = plv_mp (map);
    plv_view_t wanted = plv_view_str (key);
    uint32_t pairs;
    if (!plv_mp_map (&at, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        plv_view_t name = {0};
        bool text = plv_mp_str (&at, &name);
        if (!text && !plv_mp_skip (&at, NULL))
            return false;
        if (text && plv_view_equal (name, wanted)) {
            *ret_value = at;
            return true;
        }
        if (!plv_mp_skip (&at, NULL))
            return false;
    }
    return false;
}

plv_view_t plv_mp_find_str (plv_view_t map, const char *key)
{
    plv_view_t text = plv_view ("", 0);
    plv_mp_t at;
    if (plv_mp_find (map, key, &at))
        plv_mp_str (&at, &text);
    return text;
}
