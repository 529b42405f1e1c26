#include "core/dead/fingerprint.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void plain (const char *words, const char *expected)
{
    plv_buf_t buf = {0};
    fingerprint_words (plv_view_str (words), &buf);
    plv_buf_add_u8 (&buf, 0);
    assert_string_equal ((char *) buf.data, expected);
    plv_buf_free (&buf);
}

static void test_what_is_taken_out (void **state)
{
    (void) state;
    plain ("", "");
    plain ("The model did not answer", "the model did not answer");
    plain ("  two   spaces\n", "two spaces");
    plain ("HTTP 429 after 1.5 s, try 3", "http # after # s, try #");
    plain ("attempt 17 of 20", "attempt # of #");
    plain ("don't panic, it's fine", "don't panic, it's fine");
    plain ("no fund named \"World 2040\"", "no fund named \"\"");
    plain ("key 'abc' is gone", "key \"\" is gone");
    plain ("session telegram_8843 of `u7`", "session telegram_# of \"\"");
    plain ("018f0000-0000-7000-8000-abcdefabcdef failed", "# failed");
    plain ("018f0000-0000-7000-8000-000000000001, or 0xDEADBEEF", "#, or #");
    plain ("commit 3f2a9bc1", "commit #");
    plain ("request req_011CSHoEeqs5C35K2UUqR7Fy", "request req_#");
    plain ("connect to 10.0.0.17:5432 refused", "connect to # refused");
    plain ("connect to db.internal:5432", "connect to db.internal:#");
    plain ("connect to [fe80::1ff:fe23:4567:890a]:80", "connect to [#]:#");
    plain ("POST https://api.example.com/v1/x?y=1 failed", "post @ failed");
    plain ("mail to olga@example.com bounced", "mail to @ bounced");
    plain ("2026-11-22T18:00:01Z timeout", "#t#z timeout");
    plain ("added to a cafe facade", "added to a cafe facade");
    plain ("unfinished 'quote", "unfinished 'quote");
}

static uint64_t of (const char *outcome, const char *code, const char *route, const char *words)
{
    return fingerprint_of (plv_view_str (outcome), plv_view_str (code), plv_view_str (route),
                           plv_view_str (words));
}

static void test_alike_and_not (void **state)
{
    char text[FINGERPRINT_TEXT_BYTES];
    uint64_t again, one = of ("failed", "timeout", "r", "no answer within 120 s (job 17)");
    (void) state;
    assert_true (one == of ("failed", "timeout", "r", "No answer within 30 s  (job 4711)"));
    assert_true (one != of ("unknown", "timeout", "r", "no answer within 120 s (job 17)"));
    assert_true (one != of ("failed", "time", "outr", "no answer within 120 s (job 17)"));
    assert_true (one != of ("failed", "timeout", "s", "no answer within 120 s (job 17)"));
    assert_true (one != of ("failed", "timeout", "r", "no answer within 120 ms (job 17)"));
    /* people note it down: it stays what it is */
    fingerprint_format (one, text);
    assert_string_equal (text, "47d790d3743abf70");
    assert_true (fingerprint_parse (plv_view_str (text), &again) && again == one);
    assert_false (fingerprint_parse (plv_view_str ("12"), &again));
    assert_false (fingerprint_parse (plv_view_str ("xyzxyzxyzxyzxyzx"), &again));
}

/*  Any bytes, each in memory of exactly its size, so that a step too far is seen.  */
static void test_any_bytes (void **state)
{
    static const char often[] = "09afAFxX-:.@/\"'` ()\x00\x80\xff";
    plv_rng_t rng = plv_rng_seed (17);
    (void) state;
    for (int round = 0; round < 20000; round++) {
        size_t size = plv_rng_next (&rng) % 70;
        uint8_t *bytes = malloc (size ? size : 1);
        plv_buf_t once = {0};
        for (size_t i = 0; i < size; i++)
            bytes[i] = plv_rng_next (&rng) % 4
                           ? (uint8_t) often[plv_rng_next (&rng) % (sizeof often - 1)]
                           : (uint8_t) plv_rng_next (&rng);
        fingerprint_words (plv_view (bytes, size), &once);
        assert_true (once.size <= size + 2);
        plv_view_t none = plv_view (NULL, 0);
        assert_true (fingerprint_of (none, none, none, plv_view (bytes, size)) != 0);
        plv_buf_free (&once);
        free (bytes);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_is_taken_out),
        cmocka_unit_test (test_alike_and_not),
        cmocka_unit_test (test_any_bytes),
    };
    return cmocka_run_group_tests_name ("fingerprint", tests, NULL, NULL);
}
