#include "base/limits.h"
#include "base/rng.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 20000 };

static plv_envelope_t sample (void)
{
    plv_envelope_t envelope = {
        .type = plv_view_str ("chat.message"),
        .type_code = EVENT_CHAT_MESSAGE,
        .platform = plv_view_str ("telegram"),
        .adapter = plv_view_str ("telegram"),
        .session_id = plv_view_str ("telegram_12345"),
        .user_id = plv_view_str ("J\xc3\xb6rg"),
        .timestamp = 1790000000000000,
        .has_reply_to = true,
        .platform_id = plv_view_str ("77"),
        .traceparent = plv_view_str ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    };
    for (uint8_t i = 0; i < PLV_ID_BYTES; i++) {
        envelope.id.bytes[i] = i;
        envelope.reply_to.bytes[i] = (uint8_t) (200 - i);
    }
    return envelope;
}

static void assert_same (const plv_envelope_t *a, const plv_envelope_t *b)
{
    assert_memory_equal (&a->id, &b->id, PLV_ID_BYTES);
    assert_memory_equal (&a->reply_to, &b->reply_to, PLV_ID_BYTES);
    assert_int_equal (a->has_reply_to, b->has_reply_to);
    assert_int_equal (a->type_code, b->type_code);
    assert_true (a->timestamp == b->timestamp);
    assert_true (plv_view_equal (a->type, b->type));
    assert_true (plv_view_equal (a->platform, b->platform));
    assert_true (plv_view_equal (a->adapter, b->adapter));
    assert_true (plv_view_equal (a->session_id, b->session_id));
    assert_true (plv_view_equal (a->user_id, b->user_id));
    assert_true (plv_view_equal (a->platform_id, b->platform_id));
    assert_true (plv_view_equal (a->traceparent, b->traceparent));
}

static plv_err_t parse (const plv_buf_t *buf, plv_envelope_t *ret_envelope, plv_fail_t *fail)
{
    return plv_envelope_parse (plv_buf_view (buf), ret_envelope, fail);
}

static void an_envelope_survives_the_round_trip (void **state)
{
    (void) state;
    plv_envelope_t in = sample ();
    plv_envelope_t out;
    plv_fail_t fail;
    plv_buf_t buf = {0};
    plv_envelope_write (&buf, &in);
    assert_int_equal (parse (&buf, &out, &fail), ERR_OK);
    assert_same (&in, &out);

    in.has_reply_to = false;
    memset (&in.reply_to, 0, sizeof in.reply_to);
    in.adapter = in.platform_id = in.traceparent = plv_view (NULL, 0);
    plv_buf_clear (&buf);
    plv_envelope_write (&buf, &in);
    assert_int_equal (parse (&buf, &out, &fail), ERR_OK);
    assert_same (&in, &out);

    in.type = plv_view (NULL, 0);
    plv_buf_clear (&buf);
    plv_envelope_write (&buf, &in);
    assert_int_equal (parse (&buf, &out, &fail), ERR_OK);
    assert_true (plv_view_is (out.type, "chat.message"));
    plv_buf_free (&buf);
}

/*  Writes the sample with one field changed by `put`, or left out when it is NULL.  */
static plv_err_t parse_changed (const char *field, void (*put) (plv_buf_t *), plv_fail_t *fail)
{
    plv_envelope_t envelope = sample ();
    plv_buf_t buf = {0};
    plv_buf_t changed = {0};
    plv_envelope_write (&buf, &envelope);
    plv_mp_t at = plv_mp (plv_buf_view (&buf));
    uint32_t pairs;
    assert_true (plv_mp_map (&at, &pairs));
    plv_mp_put_map (&changed, put ? pairs : pairs - 1);
    for (uint32_t i = 0; i < pairs; i++) {
        plv_view_t key;
        plv_view_t value;
        assert_true (plv_mp_str (&at, &key) && plv_mp_skip (&at, &value));
        bool here = plv_view_is (key, field);
        if (here && !put)
            continue;
        plv_mp_put_str (&changed, key);
        if (here)
            put (&changed);
        else
            plv_buf_add_view (&changed, value);
    }
    plv_err_t err = parse (&changed, &envelope, fail);
    plv_buf_free (&changed);
    plv_buf_free (&buf);
    return err;
}

static void put_number (plv_buf_t *buf)
{
    plv_mp_put_i64 (buf, -7);
}

static void put_empty (plv_buf_t *buf)
{
    plv_mp_put_text (buf, "");
}

static void put_latin1 (plv_buf_t *buf)
{
    plv_mp_put_text (buf, "J\xf6rg");
}

static void put_long (plv_buf_t *buf)
{
    static char text[KEY_BYTES_MAX + 1];
    memset (text, 'x', sizeof text);
    plv_mp_put_str (buf, plv_view (text, sizeof text));
}

static void put_short_id (plv_buf_t *buf)
{
    plv_mp_put_bin (buf, plv_view ("123456789012345", 15));
}

