#include "advisor/claude/prose.h"
#include "base/rng.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <jansson.h>
#include <cmocka.h>

static void read_in_pieces (plv_view_t text, size_t piece, plv_buf_t *out)
{
    prose_t prose = {.wanted = "answer"};
    for (size_t at = 0; at < text.size; at += piece)
        prose_feed (&prose,
                    plv_view (text.data + at, text.size - at < piece ? text.size - at : piece),
                    out);
}

static void the_text_comes_out_whatever_the_pieces (void **state)
{
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        {"{\"answer\": \"Hello, world\", \"x\": 1}", "Hello, world"},
        {" \n{ \"kind\": \"answer\", \"answer\" : \"yes\" }", "yes"},
        {"{\"a\": {\"answer\": \"inner\"}, \"answer\": \"outer\"}", "outer"},
        {"{\"a\": [\"answer\", \"b\"], \"answer\": \"outer\"}", "outer"},
        {"{\"answer\": \"a\\n\\\"b\\\" \\\\ \\/ \\u00e4 \\ud83d\\ude00\"}",
         "a\n\"b\" \\ / \xc3\xa4 \xf0\x9f\x98\x80"},
        {"{\"answer\": \"\\ud83d alone \\ude00\"}", " alone "},
        {"{\"answer\": \"\\\xc3\xa4 \\u\xc3\xb6 \\u00\xc3\xbc\"}", "\xc3\xa4 \xc3\xb6 \xc3\xbc"},
        {"{\"answer\": \"half", "half"},
        {"{\"answer\": 7, \"b\": \"no\"}", ""},
        {"{\"answers\": \"no\", \"answe\": \"no\"}", ""},
        {"The answer: {\"answer\": \"no\"}", ""},
        {"[\"answer\", \"no\"]", ""},
        {"{\"answer\": \"one\"} {\"answer\": \"two\"}", "one"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece < 12; piece++) {
            plv_buf_t out = {0};
            read_in_pieces (plv_view_str (rows[i].json), piece, &out);
            if (!plv_view_is (plv_buf_view (&out), rows[i].text))
                fail_msg ("row %zu: " PLV_VIEW_FMT, i, PLV_VIEW_ARG (out));
            plv_buf_free (&out);
        }
}

/*  Against jansson: any text that it writes is read as it was.  */
static void texts_survive_the_round_trip (void **state)
{
    static const char *const BITS[] = {"a", "\\", "\"", "\n", "\xc3\xa4", "\xf0\x9f\x98\x80",
                                       "{", "}",  ",",  ":",  "\x01"};
    plv_rng_t rng = plv_rng_seed (3);
    (void) state;
    for (unsigned round = 0; round < 1000; round++) {
        char text[256] = "";
        plv_buf_t out = {0};
        for (uint64_t i = plv_rng_below (&rng, 40); i > 0; i--)
            strcat (text, BITS[plv_rng_below (&rng, sizeof BITS / sizeof *BITS)]);
        json_t *json = json_pack ("{s:s, s:s}", "other", text, "answer", text);
        char *encoded = json_dumps (json, round % 2 ? JSON_ENSURE_ASCII : 0);
        read_in_pieces (plv_view_str (encoded), 1 + plv_rng_below (&rng, 7), &out);
        assert_true (plv_view_is (plv_buf_view (&out), text));
        free (encoded);
        json_decref (json);
        plv_buf_free (&out);
    }
}

static void any_bytes_do_no_harm (void **state)
{
    static const char LETTERS[] = "{}[]\"\\u0dD8answer:, \n";
    plv_rng_t rng = plv_rng_seed (5);
    (void) state;
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t text[64];
        plv_buf_t out = {0};
        size_t size = plv_rng_below (&rng, sizeof text);
        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t) LETTERS[plv_rng_below (&rng, sizeof LETTERS - 1)];
        read_in_pieces (plv_view (text, size), 1 + plv_rng_below (&rng, 5), &out);
        assert_true (plv_utf8_valid (plv_buf_view (&out)));
        assert_true (out.size <= size);
        plv_buf_free (&out);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_text_comes_out_whatever_the_pieces),
        cmocka_unit_test (texts_survive_the_round_trip),
        cmocka_unit_test (any_bytes_do_no_harm),
    };
    return cmocka_run_group_tests_name ("prose", tests, NULL, NULL);
}
