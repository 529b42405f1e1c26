/*  The handler against an SDK that is played here (the linker takes these functions and leaves the SDK's
    own in its archive): what the handler reads, saves, answers and gives back.  */

#include "advisor/worker.h"

#include "advisor/fixture.h"
#include "advisor/profile.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/*  What the broker would keep, and what it would hear.  */
typedef struct {
    const char *text;
    plv_envelope_t envelope;
    plv_buf_t state;
    plv_buf_t step;
    unsigned work_calls;
    plv_err_t step_err;
    plv_buf_t reply;
    unsigned replies;
    unsigned nacks;
    bool permanent;
} broker_t;

static broker_t broker;

const plv_envelope_t *plv_job_envelope (const plv_job_t *job)
{
    (void) job;
    return &broker.envelope;
}

plv_view_t plv_job_text (const plv_job_t *job)
{
    (void) job;
    return plv_view_str (broker.text);
}

bool plv_job_state_get (const plv_job_t *job, const char *key, plv_mp_t *ret_value)
{
    (void) job;
    assert_string_equal (key, PROFILE_KEY);
    *ret_value = plv_mp (plv_buf_view (&broker.state));
    return broker.state.size > 0;
}

plv_err_t plv_job_state_set (plv_job_t *job, const char *key, plv_view_t value,
                             plv_fail_t *ret_fail)
{
    (void) job;
    (void) ret_fail;
    assert_string_equal (key, PROFILE_KEY);
    assert_true (plv_mp_valid (value, MP_MAP));
    assert_int_equal (broker.replies, 0); /* state goes with the reply: it must be set before */
    plv_buf_clear (&broker.state);
    plv_buf_add_view (&broker.state, value);
    return ERR_OK;
}

plv_err_t plv_job_step (plv_job_t *job, const char *name, plv_job_work_t *work, void *arg,
                        plv_view_t *ret_result, plv_fail_t *ret_fail)
{
    assert_string_equal (name, "research");
    if (broker.step_err)
        return plv_fail (ret_fail, broker.step_err, "the step failed");
    if (broker.step.size == 0) {
        broker.work_calls++;
        plv_err_t err = work (job, arg, &broker.step, ret_fail);
        if (err)
            return err;
    }
    *ret_result = plv_buf_view (&broker.step);
    return ERR_OK;
}

plv_err_t plv_job_reply (plv_job_t *job, plv_view_t body, plv_fail_t *ret_fail)
{
    plv_view_t text;
    (void) job;
    assert_int_equal (plv_body_check (EVENT_CHAT_RESPONSE, body, &text, ret_fail), ERR_OK);
    plv_buf_clear (&broker.reply);
    plv_buf_add_view (&broker.reply, body);
    broker.replies++;
    return ERR_OK;
}

plv_err_t plv_job_nack (plv_job_t *job, const plv_nack_t *nack, plv_fail_t *ret_fail)
{
    (void) job;
    (void) ret_fail;
    assert_true (nack->reason && *nack->reason);
    broker.nacks++;
    broker.permanent = nack->permanent;
    return ERR_OK;
}

/*  What only a worker with a model calls.  */

bool plv_job_step_get (const plv_job_t *job, const char *name, plv_view_t *ret_result)
{
    (void) job;
    (void) ret_result;
    fail_msg ("step %s is asked for", name);
    return false;
}

plv_err_t plv_job_step_save (plv_job_t *job, const char *name, plv_view_t result,
                             plv_fail_t *ret_fail)
{
    (void) job;
    (void) result;
    fail_msg ("step %s is saved", name);
    return plv_fail (ret_fail, ERR_ARG, "no model");
}

bool plv_job_history_next (const plv_job_t *job, size_t *at, plv_turn_t *ret_turn)
{
    (void) job;
    (void) ret_turn;
    fail_msg ("turn %zu is asked for", (*at)++);
    return false;
}

plv_err_t plv_job_delta (plv_job_t *job, plv_view_t text, plv_fail_t *ret_fail)
{
    (void) job;
    fail_msg ("delta " PLV_VIEW_FMT, PLV_VIEW_ARG (text));
    return plv_fail (ret_fail, ERR_ARG, "no model");
}

plv_err_t plv_job_typing (plv_job_t *job, bool active, plv_fail_t *ret_fail)
{
    (void) job;
    fail_msg ("typing %d", active);
    return plv_fail (ret_fail, ERR_ARG, "no model");
}

bool plv_job_cancelled (const plv_job_t *job)
{
    (void) job;
    return false;
}

int64_t plv_job_left_ms (const plv_job_t *job)
{
    (void) job;
    return 60000;
}

plv_view_t plv_job_state_text (const plv_job_t *job, const char *key)
{
    (void) job;
    fail_msg ("state %s is asked for", key);
    return plv_view (NULL, 0);
}

plv_err_t plv_job_state_set_text (plv_job_t *job, const char *key, const char *text,
                                  plv_fail_t *ret_fail)
{
    (void) job;
    fail_msg ("state %s is set to %s", key, text);
    return plv_fail (ret_fail, ERR_ARG, "no model");
}

