#define PCRE2_CODE_UNIT_WIDTH 8

#include "host/text/grapheme.h"

#include "base/alloc.h"

#include <pcre2.h>
#include <stdlib.h>

/*  PCRE2's own \\X (10.42) takes neighbouring pictures for one character: those are spelled out.  */
#define EXTENDS "[\\p{Grapheme_Extend}\\p{Emoji_Modifier}]*+"
static const char pattern[] = "\\p{ExtPict}(?:" EXTENDS "\\x{200D}\\p{ExtPict})*+"
                              "[\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\x{200D}\\p{Mc}]*+|\\X";

struct grapheme {
    pcre2_code *code;
    pcre2_match_data *match;
};

grapheme_t *grapheme_new (void)
{
    int error;
    PCRE2_SIZE where;
    grapheme_t *self = plv_alloc_zero (1, sizeof *self);
    self->code = pcre2_compile ((PCRE2_SPTR) pattern, PCRE2_ZERO_TERMINATED,
                                PCRE2_UTF | PCRE2_ANCHORED, &error, &where, NULL);
    self->match = self->code ? pcre2_match_data_create (1, NULL) : NULL;
    if (!self->match)
        plv_out_of_memory (sizeof *self);
    return self;
}

void grapheme_destroy (grapheme_t **self_p)
{
    grapheme_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    pcre2_match_data_free (self->match);
    pcre2_code_free (self->code);
    free (self);
    *self_p = NULL;
}

size_t grapheme_size (grapheme_t *self, plv_view_t text)
{
    if (text.size < 2)
        return text.size;
    /*  Two plain characters: what nearly all text is made of.  */
    if (text.data[0] < 0x80 && text.data[1] < 0x80 && text.data[0] != '\r')
        return 1;
    if (pcre2_match (self->code, text.data, text.size, 0, PCRE2_NO_UTF_CHECK, self->match, NULL)
        < 1)
        return 1;
    return pcre2_get_ovector_pointer (self->match)[1];
}

size_t grapheme_count (grapheme_t *self, plv_view_t text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.size; count++)
        at += grapheme_size (self, plv_view (text.data + at, text.size - at));
    return count;
}
