#include "base/utf8.h"
#include "wire/mp.h"

/*  A tag and a number of `width` bytes behind it, in one append.  */
static void put_tagged (plv_buf_t *self, uint8_t tag, uint64_t value, unsigned width)
{
    uint8_t bytes[9];
    plv_put_u64 (bytes + 1, value << (64 - 8 * width));
    bytes[0] = tag;
    plv_buf_add (self, bytes, 1 + (size_t) width);
}

void plv_mp_put_u64_long (plv_buf_t *self, uint64_t value)
{
    if (value <= UINT8_MAX)
        put_tagged (self, 0xcc, value, 1);
    else if (value <= UINT16_MAX)
        put_tagged (self, 0xcd, value, 2);
    else if (value <= UINT32_MAX)
        put_tagged (self, 0xce, value, 4);
    else
        put_tagged (self, 0xcf, value, 8);
}

void plv_mp_put_i64 (plv_buf_t *self, int64_t value)
{
    if (value >= 0)
        plv_mp_put_u64 (self, (uint64_t) value);
    else if (value >= -32)
        plv_buf_add_u8 (self, (uint8_t) value);
    else if (value >= INT8_MIN)
        put_tagged (self, 0xd0, (uint64_t) value, 1);
    else if (value >= INT16_MIN)
        put_tagged (self, 0xd1, (uint64_t) value, 2);
    else if (value >= INT32_MIN)
        put_tagged (self, 0xd2, (uint64_t) value, 4);
    else
        put_tagged (self, 0xd3, (uint64_t) value, 8);
}

void plv_mp_put_double (plv_buf_t *self, double value)
{
    uint64_t bits;
    memcpy (&bits, &value, sizeof bits);
    put_tagged (self, 0xcb, bits, 8);
}

void plv_mp_put_text (plv_buf_t *self, const char *text)
{
    if (text)
        plv_mp_put_str (self, plv_view_str (text));
    else
        plv_mp_put_nil (self);
}

void plv_mp_put_words (plv_buf_t *self, plv_view_t words)
{
    plv_mp_put_str (self, words);
    if (plv_utf8_valid (words) || self->failed)
        return;
    uint8_t *at = self->data + self->size - words.size, *end = self->data + self->size;
    while (at < end) {
        size_t size = plv_utf8_size (at, (size_t) (end - at));
        if (!size)
            *at = '?';
        at += size ? size : 1;
    }
}

void plv_mp_put_head_long (plv_buf_t *self, uint8_t tag8, uint64_t size)
{
    if (size <= UINT8_MAX)
        put_tagged (self, tag8, size, 1);
    else if (size <= UINT16_MAX)
        put_tagged (self, (uint8_t) (tag8 + 1), size, 2);
    else
        put_tagged (self, (uint8_t) (tag8 + 2), size, 4);
}

void plv_mp_put_array (plv_buf_t *self, uint32_t count)
{
    if (count < 16)
        plv_buf_add_u8 (self, (uint8_t) (0x90 | count));
    else if (count <= UINT16_MAX)
        put_tagged (self, 0xdc, count, 2);
    else
        put_tagged (self, 0xdd, count, 4);
}

void plv_mp_put_map (plv_buf_t *self, uint32_t count)
{
    if (count < 16)
        plv_buf_add_u8 (self, (uint8_t) (0x80 | count));
    else if (count <= UINT16_MAX)
        put_tagged (self, 0xde, count, 2);
    else
        put_tagged (self, 0xdf, count, 4);
}
