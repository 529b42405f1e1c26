#include "host/text/grapheme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/*  Each text is one character, whatever it is made of.  */
static const char *const characters[] = {
    "a",
    "\r\n",
    "\xc3\xa9",                                                 /* e with an accent */
    "e\xcc\x81\xcc\xa7",                                        /* e and two combining marks */
    "\xf0\x9f\x98\x80",                                         /* a face */
    "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",                         /* a thumb and its tone */
    "\xe2\x9d\xa4\xef\xb8\x8f",                                 /* a heart as a picture */
    "1\xef\xb8\x8f\xe2\x83\xa3",                                /* a keycap */
    "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",                         /* a flag */
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",             /* two people, joined */
    "\xf0\x9f\x8f\xb3\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x8c\x88", /* a flag and a rainbow, joined */
    "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", /* three letters of a Hangul syllable */
    "\xea\xb0\x80\xe1\x86\xa8",             /* a syllable and its last letter */
    "\xe0\xa4\xa8\xe0\xa4\xbf",             /* Devanagari with its vowel sign */
    "\xe0\xb8\x81\xe0\xb8\xb3",             /* Thai with its vowel sign */
};

enum { COUNT = sizeof characters / sizeof *characters };

/*  Any two of them side by side are two characters, and the first one ends where it should.  */
static void test_pairs (void **state)
{
    grapheme_t *self = grapheme_new ();
    (void) state;
    for (size_t a = 0; a < COUNT; a++) {
        for (size_t b = 0; b < COUNT; b++) {
            char text[64];
            int size = snprintf (text, sizeof text, "%s%s", characters[a], characters[b]);
            plv_view_t view = plv_view (text, (size_t) size);
            assert_int_equal (grapheme_size (self, view), strlen (characters[a]));
            assert_int_equal (grapheme_count (self, view), 2);
        }
    }
    grapheme_destroy (&self);
}

static void test_ends (void **state)
{
    grapheme_t *self = grapheme_new ();
    (void) state;
    assert_int_equal (grapheme_size (self, plv_view ("", 0)), 0);
    assert_int_equal (grapheme_count (self, plv_view ("", 0)), 0);
    /*  A mark with nothing before it.  */
    assert_int_equal (grapheme_size (self, plv_view_str ("\xcc\x81"
                                                         "a")),
                      2);
    grapheme_destroy (&self);
    grapheme_destroy (&self);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_pairs),
        cmocka_unit_test (test_ends),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
