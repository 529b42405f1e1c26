#include "host/link/translate.h"

#include "wire/event.h"
#include "wire/mp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void put_envelope (plv_buf_t *out)
{
    plv_envelope_t envelope = {
        .type_code = EVENT_CHAT_RESPONSE,
        .platform = plv_view_str ("web"),
        .adapter = plv_view_str ("gate"),
        .session_id = plv_view_str ("web_42"),
        .user_id = plv_view_str ("ann"),
        .timestamp = 1,
    };
    envelope.id.bytes[0] = 1;
    plv_envelope_write (out, &envelope);
}

static void check_numbers (double said, double told)
{
    translate_t translate = {.platform = "web", .adapter = "gate"};
    plv_buf_t envelope = {0}, body = {0};
    pal_reply_t reply;
    plv_fail_t fail;
    put_envelope (&envelope);
    plv_mp_put_map (&body, 3);
    plv_mp_pair_text (&body, "response_text", "hello");
    plv_mp_put_text (&body, "confidence");
    plv_mp_put_double (&body, said);
    plv_mp_put_text (&body, "processing_time");
    plv_mp_put_double (&body, said);
    assert_int_equal (
        translate_reply (&translate, plv_buf_view (&envelope), plv_buf_view (&body), &reply, &fail),
        ERR_OK);
    assert_true (pal_text_is (reply.conversation, "42"));
    assert_true (pal_text_is (reply.response_text, "hello"));
    assert_true (reply.confidence == told);
    assert_true (reply.processing_time == told);
    plv_buf_free (&envelope);
    plv_buf_free (&body);
    translate_free (&translate);
}

/*  JSON has no word for what is no number; a plugin that writes it as one breaks the whole answer.  */
static void what_is_no_number_is_not_given (void **state)
{
    (void) state;
    check_numbers (0.5, 0.5);
    check_numbers (0, 0);
    check_numbers (-3, -1);
    check_numbers ((double) INFINITY, -1);
    check_numbers ((double) -INFINITY, -1);
    check_numbers ((double) NAN, -1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test (what_is_no_number_is_not_given)};
    return cmocka_run_group_tests (tests, NULL, NULL);
}