/*  Each failure has its own code and names its field.  */
static void each_field_is_checked_by_name (void **state)
{
    (void) state;
    static const struct {
        const char *field;
        void (*put) (plv_buf_t *);
        plv_err_t err;
    } CASES[] = {
        {"id", NULL, ERR_MSGPACK},
        {"type", NULL, ERR_MSGPACK},
        {"platform", NULL, ERR_MSGPACK},
        {"session_id", NULL, ERR_MSGPACK},
        {"user_id", NULL, ERR_MSGPACK},
        {"timestamp", NULL, ERR_MSGPACK},
        {"adapter", NULL, ERR_OK},
        {"platform_id", NULL, ERR_OK},
        {"reply_to", NULL, ERR_OK},
        {"traceparent", NULL, ERR_OK},
        {"session_id", plv_mp_put_nil, ERR_MSGPACK},
        {"adapter", plv_mp_put_nil, ERR_OK},
        {"platform_id", put_empty, ERR_OK},
        {"id", put_short_id, ERR_RANGE},
        {"id", put_number, ERR_MSGPACK},
        {"reply_to", put_short_id, ERR_RANGE},
        {"timestamp", put_number, ERR_RANGE},
        {"timestamp", put_empty, ERR_MSGPACK},
        {"user_id", put_latin1, ERR_UTF8},
        {"user_id", put_empty, ERR_RANGE},
        {"user_id", put_long, ERR_RANGE},
        {"session_id", put_number, ERR_MSGPACK},
        {"traceparent", put_long, ERR_RANGE},
        {"platform_id", put_latin1, ERR_UTF8},
        {"platform", put_long, ERR_RANGE},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        plv_fail_t fail = {0};
        assert_int_equal (parse_changed (CASES[i].field, CASES[i].put, &fail), CASES[i].err);
        if (CASES[i].err)
            assert_non_null (strstr (fail.text, CASES[i].field));
    }
}

static void put_sample_and (plv_buf_t *buf, const char *key, const char *text)
{
    plv_envelope_t envelope = sample ();
    plv_buf_t whole = {0};
    plv_envelope_write (&whole, &envelope);
    plv_mp_put_map (buf, 11);
    plv_buf_add (buf, whole.data + 1, whole.size - 1);
    plv_mp_put_text (buf, key);
    plv_mp_put_text (buf, text);
    plv_buf_free (&whole);
}

static void unknown_fields_pass_and_double_ones_do_not (void **state)
{
    (void) state;
    plv_envelope_t in = sample ();
    plv_envelope_t out;
    plv_fail_t fail;
    plv_buf_t buf = {0};
    put_sample_and (&buf, "later", "x");
    assert_int_equal (parse (&buf, &out, &fail), ERR_OK);
    assert_same (&in, &out);
    plv_buf_clear (&buf);
    put_sample_and (&buf, "session_id", "web_1");
    assert_int_equal (parse (&buf, &out, &fail), ERR_MSGPACK);
    assert_non_null (strstr (fail.text, "session_id comes twice"));
    plv_buf_free (&buf);
}

static void what_is_no_envelope_is_refused (void **state)
{
    (void) state;
    static uint8_t big[ENVELOPE_BYTES_MAX + 1];
    plv_envelope_t out;
    plv_fail_t fail;
    assert_int_equal (plv_envelope_parse (plv_view (NULL, 0), &out, &fail), ERR_MSGPACK);
    assert_int_equal (plv_envelope_parse (plv_view ("\x90", 1), &out, &fail), ERR_MSGPACK);
    assert_int_equal (plv_envelope_parse (plv_view ("\x80", 1), &out, &fail), ERR_MSGPACK);
    assert_int_equal (plv_envelope_parse (plv_view (big, sizeof big), &out, &fail), ERR_RANGE);
}

static void damaged_envelopes_never_crash (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (6);
    plv_envelope_t envelope = sample ();
    plv_buf_t whole = {0};
    plv_envelope_write (&whole, &envelope);
    unsigned refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = plv_rng_below (&rng, 2) ? whole.size : plv_rng_below (&rng, whole.size) + 1;
        uint8_t *copy = malloc (size);
        assert_non_null (copy);
        memcpy (copy, whole.data, size);
        for (uint64_t n = 1 + plv_rng_below (&rng, 3); n; n--)
            copy[plv_rng_below (&rng, size)] = (uint8_t) plv_rng_next (&rng);
        plv_fail_t fail;
        plv_err_t err = plv_envelope_parse (plv_view (copy, size), &envelope, &fail);
        assert_true (err == ERR_OK || err == ERR_MSGPACK || err == ERR_UTF8 || err == ERR_RANGE);
        refused += err != ERR_OK;
        free (copy);
    }
    assert_true (refused > ROUNDS / 2);
    plv_buf_free (&whole);
}

