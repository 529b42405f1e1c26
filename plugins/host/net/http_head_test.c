#include "host/net/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES_MAX = 8192, TEXT_BYTES = 20000 };

/*  The head in `text`, which comes in pieces of this size.  */
static http_head_end_t take (http_head_t *head, const char *text, size_t piece, size_t *ret_used)
{
    size_t size = strlen (text), used;
    http_head_end_t end = HTTP_HEAD_MORE;
    *ret_used = 0;
    while (*ret_used < size && end == HTTP_HEAD_MORE) {
        size_t left = size - *ret_used;
        end = http_head_take (head, plv_view (text + *ret_used, left < piece ? left : piece),
                              BYTES_MAX, &used);
        *ret_used += used;
    }
    return end;
}

/*  What was said of it: its parts, or why there are none.  */
static const char *said_of (const char *text, size_t piece)
{
    static char said[TEXT_BYTES];
    size_t used;
    http_head_t head = {0};
    http_head_end_t end = take (&head, text, piece, &used);
    if (end == HTTP_HEAD_BAD)
        snprintf (said, sizeof said, "%u %s", head.status, head.fault);
    else if (end == HTTP_HEAD_MORE)
        snprintf (said, sizeof said, "more");
    else
        snprintf (said, sizeof said, "%s %s ?%.*s %s +%zu", head.method, http_head_path (&head),
                  (int) head.query.size, head.query.data ? (char *) head.query.data : "",
                  head.is_old ? "old" : "new", strlen (text) - used);
    http_head_free (&head);
    return said;
}

/*  The same, however it is cut.  */
static void holds (const char *text, const char *wanted)
{
    for (size_t piece = 1; piece <= strlen (text); piece++)
        assert_string_equal (said_of (text, piece), wanted);
}

static void heads_are_taken_apart (void **state)
{
    (void) state;
    holds ("GET / HTTP/1.1\r\n\r\n", "GET / ? new +0");
    holds ("GET / HTTP/1.1\n\n", "GET / ? new +0");
    holds ("\r\n\nPOST /a/b?c=d HTTP/1.0\r\nHost: x\r\n\r\nbody", "POST /a/b ?c=d old +4");
    holds ("PUT /%41%2f%c3%a9?%41&b=+ HTTP/1.1\r\n\r\n", "PUT /A/é ?%41&b=+ new +0");
    holds ("GET /é?é=\"<>[] HTTP/1.1\r\n\r\n", "GET /é ?%C3%A9=%22%3C%3E[] new +0");
    holds ("GET http://host:80/a?b HTTP/1.1\r\n\r\n", "GET /a ?b new +0");
    holds ("GET HTTPS://host HTTP/1.1\r\n\r\n", "GET / ? new +0");
    holds ("GET https://host?b HTTP/1.1\r\n\r\n", "GET / ?b new +0");
    holds ("GET /a..b/...?../.. HTTP/1.7\r\n\r\n", "GET /a..b/... ?../.. new +0");
    holds ("DELETE /a?b?c HTTP/1.1\r\nX:\r\nY: : \r\n\r\n", "DELETE /a ?b?c new +0");
}

static void the_end_is_awaited (void **state)
{
    (void) state;
    holds ("G", "more");
    holds ("\x16", "more");
    holds ("GET / HTTP/1.1\r", "more");
    holds ("GET / HTTP/1.1\r\n", "more");
    holds ("GET / HTTP/1.1\r\nHost: x\r\n\r", "more");
}