static int set_up (void **state)
{
    plv_fail_t fail = {0};
    worker_t *worker = NULL;
    catalogue_t *catalogue = fixture_catalogue ();
    broker = (broker_t){.envelope = {.timestamp = 1795305600LL * 1000000}};
    if (!catalogue || worker_new (&catalogue, NULL, &worker, &fail))
        return -1;
    *state = worker;
    return catalogue ? -1 : 0;
}

static int tear_down (void **state)
{
    worker_t *worker = *state;
    worker_destroy (&worker);
    plv_buf_free (&broker.state);
    plv_buf_free (&broker.step);
    plv_buf_free (&broker.reply);
    return 0;
}

static void handle (void **state, const char *text)
{
    broker.text = text;
    broker.replies = 0;
    worker_handle (NULL, *state);
}

static uint32_t recommendations (void)
{
    plv_mp_t at;
    uint32_t count = 0;
    assert_true (plv_mp_find (plv_buf_view (&broker.reply), "recommendations", &at));
    assert_true (plv_mp_array (&at, &count));
    return count;
}

static void an_answer_has_every_field (void **state)
{
    static const char *const FIELDS[] = {"name", "symbol", "expected_return", "fee", "why"};
    plv_mp_t at;
    plv_view_t first;
    uint32_t count;
    double number;
    uint64_t risk;
    handle (state, "I want to invest 10,000 USD for 20 years with medium risk");
    assert_int_equal (broker.replies, 1);
    assert_int_equal (broker.nacks, 0);
    plv_view_t body = plv_buf_view (&broker.reply);
    assert_true (plv_mp_find_str (body, "response_text").size > 0);
    assert_true (plv_mp_find (body, "confidence", &at) && plv_mp_double (&at, &number));
    assert_true (number > 0 && number <= 1);
    assert_true (plv_mp_find (body, "processing_time", &at) && plv_mp_double (&at, &number));
    assert_true (number >= 0 && number < 60);
    assert_true (plv_mp_find (body, "sources", &at) && plv_mp_array (&at, &count) && count > 0);
    assert_true (recommendations () >= 3);
    assert_true (plv_mp_find (body, "recommendations", &at) && plv_mp_array (&at, &count));
    assert_true (plv_mp_skip (&at, &first));
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        assert_true (plv_mp_find_str (first, FIELDS[i]).size > 0);
    assert_true (plv_mp_find (first, "risk_level", &at) && plv_mp_u64 (&at, &risk));
    assert_in_range (risk, RISK_MIN, 5);
}

static void the_session_is_remembered_between_messages (void **state)
{
    handle (state, "I want to invest 10,000 USD");
    assert_int_equal (recommendations (), 0);
    assert_int_equal (broker.work_calls, 0);
    handle (state, "for 20 years");
    handle (state, "high risk");
    assert_true (recommendations () >= 3);
    assert_int_equal (broker.work_calls, 1);
}

static void a_redelivery_does_not_repeat_the_research (void **state)
{
    plv_buf_t first = {0};
    handle (state, "I want to invest 10,000 USD for 20 years with medium risk");
    plv_buf_add_view (&first, plv_mp_find_str (plv_buf_view (&broker.reply), "response_text"));
    plv_buf_clear (&broker.state); /* the first attempt died before its reply was kept */
    handle (state, "I want to invest 10,000 USD for 20 years with medium risk");
    assert_int_equal (broker.work_calls, 1);
    assert_true (plv_view_equal (plv_buf_view (&first),
                                 plv_mp_find_str (plv_buf_view (&broker.reply), "response_text")));
    plv_buf_free (&first);
}

static void what_fails_is_given_back (void **state)
{
    broker.step_err = ERR_NOMEM;
    handle (state, "I want to invest 10,000 USD for 20 years with medium risk");
    assert_int_equal (broker.replies, 0);
    assert_int_equal (broker.nacks, 1);
    assert_false (broker.permanent);
}

static void a_job_that_is_gone_is_let_go (void **state)
{
    broker.step_err = ERR_GONE;
    handle (state, "I want to invest 10,000 USD for 20 years with medium risk");
    assert_int_equal (broker.replies + broker.nacks, 0);
}

static void a_step_of_another_kind_is_given_back (void **state)
{
    plv_buf_add (&broker.step, "\xc0", 1);
    handle (state, "I want to invest 10,000 USD for 20 years with medium risk");
    assert_int_equal (broker.nacks, 1);
}

static void a_message_without_text_gets_an_answer (void **state)
{
    handle (state, "");
    assert_int_equal (broker.replies, 1);
    assert_int_equal (recommendations (), 0);
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST (an_answer_has_every_field),
        TEST (the_session_is_remembered_between_messages),
        TEST (a_redelivery_does_not_repeat_the_research),
        TEST (what_fails_is_given_back),
        TEST (a_job_that_is_gone_is_let_go),
        TEST (a_step_of_another_kind_is_given_back),
        TEST (a_message_without_text_gets_an_answer),
    };
    return cmocka_run_group_tests_name ("worker", tests, NULL, NULL);
}
