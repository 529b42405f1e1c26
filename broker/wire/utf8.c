#include "wire/mp.h"

static bool tail (const uint8_t *at, unsigned least, unsigned most)
{
    return *at >= least && *at <= most;
}

/*  The length of the character at `at` (RFC 3629, section 4), 0 when it is none.  */
static size_t character (const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    if (lead < 0xe0)
        return left >= 2 && tail (at + 1, 0x80, 0xbf) ? 2 : 0;
    if (lead < 0xf0) {
        unsigned least = lead == 0xe0 ? 0xa0 : 0x80;
        unsigned most = lead == 0xed ? 0x9f : 0xbf;
        return left >= 3 && tail (at + 1, least, most) && tail (at + 2, 0x80, 0xbf) ? 3 : 0;
    }
    unsigned least = lead == 0xf0 ? 0x90 : 0x80;
    unsigned most = lead == 0xf4 ? 0x8f : 0xbf;
    return left >= 4 && tail (at + 1, least, most) && tail (at + 2, 0x80, 0xbf)
                   && tail (at + 3, 0x80, 0xbf)
               ? 4
               : 0;
}

static bool ascii_word (const uint8_t *at)
{
    uint64_t word;
    memcpy (&word, at, sizeof word);
    return !(word & 0x8080808080808080u);
}

/*  How many of `size` bytes, at least 8, are surely ASCII. The last word may overlap the one before, so that
    a text without any other character is done here.  */
static size_t ascii_words (const uint8_t *at, size_t size)
{
    size_t done = 0;
    while (size - done >= 8 && ascii_word (at + done))
        done += 8;
    return size - done < 8 && ascii_word (at + size - 8) ? size : done;
}

bool plv_utf8_valid (plv_view_t text)
{
    size_t at = 0;
    for (;;) {
        if (text.size - at >= 8)
            at += ascii_words (text.data + at, text.size - at);
        if (at == text.size)
            return true;
        size_t bytes = character (text.data + at, text.size - at);
        if (!bytes)
            return false;
        at += bytes;
    }
}
