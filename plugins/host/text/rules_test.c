#include "host/text/rules.h"

#include "base/rng.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { ROUNDS = 1500, PIECES_MAX = 60 };

static const char *const pieces[] = {
    "word ",
    "word",
    "\n",
    "\n\n",
    "  ",
    "*",
    "**",
    "_",
    "`",
    "```\n",
    "```py\n",
    "~~",
    "]",
    "(",
    ")",
    "> ",
    "- ",
    "1. ",
    "7) ",
    "# ",
    "### ",
    "|",
    "|a|b|\n|-|-|\n",
    "\\",
    "<b>",
    "&amp;",
    "&",
    "https://x.example/a_b?c=d ",
    "![alt](http://i.j/k.png)",
    "\t",
    "é",
    "e\xcc\x81",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
    "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
    "\xea\xb0\x80\xe1\x86\xa8",
    "漢字",
    "---\n",
    "- [ ] ",
    "- [x] ",
    "    ",
    "==\n",
    "\xff",
    "\xcc\x81",
    "[1]: http://a.b\n",
    "a b c d e f g h i j k l m n o p ",
    "[text of a link](https://example.com/quite/a/long/address)",
    "<me@a.example>",
    "***",
    /*  Together: links with anything for their text.  */
    "[",
    "](http://a.b/c)",
};

enum { PIECES = sizeof pieces / sizeof *pieces, LONG_LINKS = 2 };

static void random_text (plv_rng_t *rng, size_t of, plv_buf_t *out)
{
    size_t count = plv_rng_below (rng, PIECES_MAX);
    plv_buf_clear (out);
    for (size_t at = 0; at < count; at++) {
        size_t which = plv_rng_below (rng, of);
        plv_buf_add_view (out, plv_view_str (pieces[which]));
    }
}

static void test_random (void **state)
{
    plv_buf_t text = {0};
    (void) state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        plv_rng_t rng = plv_rng_seed (seed);
        random_text (&rng, PIECES, &text);
        uint32_t max = (uint32_t) plv_rng_below (&rng, plv_rng_below (&rng, 2) ? 20 : 200);
        for (int flavour = PAL_MARKDOWN_NONE; flavour <= PAL_MARKDOWN_HTML; flavour++)
            rules_check (plv_buf_view (&text), (pal_markdown_t) flavour,
                         (pal_text_unit_t) plv_rng_below (&rng, 3), max);
    }
    plv_buf_free (&text);
}

/* ------------------------------------------------------------------ read again */

typedef struct {
    plv_buf_t all;   /* letters and digits, as a reader of plain text sees them */
    plv_buf_t plain; /* of the part at hand */
} again_t;

static void add_plain (void *arg, pal_text_t part)
{
    plv_buf_add (arg, part.data, part.size);
}

static void add_again (void *arg, pal_text_t part)
{
    again_t *self = arg;
    plv_buf_clear (&self->plain);
    text_render (part, PAL_MARKDOWN_NONE, PAL_BYTES, 0, add_plain, &self->plain);
    for (size_t at = 0; at < self->plain.size; at++)
        if (isalnum (self->plain.data[at]))
            plv_buf_add_u8 (&self->all, self->plain.data[at]);
}

/*  Parts of common Markdown, parsed again, say what the whole says.  */
static void test_common_is_read_again (void **state)
{
    plv_buf_t text = {0};
    (void) state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        plv_rng_t rng = plv_rng_seed (seed);
        again_t whole = {0}, cut = {0};
        /*  A link that is longer than a part would have its address twice.  */
        random_text (&rng, PIECES - LONG_LINKS, &text);
        uint32_t max = 100 + (uint32_t) plv_rng_below (&rng, 200);
        pal_text_t source = {(const char *) text.data, text.size};
        add_again (&whole, source);
        text_render (source, PAL_MARKDOWN_COMMON, PAL_BYTES, max, add_again, &cut);
        CHECK (plv_view_equal (plv_buf_view (&whole.all), plv_buf_view (&cut.all)),
               "seed %d, %u: " PLV_VIEW_FMT "\nbecame: " PLV_VIEW_FMT, (int) seed, max,
               PLV_VIEW_ARG (plv_buf_view (&whole.all)), PLV_VIEW_ARG (plv_buf_view (&cut.all)));
        plv_buf_free (&whole.all);
        plv_buf_free (&whole.plain);
        plv_buf_free (&cut.all);
        plv_buf_free (&cut.plain);
    }
    plv_buf_free (&text);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_random),
        cmocka_unit_test (test_common_is_read_again),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
