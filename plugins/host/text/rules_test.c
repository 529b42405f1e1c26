#include "host/text/rules.h"

#include "base/rng.h"

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
    "[",
    "](http://a.b/c)",
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
};

static void random_text (plv_rng_t *rng, plv_buf_t *out)
{
    size_t count = plv_rng_below (rng, PIECES_MAX);
    plv_buf_clear (out);
    for (size_t at = 0; at < count; at++) {
        size_t which = plv_rng_below (rng, sizeof pieces / sizeof *pieces);
        plv_buf_add_view (out, plv_view_str (pieces[which]));
    }
}

static void test_random (void **state)
{
    plv_buf_t text = {0};
    (void) state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        plv_rng_t rng = plv_rng_seed (seed);
        random_text (&rng, &text);
        uint32_t max = (uint32_t) plv_rng_below (&rng, plv_rng_below (&rng, 2) ? 20 : 200);
        for (int flavour = PAL_MARKDOWN_NONE; flavour <= PAL_MARKDOWN_HTML; flavour++)
            rules_check (plv_buf_view (&text), (pal_markdown_t) flavour,
                         (pal_text_unit_t) plv_rng_below (&rng, 3), max);
    }
    plv_buf_free (&text);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_random),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
