#include "telegram/compose.h"
#include "telegram/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void check_text (const char *recommendations, const char *disclaimers, const char *expected)
{
    const pal_reply_t reply = {
        .response_text = pal_text ("hello"),
        .recommendations = pal_text (recommendations),
        .disclaimers = pal_text (disclaimers),
    };
    char *text = compose_text (&reply, "", 3, pal_text ("known"));
    assert_string_equal (text, expected);
    free (text);
}

static void writes_text (void **state)
{
    (void) state;
    check_text (NULL, NULL, "hello");
    check_text ("no JSON", "{}", "hello");
    check_text ("[]", "[\"known\", \"not_advice\", 7]", "hello\n\n*not\\_advice*");
    check_text (
        "[{\"title\": \"A*B\", \"risk\": 3, \"expected_return\": 4.5, \"why\": \"a\\nb\"}, \"C\", {}, \"D\"]",
        NULL, "hello\n\n**1. A\\*B**\\\nRisk: 3 · Return: 4.5\\\na b\n\n**2. C**\n\n**3. **");
}

static void check_buttons (const char *metadata, const char *expected)
{
    json_t *buttons = compose_buttons (pal_text (metadata));
    char *text = buttons ? json_dumps (buttons, JSON_COMPACT) : NULL;
    if (expected)
        assert_string_equal (text, expected);
    else
        assert_null (text);
    free (text);
    json_decref (buttons);
}

static void writes_buttons (void **state)
{
    (void) state;
    check_buttons ("", NULL);
    check_buttons ("{\"buttons\": [{\"label\": \"\"}, {\"label\": \"x\"}, 7, [], [[]]]}", NULL);
    check_buttons (
        "{\"buttons\": [{\"label\": \"Buy\", \"action\": \"buy\", \"value\": \"7\"},"
        "[{\"label\": \"No\", \"action\": \"no\"}, {\"label\": \"Site\", \"url\": \"https://a/\"}]]}",
        "{\"inline_keyboard\":[[{\"text\":\"Buy\",\"callback_data\":\"buy:7\"}],"
        "[{\"text\":\"No\",\"callback_data\":\"no\"},{\"text\":\"Site\",\"url\":\"https://a/\"}]]}");
}

static void takes_formatting_out (void **state)
{
    char *plain = parts_plain ("<b>a</b> &lt;i&gt; &amp;amp; <a href=\"x\">l</a> 1 < 2");
    (void) state;
    assert_string_equal (plain, "a <i> &amp; l 1 < 2");
    free (plain);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (writes_text),
        cmocka_unit_test (writes_buttons),
        cmocka_unit_test (takes_formatting_out),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
