#include "base/utf8.h"
#include "wire/mp.h"

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
        size_t bytes = plv_utf8_size (text.data + at, text.size - at);
        if (!bytes)
            return false;
        at += bytes;
    }
}
