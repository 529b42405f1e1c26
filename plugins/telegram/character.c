#include "telegram/character.h"

/*  It cuts these off, or takes them for blanks; a message of nothing else is refused.  */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0, ' '},         {0xa0, 0xa0},     {0x30a, 0x30a},   {0x333, 0x333},   {0x33f, 0x33f},
    {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x205f},
    {0x2800, 0x2800}, {0x3000, 0x3000}, {0xfeff, 0xfeff}, {0xfffc, 0xfffc}, {0xe0000, 0xe007f},
};

bool character_seen (uint32_t code)
{
    for (size_t at = 0; at < sizeof unseen / sizeof *unseen; at++)
        if (code >= unseen[at].first && code <= unseen[at].last)
            return false;
    return true;
}

size_t character_bytes (unsigned char lead)
{
    return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

uint32_t character_next (pal_text_t *text)
{
    unsigned char lead = (unsigned char) *text->data;
    size_t size = character_bytes (lead);
    uint32_t code = size == 1 ? lead : lead & (0xffu >> (size + 1));
    for (size_t at = 1; at < size && at < text->size; at++)
        code = code << 6 | ((unsigned char) text->data[at] & 0x3f);
    size = size < text->size ? size : text->size;
    *text = (pal_text_t){text->data + size, text->size - size};
    return code;
}
