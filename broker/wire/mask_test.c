#include "wire/mask.h"

#include "base/limits.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/time.h>

#include <cmocka.h>

static void check (const char *text, const char *masked)
{
    plv_buf_t out = {0};
    plv_mask_put_text (&out, plv_view_str (text));
    plv_buf_add_u8 (&out, 0);
    assert_string_equal ((const char *) out.data, masked);
    plv_buf_free (&out);
}

static void texts (void **state)
{
    (void) state;
    check ("", "");
    check ("my password: hunter2, ok?", "my password: ********, ok?");
    check ("password=hunter2&x=1", "password=********&x=1");
    check ("API_KEY = \"abc\" end", "API_KEY = \"********\" end");
    check ("Authorization: Bearer abc.def", "Authorization: Bearer ********");
    check ("take sk-abcdefghijklmnop now", "take ******** now");
    check ("bearer abcdefghijklmnopqrst", "bearer ********");
    check ("the token is", "the token is");
    check ("tokens: 7 of 9", "tokens: 7 of 9");
    check ("risk-averse sk-short", "risk-averse sk-short");
    check ("password:", "password:");
    check ("spin: fast, pin: 1234", "spin: fast, pin: ********");
}

/*  A text without a blank is one long word to whoever looks for the end of a secret in it. Minutes, if each of its
    bytes looks on its own.  */
static void long_text (void **state)
{
    enum { SECONDS_MAX = 10 };
    static const char character[] = "\xe5\xad\x97";
    plv_buf_t text = {0}, out = {0};
    (void) state;
    while (text.size < BODY_BYTES_MAX)
        plv_buf_add (&text, character, sizeof character - 1);
    setitimer (ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = SECONDS_MAX}, NULL); /* of CPU */
    plv_mask_put_text (&out, plv_buf_view (&text));
    setitimer (ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = 0}, NULL);
    assert_true (plv_view_equal (plv_buf_view (&out), plv_buf_view (&text)));
    plv_buf_free (&text);
    plv_buf_free (&out);
}

static void maps (void **state)
{
    static const char *const text =
        "{\"message_text\":\"hi\",\"metadata\":{\"bot_token\":\"x\",\"secret\":7,\"tokens\":[1,\"y\"],"
        "\"cookie\":[\"a\",{\"b\":\"\"}]}}";
    static const char *const masked =
        "{\"message_text\":\"hi\",\"metadata\":{\"bot_token\":\"********\",\"secret\":\"********\",\"tokens\":"
        "[1,\"y\"],\"cookie\":[\"********\",{\"b\":\"\"}]}}";
    plv_buf_t in = {0}, out = {0}, json = {0};
    (void) state;
    assert_int_equal (plv_json_to_mp (&in, plv_view_str (text), PLV_JSON_OBJECT, NULL), ERR_OK);
    plv_mask_put (&out, plv_buf_view (&in));
    assert_true (plv_json_from_mp (&json, plv_buf_view (&out)));
    plv_buf_add_u8 (&json, 0);
    assert_string_equal ((const char *) json.data, masked);
    plv_buf_free (&in);
    plv_buf_free (&out);
    plv_buf_free (&json);
}

int main (void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test (texts), cmocka_unit_test (long_text),
                                       cmocka_unit_test (maps)};
    return cmocka_run_group_tests (tests, NULL, NULL);
}
