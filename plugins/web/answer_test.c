#include "web/answer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_live (const char *body, const char *members)
{
    text_t out = {0}, wanted = {0};
    const pal_live_t live = {
        .type = pal_text ("chat.delta"), .conversation = pal_text ("s1"), .body = pal_text (body)};
    answer_write_live (&out, &live);
    text_add (&wanted, "{\"type\":\"chat.delta\",\"session_id\":\"s1\",\"reply_to\":\"\"");
    text_add (&wanted, members);
    assert_true (pal_text_equal (text_view (&out), text_view (&wanted)));
    text_free (&out);
    text_free (&wanted);
}

static void the_members_of_something_live_follow_what_it_is (void **state)
{
    (void) state;
    assert_live ("{\"delta\":\"a\",\"index\":0}", ",\"delta\":\"a\",\"index\":0}");
    assert_live ("{}", "}");
    assert_live ("", "}");
}

static void an_agent_does_not_say_what_its_words_are (void **state)
{
    (void) state;
    assert_live ("{\"type\":\"chat.response\",\"delta\":\"a\",\"session_id\":\"s2\"}",
                 ",\"delta\":\"a\"}");
    assert_live ("{\"reply_to\":\"7\"}", "}");
    assert_live ("{\"delta\":\"\\\"type\\\"\"}", ",\"delta\":\"\\\"type\\\"\"}");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_members_of_something_live_follow_what_it_is),
        cmocka_unit_test (an_agent_does_not_say_what_its_words_are),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
