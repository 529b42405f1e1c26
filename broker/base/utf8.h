/*  utf8 -- one character of UTF-8 at a time (RFC 3629, section 4)
    OWNS    nothing
    THREAD  any
    FAILS   by 0: no character begins there
    COST    a few comparisons  */

#ifndef PLV_BASE_UTF8_H
#define PLV_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool plv_utf8_tail (uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/*  The bytes of the character at `at`, of which `left` may be read; 0 for overlong forms, surrogates, numbers
    above 10FFFF, and characters that are cut off.  */
static inline size_t plv_utf8_size (const uint8_t *at, size_t left)
{
    if (left >= 1 && at[0] < 0x80)
        return 1;
    if (left >= 2 && at[0] >= 0xc2 && at[0] <= 0xdf)
        return plv_utf8_tail (at[1]) ? 2 : 0;
    if (left >= 3 && at[0] >= 0xe0 && at[0] <= 0xef) {
        bool overlong = at[0] == 0xe0 && at[1] < 0xa0;
        bool surrogate = at[0] == 0xed && at[1] > 0x9f;
        return plv_utf8_tail (at[1]) && plv_utf8_tail (at[2]) && !overlong && !surrogate ? 3 : 0;
    }
    if (left >= 4 && at[0] >= 0xf0 && at[0] <= 0xf4) {
        bool overlong = at[0] == 0xf0 && at[1] < 0x90;
        bool above = at[0] == 0xf4 && at[1] > 0x8f;
        bool tails = plv_utf8_tail (at[1]) && plv_utf8_tail (at[2]) && plv_utf8_tail (at[3]);
        return tails && !overlong && !above ? 4 : 0;
    }
    return 0;
}

#endif