static void what_makes_no_sense_is_named (void **state)
{
    (void) state;
    holds ("\x16\x03", "400 this port speaks HTTP, not HTTPS: is it https:// in the address?");
    holds ("(", "400 the first line is none of an HTTP request");
    holds ("GET /\r\n", "400 the first line is none of an HTTP request");
    holds ("G(T / HTTP/1.1\r\n", "400 the first line is none of an HTTP request");
    holds ("GET / HTTP/1.\r\n", "400 the first line is none of an HTTP request");
    holds ("GET / http/1.1\r\n", "400 the first line is none of an HTTP request");
    holds ("GET / HTTP/1.12\r\n", "400 the first line is none of an HTTP request");
    holds ("GET / HTTP/2.0\r\n", "505 HTTP/1.1 is served here");
    holds ("PRI * HTTP/2.0\r\n", "505 HTTP/1.1 is served here, not HTTP/2 without being asked for");
    holds ("get / HTTP/1.1\r\n", "501 this method is not served");
    holds ("GET * HTTP/1.1\r\n", "400 the address of a request begins with a slash");
    holds ("GET http:// HTTP/1.1\r\n", "400 the address of a request begins with a slash");
    holds ("GET ftp://x/ HTTP/1.1\r\n", "400 the address of a request begins with a slash");
    holds ("GET /%4 HTTP/1.1\r\n",
           "400 a % in the address is not followed by two hexadecimal digits");
    holds ("GET /a#b HTTP/1.1\r\n",
           "400 the address holds a character that has to be percent-encoded");
    holds ("GET /%00 HTTP/1.1\r\n", "400 the path is not valid");
    holds ("GET /.. HTTP/1.1\r\n", "400 the path is not valid");
    holds ("GET /a/%2E./b HTTP/1.1\r\n", "400 the path is not valid");
    holds ("GET / HTTP/1.1\r\nHost\r\n", "400 a line among the headers has no colon");
    holds ("GET / HTTP/1.1\r\n: x\r\n", "400 the name of a header is not valid");
    holds ("GET / HTTP/1.1\r\nHost : x\r\n", "400 the name of a header is not valid");
    holds ("GET / HTTP/1.1\r\n Host: x\r\n", "400 a header goes on in a second line");
    holds ("GET / HTTP/1.1\r\nX: a\rb\r\n", "400 the value of a header holds a control character");
    holds ("GET / HTTP/1.1\r\nX: a\x7f\r\n", "400 the value of a header holds a control character");
}

/*  `begin`, then `count` bytes of `fill`, then `end`.  */
static const char *long_head (const char *begin, const char *fill, size_t count, const char *end)
{
    static char text[TEXT_BYTES];
    size_t size = (size_t) snprintf (text, sizeof text, "%s", begin), step = strlen (fill);
    for (size_t at = 0; at < count; at += step)
        memcpy (text + size + at, fill, step);
    snprintf (text + size + count, sizeof text - size - count, "%s", end);
    return text;
}

static void limits_hold (void **state)
{
    static const char get[] = "GET / HTTP/1.1\r\n", x[] = "GET / HTTP/1.1\r\nX: ";
    (void) state;
    for (size_t piece = 1; piece < TEXT_BYTES; piece = piece * 3 + 1) {
        const size_t room = BYTES_MAX - strlen (x) - 4;
        assert_string_equal (said_of (long_head (x, "a", room, "\r\n\r\n"), piece),
                             "GET / ? new +0");
        assert_string_equal (said_of (long_head (x, "a", room + 1, "\r\n\r\n"), piece),
                             "431 the headers are too large");
        assert_string_equal (said_of (long_head ("GET /", "a", 2046, " HTTP/1.1\r\n"), piece),
                             "more");
        assert_string_equal (said_of (long_head ("GET /", "a", 2047, " HTTP/1.1\r\n"), piece),
                             "414 the address is too long");
        assert_string_equal (said_of (long_head ("GET /?", "é", 684, " HTTP/1.1\r\n"), piece),
                             "414 the address is too long"); /* three bytes each, then */
        assert_string_equal (said_of (long_head ("GET /", "a", 9000, ""), piece),
                             "414 the address is too long");
        assert_string_equal (said_of (long_head (get, "a:\r\n", 1024, "\r\n"), piece),
                             "GET / ? new +0");
        assert_string_equal (said_of (long_head (get, "a:\r\n", 1028, "\r\n"), piece),
                             "431 there are too many headers");
    }
}

