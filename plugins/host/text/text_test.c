#include "host/text/text.h"

#include "base/buf.h"
#include "host/text/source.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

/*  Each part, and a line of "=" between them.  */
static void add_part (void *arg, pal_text_t part)
{
    plv_buf_t *out = arg;
    if (out->size)
        plv_buf_add_view (out, plv_view_str ("\n=\n"));
    plv_buf_add (out, part.data, part.size);
}

static void expect (const char *text, pal_markdown_t flavour, pal_text_unit_t unit, uint32_t max,
                    const char *wanted)
{
    plv_buf_t out = {0};
    text_render (pal_text (text), flavour, unit, max, add_part, &out);
    plv_buf_add_u8 (&out, 0);
    assert_string_equal ((const char *) out.data, wanted);
    plv_buf_free (&out);
}

static void test_samples (void **state)
{
    (void) state;
#define SAMPLE(what, input, plain, telegram, discord, slack, whatsapp, html)                       \
    print_message ("%s\n", what);                                                                  \
    expect (input, PAL_MARKDOWN_NONE, PAL_BYTES, 0, plain);                                        \
    expect (input, PAL_MARKDOWN_COMMON, PAL_BYTES, 0, input);                                      \
    expect (input, PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 0, telegram);                                 \
    expect (input, PAL_MARKDOWN_DISCORD, PAL_BYTES, 0, discord);                                   \
    expect (input, PAL_MARKDOWN_SLACK, PAL_BYTES, 0, slack);                                       \
    expect (input, PAL_MARKDOWN_WHATSAPP, PAL_BYTES, 0, whatsapp);                                 \
    expect (input, PAL_MARKDOWN_HTML, PAL_BYTES, 0, html);
#include "host/text/samples.def"
#undef SAMPLE
}

static void test_nothing (void **state)
{
    (void) state;
    expect ("", PAL_MARKDOWN_DISCORD, PAL_BYTES, 10, "");
    expect (" \n\t", PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 10, "");
}

/* ------------------------------------------------------------------ where it is cut */

static void test_paragraphs_first (void **state)
{
    (void) state;
    expect ("one two\nthree\n\nfour five\nsix", PAL_MARKDOWN_NONE, PAL_BYTES, 24,
            "one two\nthree\n=\nfour five\nsix");
    expect ("one two\nthree four", PAL_MARKDOWN_NONE, PAL_BYTES, 14, "one two\n=\nthree four");
    expect ("one two three", PAL_MARKDOWN_NONE, PAL_BYTES, 9, "one two\n=\nthree");
    expect ("abcdefgh", PAL_MARKDOWN_NONE, PAL_BYTES, 3, "abc\n=\ndef\n=\ngh");
}

static void test_units (void **state)
{
    (void) state;
    expect ("äöü", PAL_MARKDOWN_NONE, PAL_BYTES, 4, "äö\n=\nü");
    expect ("äöü", PAL_MARKDOWN_NONE, PAL_CODEPOINTS, 2, "äö\n=\nü");
    expect ("😀😀😀", PAL_MARKDOWN_NONE, PAL_UTF16_UNITS, 5, "😀😀\n=\n😀");
    expect ("&&&", PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 2, "&amp;&amp;\n=\n&amp;");
    expect ("&&&", PAL_MARKDOWN_SLACK, PAL_BYTES, 10, "&amp;&amp;\n=\n&amp;");
}

static void test_graphemes (void **state)
{
    (void) state;
    expect ("👩‍👧👩‍👧", PAL_MARKDOWN_NONE, PAL_CODEPOINTS, 5,
            "👩‍👧\n=\n👩‍👧");
    expect ("🇩🇪🇫🇷🇮🇹", PAL_MARKDOWN_NONE, PAL_CODEPOINTS, 5, "🇩🇪🇫🇷\n=\n🇮🇹");
    expect ("xe\xcc\x81", PAL_MARKDOWN_NONE, PAL_CODEPOINTS, 2, "x\n=\ne\xcc\x81");
    /*  The accent stands on the space: no place to cut.  */
    expect ("ab cd \xcc\x81 ef", PAL_MARKDOWN_NONE, PAL_CODEPOINTS, 6, "ab\n=\ncd \xcc\x81\n=\nef");
}

