#include "web/trace.h"

#include <string.h>

static bool is_hex (pal_text_t text, size_t at, size_t size)
{
    bool zero = true;
    for (size_t end = at + size; at < end; at++) {
        char byte = text.data[at];
        if (!(byte >= '0' && byte <= '9') && !(byte >= 'a' && byte <= 'f'))
            return false;
        zero = zero && byte == '0';
    }
    return !zero || size == 2;
}

/*  00-TRACE(32)-PARENT(16)-FLAGS(2); later versions may add to it, and ff is none.  */
static bool is_valid (pal_text_t text)
{
    return text.size >= TRACE_BYTES && (text.size == TRACE_BYTES || text.data[TRACE_BYTES] == '-')
           && is_hex (text, 0, 2) && memcmp (text.data, "ff", 2) != 0
           && (text.size == TRACE_BYTES || memcmp (text.data, "00", 2) != 0) && text.data[2] == '-'
           && is_hex (text, 3, 32) && text.data[35] == '-' && is_hex (text, 36, 16)
           && text.data[52] == '-' && is_hex (text, 53, 2);
}

static void put_hex (char *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t at = 0; at < count; at++) {
        out[at * 2] = digits[bytes[at] >> 4];
        out[at * 2 + 1] = digits[bytes[at] & 15];
    }
}

void trace_begin (trace_t *self, const pal_host_t *host, pal_text_t parent)
{
    uint8_t bytes[24];
    host->random (host, bytes, sizeof bytes);
    bytes[0] |= 1; /* all zeros are no id */
    bytes[16] |= 1;
    if (is_valid (parent)) {
        memcpy (self->text, parent.data, TRACE_BYTES);
        memcpy (self->text, "00", 2);
    } else {
        memcpy (self->text, "00-", 3);
        put_hex (self->text + TRACE_ID_AT, bytes, 16);
        memcpy (self->text + 35, "-0000000000000000-00", 20);
    }
    put_hex (self->text + 36, bytes + 16, 8);
    self->text[TRACE_BYTES] = 0;
}