/*  Which web site asks is known, wherever the fault is.  */
static void what_comes_behind_a_fault_is_read (void **state)
{
    static const char *const faults[] = {"BREW / HTTP/1.1\r\n", "GET /%zz HTTP/1.1\r\n",
                                         "GET / HTTP/1.1\r\nno colon\r\n",
                                         "GET / HTTP/1.1\r\na: \x01\r\n", "GET / HTTP/3.0\n"};
    static const char behind[] = "Origin: a\r\nbad\r\nb:c\r\n\r\nOrigin: body\r\n";
    char text[256];
    size_t used;
    (void) state;
    for (size_t at = 0; at < sizeof faults / sizeof *faults; at++) {
        http_head_t head = {0};
        snprintf (text, sizeof text, "%s%s", faults[at], behind);
        assert_int_equal (take (&head, text, sizeof text, &used), HTTP_HEAD_BAD);
        assert_int_equal (used, strlen (faults[at]));
        assert_string_equal (http_head_value (&head, "origin", 0), "a");
        assert_null (http_head_value (&head, "origin", 1));
        assert_string_equal (http_head_value (&head, "b", 0), "c");
        assert_non_null (head.fault);
        http_head_free (&head);
    }
    http_head_t head = {0};
    const char *large = long_head ("HEAD /", "a", 9000, " HTTP/1.1\r\nOrigin: a\r\n\r\n");
    assert_int_equal (take (&head, large, TEXT_BYTES, &used), HTTP_HEAD_BAD);
    assert_string_equal (head.method, "HEAD");
    assert_string_equal (head.fault, "the address is too long");
    assert_string_equal (http_head_value (&head, "origin", 0), "a");
    http_head_free (&head);
}

static void a_nul_is_no_end (void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n";
    size_t used;
    http_head_t head = {0};
    (void) state;
    assert_int_equal (http_head_take (&head, plv_view (text, sizeof text - 1), BYTES_MAX, &used),
                      HTTP_HEAD_BAD);
    assert_string_equal (head.fault, "there is a NUL in the head");
    assert_int_equal (http_head_take (&head, plv_view (text, 1), BYTES_MAX, &used), HTTP_HEAD_BAD);
    assert_int_equal (used, 0);
    http_head_free (&head);
}

static void headers_are_found (void **state)
{
    static const char text[] =
        "GET / HTTP/1.1\r\nHost: x\r\nA: \t one two\t \r\na:\r\nB: Upgrade,, "
        "keep-alive\r\nb: other\r\n\r\n";
    size_t used;
    http_head_t head = {0};
    (void) state;
    assert_int_equal (take (&head, text, 7, &used), HTTP_HEAD_DONE);
    assert_string_equal (http_head_value (&head, "HOST", 0), "x");
    assert_string_equal (http_head_value (&head, "a", 0), "one two");
    assert_string_equal (http_head_value (&head, "A", 1), "");
    assert_null (http_head_value (&head, "A", 2));
    assert_null (http_head_value (&head, "Hos", 0));
    assert_true (http_head_lists (&head, "b", "upgrade"));
    assert_true (http_head_lists (&head, "b", "Keep-Alive"));
    assert_true (http_head_lists (&head, "B", "other"));
    assert_false (http_head_lists (&head, "b", "keep"));
    assert_false (http_head_lists (&head, "c", "other"));
    http_head_free (&head);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (heads_are_taken_apart),
        cmocka_unit_test (the_end_is_awaited),
        cmocka_unit_test (what_makes_no_sense_is_named),
        cmocka_unit_test (limits_hold),
        cmocka_unit_test (what_comes_behind_a_fault_is_read),
        cmocka_unit_test (a_nul_is_no_end),
        cmocka_unit_test (headers_are_found),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