static void test_fence (void **state)
{
    (void) state;
    expect ("```c\nint a;\n  int b;\n```", PAL_MARKDOWN_DISCORD, PAL_BYTES, 20,
            "```c\nint a;\n```\n=\n```c\n  int b;\n```");
    expect ("```c\na<b\nc>d\n```", PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 3,
            "<pre><code class=\"language-c\">a&lt;b</code></pre>\n=\n"
            "<pre><code class=\"language-c\">c&gt;d</code></pre>");
    /*  One that fits is not cut for a few words before it.  */
    expect ("Look:\n\n```\none\ntwo\n```", PAL_MARKDOWN_DISCORD, PAL_BYTES, 20,
            "Look:\n=\n```\none\ntwo\n```");
    expect ("````\na ``` b\n````\n\nword word word word", PAL_MARKDOWN_COMMON, PAL_BYTES, 24,
            "````\na ``` b\n````\n=\nword word word word");
}

static void test_lists (void **state)
{
    (void) state;
    expect ("7. seven\n8. eight\n9. nine", PAL_MARKDOWN_COMMON, PAL_BYTES, 18,
            "7. seven\n8. eight\n=\n9. nine");
    expect ("7. seven\n8. eight", PAL_MARKDOWN_HTML, PAL_BYTES, 5,
            "<ol><li value=\"7\">seven</li></ol>\n=\n<ol><li value=\"8\">eight</li></ol>");
    expect ("- aaa bbb\n- ccc", PAL_MARKDOWN_HTML, PAL_BYTES, 6,
            "<ul><li>aaa</li></ul>\n=\n<ul><li class=\"more\">bbb</li><li>ccc</li></ul>");
    /*  "8." right behind the rest of an item would be read as part of it.  */
    expect ("7. aaaa bbbb\n8. c", PAL_MARKDOWN_COMMON, PAL_BYTES, 10, "7. aaaa\n=\nbbbb\n\n8. c");
}

static void test_markup (void **state)
{
    (void) state;
    expect ("**one two** three", PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 4,
            "<b>one</b>\n=\n<b>two</b>\n=\nthre\n=\ne");
    expect ("**one two**", PAL_MARKDOWN_WHATSAPP, PAL_BYTES, 8, "*one*\n=\n*two*");
    expect ("> one\n> two", PAL_MARKDOWN_DISCORD, PAL_BYTES, 7, "> one\n=\n> two");
    expect ("# Head\n\nbody of it", PAL_MARKDOWN_HTML, PAL_BYTES, 9,
            "<h1>Head</h1><p>body</p>\n=\n<p>of it</p>");
}

static void test_links (void **state)
{
    (void) state;
    expect ("see [a b](http://c.d) now", PAL_MARKDOWN_DISCORD, PAL_BYTES, 18,
            "see\n=\n[a b](http://c.d)\n=\nnow");
    expect ("see [a b c](http://x.y/z)", PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 6,
            "see\n=\n<a href=\"http://x.y/z\">a b c</a>");
    /*  Longer than a part: its text is cut, or its address shown.  */
    expect ("[aaaa bbbb](http://x.y)", PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 5,
            "<a href=\"http://x.y\">aaaa</a>\n=\n<a href=\"http://x.y\">bbbb</a>");
    expect ("[a](http://long.example/address)", PAL_MARKDOWN_DISCORD, PAL_BYTES, 34,
            "a (http://long.example/address)");
    expect ("a [ ](http://x.y) b", PAL_MARKDOWN_SLACK, PAL_BYTES, 0, "a  http://x.y b");
    /*  Side by side without a space between them.  */
    expect ("[aa](http://x.y)[bb](http://x.y)", PAL_MARKDOWN_DISCORD, PAL_BYTES, 20,
            "[aa](http://x.y)\n=\n[bb](http://x.y)");
    expect ("abcdef(http://x.y/z)", PAL_MARKDOWN_NONE, PAL_BYTES, 15, "abcdef(\n=\nhttp://x.y/z)");
    expect ("see http://a.example/b now", PAL_MARKDOWN_NONE, PAL_BYTES, 20,
            "see\n=\nhttp://a.example/b\n=\nnow");
}