static void types_have_names_both_ways (void **state)
{
    (void) state;
    for (unsigned i = EVENT_UNKNOWN + 1; i < EVENT_COUNT_; i++) {
        const char *name = plv_event_type_name ((plv_event_type_t) i);
        assert_int_equal (plv_event_type_of (plv_view_str (name)), i);
    }
    assert_null (plv_event_type_name (EVENT_UNKNOWN));
    assert_int_equal (plv_event_type_of (plv_view_str ("chat.massage")), EVENT_UNKNOWN);
    assert_true (plv_event_type_published (EVENT_CHAT_MESSAGE));
    assert_true (plv_event_type_published (EVENT_DELIVERY_RECEIPT));
    assert_false (plv_event_type_published (EVENT_CHAT_RESPONSE));
    assert_false (plv_event_type_published (EVENT_CHAT_TYPING));
    assert_false (plv_event_type_published (EVENT_SESSION_CREATED));
    assert_false (plv_event_type_published (EVENT_UNKNOWN));
    assert_true (plv_event_type_routed (EVENT_SESSION_CREATED));
    assert_true (plv_event_type_routed (EVENT_SESSION_ENDED));
    assert_true (plv_event_type_routed (EVENT_CHAT_MESSAGE));
    assert_false (plv_event_type_routed (EVENT_CHAT_RESPONSE));
    assert_false (plv_event_type_routed (EVENT_CHAT_DELTA));
    assert_false (plv_event_type_routed (EVENT_UNKNOWN));
}

static void put_body (plv_buf_t *buf, const char *key, const char *text)
{
    plv_buf_clear (buf);
    plv_mp_put_map (buf, 2);
    plv_mp_put_text (buf, "metadata");
    plv_mp_put_map (buf, 0);
    plv_mp_put_text (buf, key);
    plv_mp_put_text (buf, text);
}

static void a_body_gives_its_text (void **state)
{
    (void) state;
    plv_buf_t buf = {0};
    plv_view_t text;
    plv_fail_t fail;
    put_body (&buf, "message_text", "hello");
    assert_int_equal (plv_body_check (EVENT_CHAT_MESSAGE, plv_buf_view (&buf), &text, &fail),
                      ERR_OK);
    assert_true (plv_view_is (text, "hello"));
    assert_int_equal (plv_body_check (EVENT_CHAT_TYPING, plv_buf_view (&buf), &text, &fail),
                      ERR_OK);
    assert_int_equal (text.size, 0);
    assert_int_equal (plv_body_check (EVENT_CHAT_RESPONSE, plv_buf_view (&buf), &text, &fail),
                      ERR_MSGPACK);
    assert_non_null (strstr (fail.text, "response_text is missing"));

    put_body (&buf, "message_text", NULL);
    assert_int_equal (plv_body_check (EVENT_CHAT_MESSAGE, plv_buf_view (&buf), &text, &fail),
                      ERR_MSGPACK);
    assert_int_equal (plv_body_check (EVENT_CHAT_EDIT, plv_buf_view (&buf), &text, &fail), ERR_OK);

    put_body (&buf, "other", "J\xf6rg");
    assert_int_equal (plv_body_check (EVENT_CHAT_EDIT, plv_buf_view (&buf), &text, &fail),
                      ERR_MSGPACK);
    plv_buf_free (&buf);
}

static void a_body_is_one_map_within_its_limit (void **state)
{
    (void) state;
    plv_view_t text;
    plv_fail_t fail;
    assert_int_equal (plv_body_check (EVENT_CHAT_TYPING, plv_view ("\x80", 1), &text, &fail),
                      ERR_OK);
    assert_int_equal (plv_body_check (EVENT_CHAT_TYPING, plv_view ("\x90", 1), &text, &fail),
                      ERR_MSGPACK);
    assert_int_equal (plv_body_check (EVENT_CHAT_TYPING, plv_view ("\x80\x80", 2), &text, &fail),
                      ERR_MSGPACK);
    assert_int_equal (plv_body_check (EVENT_CHAT_TYPING, plv_view (NULL, 0), &text, &fail),
                      ERR_MSGPACK);

    static char filler[BODY_BYTES_MAX];
    plv_buf_t buf = {0};
    plv_mp_put_map (&buf, 1);
    plv_mp_put_text (&buf, "x");
    plv_mp_put_bin (&buf, plv_view (filler, BODY_BYTES_MAX - 8));
    assert_int_equal (buf.size, BODY_BYTES_MAX);
    assert_int_equal (plv_body_check (EVENT_CHAT_TYPING, plv_buf_view (&buf), &text, &fail),
                      ERR_OK);
    plv_buf_clear (&buf);
    plv_mp_put_map (&buf, 1);
    plv_mp_put_text (&buf, "x");
    plv_mp_put_bin (&buf, plv_view (filler, BODY_BYTES_MAX - 7));
    assert_int_equal (plv_body_check (EVENT_CHAT_TYPING, plv_buf_view (&buf), &text, &fail),
                      ERR_RANGE);
    plv_buf_free (&buf);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (an_envelope_survives_the_round_trip),
        cmocka_unit_test (each_field_is_checked_by_name),
        cmocka_unit_test (unknown_fields_pass_and_double_ones_do_not),
        cmocka_unit_test (what_is_no_envelope_is_refused),
        cmocka_unit_test (damaged_envelopes_never_crash),
        cmocka_unit_test (types_have_names_both_ways),
        cmocka_unit_test (a_body_gives_its_text),
        cmocka_unit_test (a_body_is_one_map_within_its_limit),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
