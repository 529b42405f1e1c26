#include "base/id.h"

#include "base/bytes.h"

/*  RFC 9562, 5.7: 48 bits of milliseconds, version 7, rand_a of 12 bits, variant 10, rand_b of 62 bits.
    rand_a holds the fraction of the millisecond (6.2, method 3).  */
plv_id_t plv_id_make (int64_t now_us, uint64_t random)
{
    uint64_t now = now_us > 0 ? (uint64_t) now_us : 0;
    uint64_t fraction = now % 1000 * 4096 / 1000;
    plv_id_t self;
    plv_put_u64 (self.bytes, now / 1000 << 16 | 0x7000 | fraction);
    plv_put_u64 (self.bytes + 8, UINT64_C (1) << 63 | (random >> 2));
    return self;
}

static bool dash_at (int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void plv_id_format (const plv_id_t *self, char ret_text[PLV_ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *to = ret_text;
    for (int at = 0; at < PLV_ID_BYTES; at++) {
        if (dash_at (at))
            *to++ = '-';
        *to++ = digits[self->bytes[at] >> 4];
        *to++ = digits[self->bytes[at] & 15];
    }
    *to = 0;
}

static int digit_value (char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool plv_id_parse (const char *text, plv_id_t *ret_id)
{
    plv_id_t id;
    for (int at = 0; at < PLV_ID_BYTES; at++) {
        if (dash_at (at) && *text++ != '-')
            return false;
        int high = digit_value (text[0]);
        int low = high < 0 ? -1 : digit_value (text[1]);
        if (low < 0)
            return false;
        id.bytes[at] = (uint8_t) (high << 4 | low);
        text += 2;
    }
    if (*text)
        return false;
    *ret_id = id;
    return true;
}

bool plv_id_is_zero (const plv_id_t *self)
{
    static const plv_id_t zero;
    return memcmp (self, &zero, sizeof zero) == 0;
}

bool plv_id_is_v7 (const plv_id_t *self)
{
    return self->bytes[6] >> 4 == 7 && self->bytes[8] >> 6 == 2;
}
