#include "advisor/catalogue/plain.h"

#include <string.h>

/*  All of two bytes in UTF-8.  */
static const struct {
    const char *letter;
    const char *plain;
} ROWS[] = {
    {"đ", "d"},  {"Đ", "D"},  {"ð", "d"},  {"Ð", "D"},  {"ł", "l"},  {"Ł", "L"},  {"ø", "o"},
    {"Ø", "O"},  {"ħ", "h"},  {"Ħ", "H"},  {"ŧ", "t"},  {"Ŧ", "T"},  {"ı", "i"},  {"ß", "ss"},
    {"æ", "ae"}, {"Æ", "Ae"}, {"œ", "oe"}, {"Œ", "Oe"}, {"þ", "th"}, {"Þ", "Th"},
};

enum { LETTER_BYTES = 2 };

static const char *plain_of (plv_view_t rest)
{
    for (size_t i = 0; rest.size >= LETTER_BYTES && i < sizeof ROWS / sizeof *ROWS; i++)
        if (memcmp (rest.data, ROWS[i].letter, LETTER_BYTES) == 0)
            return ROWS[i].plain;
    return NULL;
}

void plain_add (plv_buf_t *out, plv_view_t text)
{
    for (size_t at = 0; at < text.size;) {
        const char *plain =
            text.data[at] < 0x80 ? NULL : plain_of (plv_view (text.data + at, text.size - at));
        if (plain)
            plv_buf_add_view (out, plv_view_str (plain));
        else
            plv_buf_add (out, text.data + at, 1);
        at += plain ? LETTER_BYTES : 1;
    }
}
