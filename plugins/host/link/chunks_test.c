#include "host/link/chunks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*  The body in `text`, or why there is none; `piece`: bytes that come at a time.  */
static const char *taken (const char *text, size_t piece)
{
    static char said[20000];
    chunks_t chunks = {0};
    plv_buf_t body = {0};
    chunks_end_t end = CHUNKS_MORE;
    size_t size = strlen (text), used;
    for (size_t at = 0; at < size && end == CHUNKS_MORE; at += piece)
        end = chunks_take (&chunks, plv_view (text + at, size - at < piece ? size - at : piece),
                           &body, &used);
    snprintf (said, sizeof said, "%s%.*s",
              end == CHUNKS_DONE   ? ""
              : end == CHUNKS_MORE ? "more: "
                                   : "bad",
              end == CHUNKS_BAD ? 0 : (int) body.size, body.data ? (char *) body.data : "");
    plv_buf_free (&body);
    return said;
}

/*  The same, however it is cut.  */
static void holds (const char *text, const char *wanted)
{
    for (size_t piece = 1; piece <= strlen (text); piece++)
        assert_string_equal (taken (text, piece), wanted);
}

static void bodies_come_out (void **state)
{
    (void) state;
    holds ("0\r\n\r\n", "");
    holds ("5\r\nhello\r\n0\r\n\r\n", "hello");
    holds ("5\r\nhello\r\n7\r\n, there\r\n0\r\n\r\n", "hello, there");
    holds ("A\r\n0123456789\r\n000\r\n\r\n", "0123456789");
    holds ("9\r\n\r\n0\r\n\r\n12\r\n0\r\n\r\n", "\r\n0\r\n\r\n12");
    holds ("5;name=value\r\nhello\r\n0;last\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "hello");
    holds ("5 \nhello\n0\n\n", "hello");
}

static void the_end_is_awaited (void **state)
{
    (void) state;
    holds ("5\r\nhel", "more: hel");
    holds ("5\r\nhello\r\n", "more: hello");
    holds ("5\r\nhello\r\n0\r\n", "more: hello");
    holds ("5\r\nhello\r\n0\r\nX: 1\r\n", "more: hello");
}

static void what_is_no_such_body_is_bad (void **state)
{
    (void) state;
    holds ("\r\nhello\r\n0\r\n\r\n", "bad");
    holds ("g\r\nhello\r\n0\r\n\r\n", "bad");
    holds ("-5\r\nhello\r\n0\r\n\r\n", "bad");
    holds ("5\r\nhello, there\r\n0\r\n\r\n", "bad");
    holds ("5\r\nhello\r0\r\n\r\n", "bad");
    holds ("10000000000000000\r\nhello\r\n0\r\n\r\n", "bad");
    holds ("5\rhello\r\n0\r\n\r\n", "bad");
    holds ("5\rX\nhello\r\n0\r\n\r\n", "bad");
    holds ("5;a\rb\r\nhello\r\n0\r\n\r\n", "bad");
    holds ("5\r\r\nhello\r\n0\r\n\r\n", "bad");
    holds ("5\r\nhello\r\n0\r\n\r\r\n", "bad");
    holds ("5\r\nhello\r\n0\r\nX: 1\rY: 2\r\n\r\n", "bad");
}

static void extensions_and_trailers_are_bounded (void **state)
{
    char text[10000];
    (void) state;
    for (int trailer = 0; trailer < 2; trailer++) {
        int head = snprintf (text, sizeof text, trailer ? "0\r\n" : "5;");
        memset (text + head, 'x', sizeof text - (size_t) head - 1);
        text[sizeof text - 1] = 0;
        assert_string_equal (taken (text, sizeof text), "bad");
        assert_string_equal (taken (text, 1000), "bad");
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (bodies_come_out),
        cmocka_unit_test (the_end_is_awaited),
        cmocka_unit_test (what_is_no_such_body_is_bad),
        cmocka_unit_test (extensions_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
