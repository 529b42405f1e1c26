#include "advisor/claude/sse.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/*  Events as "name=data;" one behind the other.  */
static void note (void *arg, plv_view_t event, plv_view_t data)
{
    plv_buf_add_view (arg, event);
    plv_buf_add (arg, "=", 1);
    plv_buf_add_view (arg, data);
    plv_buf_add (arg, ";", 1);
}

static void feed_in_pieces (plv_view_t text, size_t piece, plv_buf_t *out)
{
    sse_t sse = {0};
    for (size_t at = 0; at < text.size; at += piece)
        sse_feed (&sse, plv_view (text.data + at, text.size - at < piece ? text.size - at : piece),
                  note, out);
    assert_false (sse.failed);
    sse_free (&sse);
}

static void events_are_read_whatever_the_pieces (void **state)
{
    static const struct {
        const char *text;
        const char *events;
    } rows[] = {
        {"event: a\ndata: 1\n\n", "a=1;"},
        {"event: a\r\ndata: 1\r\n\r\nevent: b\r\ndata: 2\r\n\r\n", "a=1;b=2;"},
        {"event: a\rdata: 1\r\rdata: 2\r\r", "a=1;message=2;"},
        {": comment\n\n:\nevent:a\ndata:1\ndata: 2\ndata\n\n", "a=1\n2\n;"},
        {"\xef\xbb\xbf"
         "event: a\ndata: {\"x\": \"\xc3\xa4\"}\n\n",
         "a={\"x\": \"\xc3\xa4\"};"},
        {"event: ping\n\nevent: ping\ndata:\n\ndata: 1\n\n", "message=1;"},
        {"id: 7\nretry: 3\nevent: a\nwhatever\ndata:  two  \n\n", "a= two  ;"},
        {"event: a\ndata: never ends\n", ""},
        {"", ""},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece < 9; piece++) {
            plv_buf_t out = {0};
            feed_in_pieces (plv_view_str (rows[i].text), piece, &out);
            assert_true (plv_view_is (plv_buf_view (&out), rows[i].events));
            plv_buf_free (&out);
        }
}

static void an_event_without_end_is_given_up (void **state)
{
    static uint8_t filler[65536];
    plv_buf_t out = {0};
    sse_t sse = {0};
    (void) state;
    memset (filler, 'x', sizeof filler);
    for (size_t size = 0; size <= SSE_EVENT_BYTES_MAX; size += sizeof filler)
        sse_feed (&sse, plv_view (filler, sizeof filler), note, &out);
    assert_true (sse.failed);
    sse_feed (&sse, plv_view_str ("\ndata: 1\n\n"), note, &out);
    assert_int_equal (out.size, 0);
    sse_free (&sse);
    plv_buf_free (&out);
}

/*  Any bytes: what comes out does not depend on how they were cut.  */
static void any_bytes_in_any_pieces (void **state)
{
    static const char *const WORDS[] = {"event", "data", ":",    " ", "\n",          "\r",
                                        "\n\n",  "a",    "\xff", "{", "\xef\xbb\xbf"};
    plv_rng_t rng = plv_rng_seed (7);
    (void) state;
    for (unsigned round = 0; round < 2000; round++) {
        plv_buf_t text = {0}, whole = {0}, pieces = {0};
        for (uint64_t i = plv_rng_below (&rng, 60); i > 0; i--)
            plv_buf_add_view (
                &text, plv_view_str (WORDS[plv_rng_below (&rng, sizeof WORDS / sizeof *WORDS)]));
        feed_in_pieces (plv_buf_view (&text), text.size + 1, &whole);
        feed_in_pieces (plv_buf_view (&text), 1 + plv_rng_below (&rng, 5), &pieces);
        assert_true (plv_view_equal (plv_buf_view (&whole), plv_buf_view (&pieces)));
        plv_buf_free (&text);
        plv_buf_free (&whole);
        plv_buf_free (&pieces);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (events_are_read_whatever_the_pieces),
        cmocka_unit_test (an_event_without_end_is_given_up),
        cmocka_unit_test (any_bytes_in_any_pieces),
    };
    return cmocka_run_group_tests_name ("sse", tests, NULL, NULL);
}