/*  There is always a part, however little fits.  */
static void test_too_short (void **state)
{
    (void) state;
    expect ("**ab**", PAL_MARKDOWN_DISCORD, PAL_BYTES, 3, "ab");
    expect ("> ab", PAL_MARKDOWN_DISCORD, PAL_BYTES, 1, "a\n=\nb");
    expect ("é", PAL_MARKDOWN_NONE, PAL_BYTES, 1, "é");
    expect ("👩‍👧", PAL_MARKDOWN_NONE, PAL_CODEPOINTS, 2, "👩‍\n=\n👧");
}

/* ------------------------------------------------------------------ hostile texts */

static void count_part (void *arg, pal_text_t part)
{
    *(size_t *) arg += part.size;
}

enum { BYTES = 1000000, BYTES_SANITIZED = 200000, SECONDS_MAX = 8 };

/*  The address sanitizer, where it is strict about strings, reads a text to its end whenever a function of the
    library looks for something in it: that grows with the square, and is not ours.  */
static size_t hostile_bytes (void)
{
    return dlsym (RTLD_DEFAULT, "__asan_init") ? BYTES_SANITIZED : BYTES;
}

static void expect_quick (const char *begin, const char *piece, pal_markdown_t flavour)
{
    size_t first = strlen (begin), size = strlen (piece), at = first, out = 0;
    size_t bytes = hostile_bytes ();
    char *text = malloc (first + bytes);
    assert_non_null (text);
    memcpy (text, begin, first);
    for (; at + size <= bytes; at += size)
        memcpy (text + at, piece, size);
    clock_t start = clock ();
    text_render ((pal_text_t){text, at}, flavour, PAL_UTF16_UNITS, 4096, count_part, &out);
    double seconds = (double) (clock () - start) / CLOCKS_PER_SEC;
    if (seconds > SECONDS_MAX)
        fail_msg ("%s, flavour %d: %.1f s", piece, (int) flavour, seconds);
    free (text);
}

/*  Well under a second when compiled for speed; what grows with the square takes minutes.  */
static void test_hostile (void **state)
{
    static const char *const texts[] = {"> ",           "- ",     "*",           "[", "[a]\n",
                                        "http://a.b/ ", "`a`b``", "x",           "|", "*a **b ",
                                        "\xcc\x81",     "&amp;",  "*[]()*_[]()_"};
    (void) state;
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++)
        expect_quick ("", texts[at], (pal_markdown_t) (at % 7));
    expect_quick ("```\n", "x", PAL_MARKDOWN_DISCORD);
    expect_quick ("|a|b|c|\n|-|-|-|\n", "|", PAL_MARKDOWN_HTML);
    expect_quick ("|a|b|c|\n|-|-|-|\n", "a\n", PAL_MARKDOWN_SLACK);
}

/*  What lies behind the text in memory is no part of it.  */
static void test_digits_at_the_end (void **state)
{
    plv_buf_t source = {0};
    (void) state;
    plv_buf_add (&source, "........", 8);
    plv_buf_clear (&source);
    source_prepare (&source, plv_view_str ("24"));
    assert_int_equal (source.size, 2);
    assert_int_equal (source.data[2], 0);
    plv_buf_free (&source);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_digits_at_the_end),
        cmocka_unit_test (test_samples),
        cmocka_unit_test (test_nothing),
        cmocka_unit_test (test_paragraphs_first),
        cmocka_unit_test (test_units),
        cmocka_unit_test (test_graphemes),
        cmocka_unit_test (test_fence),
        cmocka_unit_test (test_lists),
        cmocka_unit_test (test_markup),
        cmocka_unit_test (test_links),
        cmocka_unit_test (test_too_short),
        cmocka_unit_test (test_hostile),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
