#include "advisor/claude/message.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define EVENT(name, json)                                                                          \
    message_event (&message, plv_view_str (name), plv_view_str (json), hear, &heard)
#define START(index, block)                                                                        \
    EVENT ("content_block_start", "{\"index\":" #index ",\"content_block\":" block "}")
#define DELTA(index, delta)                                                                        \
    EVENT ("content_block_delta", "{\"index\":" #index ",\"delta\":" delta "}")
#define STOP(index) EVENT ("content_block_stop", "{\"index\":" #index "}")

static void hear (void *arg, plv_view_t text)
{
    plv_buf_add_view (arg, text);
}

static const char *text_in (const json_t *content, size_t index, const char *key)
{
    const char *text = json_string_value (json_object_get (json_array_get (content, index), key));
    return text ? text : "";
}

static void blocks_are_put_together_by_their_type (void **state)
{
    message_t message = {0};
    plv_buf_t heard = {0};
    (void) state;
    EVENT ("message_start",
           "{\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"content\":[],\"usage\":"
           "{\"input_tokens\":7,\"output_tokens\":1,\"cache_read_input_tokens\":null}}}");
    START (0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
    DELTA (0, "{\"type\":\"thinking_delta\",\"thinking\":\"h\\u00e4\"}");
    DELTA (0, "{\"type\":\"thinking_delta\",\"thinking\":\"m\"}");
    DELTA (0, "{\"type\":\"signature_delta\",\"signature\":\"sig\"}");
    STOP (0);
    EVENT ("ping", "{\"type\":\"ping\"}");
    EVENT ("weather", "no JSON at all");
    START (1, "{\"type\":\"text\",\"text\":\"\"}");
    DELTA (1, "{\"type\":\"text_delta\",\"text\":\"Hel\"}");
    DELTA (1, "{\"type\":\"mood_delta\",\"mood\":\"fine\"}");
    START (2, "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"search\",\"input\":{}}");
    DELTA (2, "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}");
    DELTA (2, "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\": [1,\"}");
    DELTA (1, "{\"type\":\"text_delta\",\"text\":\"lo\"}");
    DELTA (1, "{\"type\":\"citations_delta\",\"citation\":{\"a\":1}}");
    DELTA (2, "{\"type\":\"input_json_delta\",\"partial_json\":\" 2]}\"}");
    STOP (1);
    STOP (2);
    START (3, "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"none\",\"input\":{}}");
    STOP (3);
    START (4, "{\"type\":\"strange\",\"deep\":{\"er\":1}}");
    STOP (4);
    EVENT ("message_delta",
           "{\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":9}}");
    EVENT ("message_delta", "{\"delta\":{},\"usage\":{\"output_tokens\":12}}");
    assert_false (message.complete);
    EVENT ("message_stop", "{\"type\":\"message_stop\"}");
    assert_true (message.complete && !message.broken && !message.error[0]);
    assert_int_equal (json_array_size (message.content), 5);
    assert_string_equal (text_in (message.content, 0, "thinking"), "h\xc3\xa4m");
    assert_string_equal (text_in (message.content, 0, "signature"), "sig");
    assert_string_equal (text_in (message.content, 1, "text"), "Hello");
    assert_int_equal (
        json_array_size (json_object_get (json_array_get (message.content, 1), "citations")), 1);
    char *input =
        json_dumps (json_object_get (json_array_get (message.content, 2), "input"), JSON_COMPACT);
    assert_string_equal (input, "{\"q\":[1,2]}");
    free (input);
    assert_int_equal (
        json_object_size (json_object_get (json_array_get (message.content, 3), "input")), 0);
    assert_string_equal (text_in (message.content, 4, "type"), "strange");
    assert_string_equal (message.stop_reason, "tool_use");
    assert_int_equal (message.usage.input, 7);
    assert_int_equal (message.usage.output, 12);
    assert_true (plv_view_is (plv_buf_view (&heard), "Hello"));
    message_free (&message);
    plv_buf_free (&heard);
}

static void a_message_survives_being_saved (void **state)
{
    message_t message = {0}, again = {0};
    plv_buf_t heard = {0}, text = {0};
    (void) state;
    START (0, "{\"type\":\"text\",\"text\":\"x\"}");
    STOP (0);
    EVENT ("message_delta",
           "{\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":{\"category\":\"c\"}},"
           "\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":4}}");
    EVENT ("message_stop", "{}");
    json_t *saved = message_json (&message);
    assert_true (message_read (&again, saved));
    assert_true (json_equal (message.content, again.content));
    assert_string_equal (again.stop_reason, "refusal");
    assert_string_equal (again.category, "c");
    assert_int_equal (again.usage.cache_write, 4);
    message_text (&again, &text);
    assert_true (plv_view_is (plv_buf_view (&text), "x"));
    json_decref (saved);
    message_free (&message);
    message_free (&again);
    plv_buf_free (&heard);
    plv_buf_free (&text);
}

static void errors_are_read_however_they_are_wrapped (void **state)
{
    static const struct {
        const char *body;
        const char *type;
        const char *code;
    } rows[] = {
        {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}",
         "overloaded_error", ""},
        {"{\"error\":{\"type\":\"api_error\",\"message\":\"m\",\"details\":{\"error_code\":\"c\"}}}",
         "api_error", "c"},
        {"{\"type\":\"timeout_error\",\"message\":\"m\"}", "timeout_error", ""},
        {"[1]", "unknown_error", ""},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        message_t message = {0};
        json_t *body = json_loads (rows[i].body, 0, NULL);
        message_error (&message, body);
        assert_string_equal (message.error, rows[i].type);
        assert_string_equal (message.category, rows[i].code);
        json_decref (body);
        message_free (&message);
    }
}

static void what_makes_no_sense_is_said_so (void **state)
{
    static const char *const EVENTS[][2] = {
        {"content_block_delta", "{\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}"},
        {"content_block_stop", "{\"index\":0}"},
        {"content_block_start",
         "{\"index\":-1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}"},
        {"content_block_start",
         "{\"index\":100000,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}"},
        {"content_block_start", "{\"index\":0}"},
        {"message_start", "{broken"},
        {"message_start", "[]"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof EVENTS / sizeof *EVENTS; i++) {
        message_t message = {0};
        message_event (&message, plv_view_str (EVENTS[i][0]), plv_view_str (EVENTS[i][1]), NULL,
                       NULL);
        assert_true (message.broken);
        message_free (&message);
    }
}

/*  A tool's input that is cut is an error, unless the answer says that it was cut.  */
static void cut_input_is_dropped_when_the_answer_was_cut (void **state)
{
    static const char *const REASONS[] = {"tool_use", "max_tokens"};
    (void) state;
    for (size_t i = 0; i < 2; i++) {
        message_t message = {0};
        plv_buf_t heard = {0};
        char delta[64];
        START (0, "{\"type\":\"text\",\"text\":\"x\"}");
        STOP (0);
        START (2, "{\"type\":\"text\",\"text\":\" \"}");
        STOP (2);
        START (1, "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}");
        DELTA (1, "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\"}");
        snprintf (delta, sizeof delta, "{\"delta\":{\"stop_reason\":\"%s\"}}", REASONS[i]);
        EVENT ("message_delta", delta);
        EVENT ("message_stop", "{}");
        assert_int_equal (message.broken, i == 0);
        assert_int_equal (json_array_size (message.content), 1);
        message_free (&message);
        plv_buf_free (&heard);
    }
}

static void any_events_do_no_harm (void **state)
{
    static const char *const NAMES[] = {"message_start",
                                        "content_block_start",
                                        "content_block_delta",
                                        "content_block_stop",
                                        "message_delta",
                                        "message_stop",
                                        "error",
                                        "x"};
    static const char *const BITS[] = {
        "{\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
        "{\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"input\":{}}}",
        "{\"index\":2,\"content_block\":{\"thinking\":\"\"}}",
        "{\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}",
        "{\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}",
        "{\"index\":2,\"delta\":{\"type\":\"citations_delta\",\"citation\":1}}",
        "{\"index\":1}",
        "{\"index\":2}",
        "{}",
        "[]",
        "{\"delta\":7,\"usage\":{\"output_tokens\":-1}}",
        "nothing"};
    plv_rng_t rng = plv_rng_seed (17);
    (void) state;
    for (unsigned round = 0; round < 3000; round++) {
        message_t message = {0};
        plv_buf_t heard = {0};
        for (uint64_t i = plv_rng_below (&rng, 20); i > 0; i--)
            EVENT (NAMES[plv_rng_below (&rng, 8)], BITS[plv_rng_below (&rng, 12)]);
        message_free (&message);
        plv_buf_free (&heard);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (blocks_are_put_together_by_their_type),
        cmocka_unit_test (a_message_survives_being_saved),
        cmocka_unit_test (errors_are_read_however_they_are_wrapped),
        cmocka_unit_test (what_makes_no_sense_is_said_so),
        cmocka_unit_test (cut_input_is_dropped_when_the_answer_was_cut),
        cmocka_unit_test (any_events_do_no_harm),
    };
    return cmocka_run_group_tests_name ("message", tests, NULL, NULL);
}
