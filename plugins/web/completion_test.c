#include "web/completion.h"
#include "web/models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define USER(text) "{\"role\":\"user\",\"content\":" text "}"
#define WITH(messages) "{\"model\":\"m\",\"messages\":[" messages "]}"

static void is (pal_text_t text, const char *wanted)
{
    assert_int_equal (text.size, strlen (wanted));
    assert_memory_equal (text.data, wanted, text.size);
}

static void the_last_message_of_the_user_is_sent (void **state)
{
    completion_t it;
    (void) state;
    assert_null (completion_parse (
        &it,
        pal_text (
            "{\"model\":\"m\",\"user\":\"ann\",\"stream\":true,\"stream_options\":{\"include_"
            "usage\":true},\"unknown\":[1],\"messages\":[{\"role\":\"developer\",\"content\":"
            "\"be \\\"kind\\\"\"}," USER (
                "\"one\"") ",{\"role\":\"assistant\",\"content\":"
                           "null}," USER (
                               "[{\"type\":\"text\",\"text\":\"two\"},{\"type\":\"image_url\"},"
                               "{\"type\":\"text\",\"text\":\"three\"}]") "]}")));
    is (text_view (&it.text), "two\nthree");
    is (it.user, "ann");
    is (text_view (&it.session), "ann");
    assert_true (it.stream && it.include_usage);
    is (text_view (&it.metadata),
        "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"be \\\"kind\\\"\"},"
        "{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":\"\"}]}");
    completion_free (&it);
}

static void what_is_wrong_is_named (void **state)
{
    static const struct {
        const char *body, *word;
    } cases[] = {
        {"", "JSON"},
        {"[]", "JSON"},
        {"{}", "model:"},
        {"{\"model\":7}", "model:"},
        {"{\"model\":\"m\"}", "messages:"},
        {WITH (""), "messages:"},
        {WITH ("7"), "role"},
        {WITH ("{\"role\":\"king\"}"), "role"},
        {WITH ("{\"role\":\"system\",\"content\":\"x\"}"), "role user"},
        {WITH (USER ("7")), "content"},
        {WITH (USER ("[7]")), "content"},
        {WITH (USER ("\"\"")), "no text"},
        {WITH (USER ("[]")), "no text"},
        {"{\"model\":\"m\",\"n\":2,\"messages\":[" USER ("\"x\"") "]}", "n:"},
        {"{\"model\":\"m\",\"stream\":1,\"messages\":[" USER ("\"x\"") "]}", "stream:"},
        {"{\"model\":\"m\",\"user\":1,\"messages\":[" USER ("\"x\"") "]}", "user:"},
        {"{\"model\":\"m\",\"user\":\"a\\n\",\"messages\":[" USER ("\"x\"") "]}", "user:"},
    };
    (void) state;
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        completion_t it;
        const char *fault = completion_parse (&it, pal_text (cases[at].body));
        assert_non_null (fault);
        assert_non_null (strstr (fault, cases[at].word));
        completion_free (&it);
    }
}

static void models_are_read (void **state)
{
    pal_text_t list = pal_text (" one, two=/two\n"), name, command;
    (void) state;
    assert_true (models_find (list, pal_text ("two"), &command));
    is (command, "/two");
    assert_true (models_find (list, pal_text ("one"), &command));
    assert_int_equal (command.size, 0);
    assert_false (models_find (list, pal_text ("three"), &command));
    assert_true (models_next (&list, &name, &command));
    is (name, "one");
    assert_true (models_next (&list, &name, &command));
    assert_false (models_next (&list, &name, &command));
    assert_null (models_fault (pal_text ("gpt-4o:x one=/a")));
    assert_non_null (models_fault (pal_text ("")));
    assert_non_null (models_fault (pal_text ("a=b")));
    assert_non_null (models_fault (pal_text ("a\"")));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_last_message_of_the_user_is_sent),
        cmocka_unit_test (what_is_wrong_is_named),
        cmocka_unit_test (models_are_read),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
