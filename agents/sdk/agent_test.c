/*  LINK: -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup  */

#include "sdk/internal.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/*  Debian builds libzmq without ThreadSanitizer: what it does inside cannot be judged.  */
const char *__tsan_default_suppressions (void) __attribute__ ((visibility ("default")));

const char *__tsan_default_suppressions (void)
{
    return "called_from_lib:libzmq.so\nrace:libzmq.so\n";
}

static unsigned long allocations;
static unsigned long failing; /* this allocation fails; 0: none */

void *__real_malloc (size_t size);
void *__real_calloc (size_t count, size_t size);
void *__real_realloc (void *block, size_t size);
char *__real_strdup (const char *text);
void *__wrap_malloc (size_t size);
void *__wrap_calloc (size_t count, size_t size);
void *__wrap_realloc (void *block, size_t size);
char *__wrap_strdup (const char *text);

static bool fails (void)
{
    return ++allocations == failing;
}

void *__wrap_malloc (size_t size)
{
    return fails () ? NULL : __real_malloc (size);
}

void *__wrap_calloc (size_t count, size_t size)
{
    return fails () ? NULL : __real_calloc (count, size);
}

void *__wrap_realloc (void *block, size_t size)
{
    return fails () ? NULL : __real_realloc (block, size);
}

char *__wrap_strdup (const char *text)
{
    return fails () ? NULL : __real_strdup (text);
}

static const plv_agent_options_t PLAIN = {.endpoint = "ipc:///nowhere/agents.ipc",
                                          .keep_signals = true};

static plv_agent_t *new_agent (void)
{
    plv_agent_t *agent = NULL;
    plv_fail_t fail;
    if (plv_agent_new (&PLAIN, &agent, &fail))
        fail_msg ("%s", fail.text);
    return agent;
}

static void refused (plv_agent_options_t options, plv_err_t err, const char *words)
{
    plv_agent_t *agent = NULL;
    plv_fail_t fail = {0};
    options.endpoint = options.endpoint ? options.endpoint : PLAIN.endpoint;
    assert_int_equal (plv_agent_new (&options, &agent, &fail), err);
    assert_null (agent);
    if (!strstr (fail.text, words))
        fail_msg ("\"%s\" does not say \"%s\"", fail.text, words);
}

static void options_are_checked (void **state)
{
    (void) state;
    static const char *const BAD[] = {"good", "not good"};
    refused ((plv_agent_options_t){.name = ""}, ERR_ARG, "name");
    refused ((plv_agent_options_t){.name = "J\xc3\xb6rg"}, ERR_ARG, "J\xc3\xb6rg");
    refused ((plv_agent_options_t){.services = BAD, .service_count = 2}, ERR_ARG, "not good");
    refused ((plv_agent_options_t){.services = BAD, .service_count = 33}, ERR_ARG, "33 services");
    refused ((plv_agent_options_t){.threads = CREDIT_MAX + 1}, ERR_ARG, "at most");
    refused ((plv_agent_options_t){.history = HISTORY_TURNS_MAX + 1}, ERR_ARG, "history");
    unsetenv ("PALAVER_CERT");
    refused ((plv_agent_options_t){.endpoint = "tcp://127.0.0.1:1"}, ERR_ARG, "PALAVER_CERT");
    refused ((plv_agent_options_t){.endpoint = "tcp://127.0.0.1:1",
                                   .cert = "/nowhere",
                                   .broker_cert = "/nowhere"},
             ERR_NOENT, "/nowhere");
}

static void the_endpoint_comes_from_the_environment (void **state)
{
    (void) state;
    plv_agent_t *agent = NULL;
    plv_fail_t fail;
    unsetenv ("PALAVER_AGENTS");
    unsetenv ("XDG_RUNTIME_DIR");
    assert_int_equal (plv_agent_new (&(plv_agent_options_t){0}, &agent, &fail), ERR_ARG);
    assert_non_null (strstr (fail.text, "PALAVER_AGENTS"));
    setenv ("XDG_RUNTIME_DIR", "/run/user/7", 1);
    assert_int_equal (plv_agent_new (&(plv_agent_options_t){0}, &agent, &fail), ERR_OK);
    assert_string_equal (agent->set.endpoint, "ipc:///run/user/7/palaver/agents.ipc");
    plv_agent_destroy (&agent);
    setenv ("PALAVER_AGENTS", "ipc:///else/where", 1);
    assert_int_equal (plv_agent_new (&(plv_agent_options_t){0}, &agent, &fail), ERR_OK);
    assert_string_equal (agent->set.endpoint, "ipc:///else/where");
    plv_agent_destroy (&agent);
    unsetenv ("PALAVER_AGENTS");
}

static void key_files_are_read (void **state)
{
    (void) state;
    static const char BOTH[] = "#   a key pair\nmetadata\n    name = \"public-key\"\ncurve\n"
                               "    public-key = \"0123456789012345678901234567890123456789\"\n"
                               "    secret-key = \"abcdefghijabcdefghijabcdefghijabcdefghij\"\n";
    char path[] = "/tmp/plv-key-XXXXXX";
    char public[KEY_TEXT_BYTES];
    char secret[KEY_TEXT_BYTES];
    plv_fail_t fail;
    int file = mkstemp (path);
    assert_true (file >= 0);
    assert_int_equal (write (file, BOTH, sizeof BOTH - 1), sizeof BOTH - 1);
    assert_int_equal (plv_cert_read (path, public, secret, &fail), ERR_OK);
    assert_string_equal (public, "0123456789012345678901234567890123456789");
    assert_string_equal (secret, "abcdefghijabcdefghijabcdefghijabcdefghij");
    assert_int_equal (fchmod (file, 0640), 0);
    assert_int_equal (plv_cert_read (path, public, NULL, &fail), ERR_OK);
    assert_int_equal (plv_cert_read (path, public, secret, &fail), ERR_PERM);
    assert_non_null (strstr (fail.text, "chmod 600 /tmp/plv-key-"));
    assert_int_equal (fchmod (file, 0600), 0);
    assert_int_equal (ftruncate (file, sizeof BOTH - 40), 0);
    assert_int_equal (plv_cert_read (path, public, NULL, &fail), ERR_OK);
    assert_int_equal (plv_cert_read (path, public, secret, &fail), ERR_SYNTAX);
    assert_non_null (strstr (fail.text, "secret-key"));
    assert_int_equal (ftruncate (file, 20), 0);
    assert_int_equal (plv_cert_read (path, public, NULL, &fail), ERR_SYNTAX);
    close (file);
    unlink (path);
}

static void exit_codes_follow_sysexits (void **state)
{
    (void) state;
    assert_int_equal (plv_agent_exit_code (ERR_OK), 0);
    assert_int_equal (plv_agent_exit_code (ERR_ARG), 64);
    assert_int_equal (plv_agent_exit_code (ERR_NOMEM), 71);
    assert_int_equal (plv_agent_exit_code (ERR_VERSION), 76);
    assert_int_equal (plv_agent_exit_code (ERR_AUTH), 77);
    assert_int_equal (plv_agent_exit_code (ERR_TIMEOUT), 69);
}

static void put_turn (plv_buf_t *buf, const char *role, const char *text)
{
    plv_mp_put_map (buf, 2);
    plv_mp_put_text (buf, "role");
    plv_mp_put_text (buf, role);
    plv_mp_put_text (buf, "text");
    plv_mp_put_text (buf, text);
}

static void put_pair_as_bytes (plv_buf_t *buf, const char *key, const char *text)
{
    plv_buf_t map = {0};
    plv_mp_put_map (&map, 1);
    plv_mp_put_text (&map, key);
    plv_mp_put_text (&map, text);
    plv_mp_put_bin (buf, plv_buf_view (&map));
    plv_buf_free (&map);
}

static plv_buf_t job_packet (void)
{
    const plv_envelope_t envelope = {.type_code = EVENT_CHAT_MESSAGE,
                                     .platform = plv_view_str ("web"),
                                     .session_id = plv_view_str ("web_42"),
                                     .user_id = plv_view_str ("u"),
                                     .timestamp = 5};
    plv_buf_t buf = {0};
    plv_packet_begin (&buf);
    size_t mark = plv_frame_begin (&buf, VERB_JOB);
    plv_mp_put_u64 (&buf, 65538);
    plv_mp_put_u64 (&buf, 2);
    plv_mp_put_u64 (&buf, UINT64_MAX); /* a deadline that no clock reaches */
    plv_envelope_write (&buf, &envelope);
    put_pair_as_bytes (&buf, "message_text", "hello");
    plv_mp_put_array (&buf, 2);
    put_turn (&buf, "user", "one");
    put_turn (&buf, "assistant", "two");
    put_pair_as_bytes (&buf, "risk", "low");
    plv_mp_put_map (&buf, 1);
    plv_mp_put_text (&buf, "fetch");
    plv_mp_put_bin (&buf, plv_view_str ("paid"));
    plv_mp_put_nil (&buf);
    plv_mp_put_map (&buf, 1);
    plv_mp_put_text (&buf, "trial");
    plv_mp_put_bool (&buf, true);
    plv_frame_end (&buf, mark);
    return buf;
}

/*  The job of job_packet. The packet is gone by then: a job lives on its own bytes.  */
static plv_err_t make_job (plv_agent_t *agent, plv_job_t **ret_job)
{
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    unsigned long wanted = failing;
    failing = 0;
    plv_buf_t packet = job_packet ();
    allocations = 0;
    failing = wanted;
    assert_int_equal (plv_packet_open (plv_buf_view (&packet), &reader, &fail), ERR_OK);
    assert_int_equal (plv_packet_next (&reader, &frame, &fail), ERR_OK);
    plv_err_t err = plv_job_new (agent, &frame, ret_job, &fail);
    plv_buf_free (&packet);
    return err;
}

static plv_job_t *new_job (plv_agent_t *agent)
{
    plv_job_t *job = NULL;
    assert_int_equal (make_job (agent, &job), ERR_OK);
    plv_list_push (&agent->held, &job->held);
    job->running = true;
    return job;
}

static void a_job_shows_all_of_itself (void **state)
{
    (void) state;
    plv_agent_t *agent = new_agent ();
    plv_job_t *job = new_job (agent);
    plv_mp_t at;
    plv_view_t result;
    plv_turn_t turn;
    size_t next = 0;
    assert_true (plv_view_is (plv_job_text (job), "hello"));
    assert_true (plv_view_is (plv_job_envelope (job)->session_id, "web_42"));
    assert_int_equal (plv_job_attempt (job), 2);
    assert_true (plv_job_is_trial (job));
    assert_true (plv_job_left_ms (job) > 1000);
    assert_true (plv_view_is (plv_job_state_text (job, "risk"), "low"));
    assert_true (plv_job_state_get (job, "risk", &at));
    assert_false (plv_job_state_get (job, "other", &at));
    assert_true (plv_job_history_next (job, &next, &turn) && plv_view_is (turn.text, "one"));
    assert_true (plv_job_history_next (job, &next, &turn) && plv_view_is (turn.role, "assistant"));
    assert_false (plv_job_history_next (job, &next, &turn));
    assert_true (plv_job_step_get (job, "fetch", &result) && plv_view_is (result, "paid"));
    assert_false (plv_job_step_get (job, "other", &result));
    assert_false (plv_job_cancelled (job));
    assert_string_equal (plv_job_cancel_code (job), "");
    plv_agent_destroy (&agent);
}

static uint32_t changed_text (const plv_job_t *job, const char *key, char *text, size_t size)
{
    plv_buf_t map = {0};
    plv_mp_put_map (&map, job->changes);
    plv_buf_add_view (&map, plv_buf_view (&job->changed));
    assert_true (plv_mp_valid (plv_buf_view (&map), MP_MAP));
    snprintf (text, size, PLV_VIEW_FMT, PLV_VIEW_ARG (plv_mp_find_str (plv_buf_view (&map), key)));
    plv_buf_free (&map);
    return job->changes;
}

static void the_last_change_of_a_key_wins (void **state)
{
    (void) state;
    plv_agent_t *agent = new_agent ();
    plv_job_t *job = new_job (agent);
    char text[32];
    assert_int_equal (plv_job_state_set_text (job, "a", "1", NULL), ERR_OK);
    assert_int_equal (plv_job_state_set_text (job, "b", "2", NULL), ERR_OK);
    assert_int_equal (plv_job_state_set_text (job, "a", "three", NULL), ERR_OK);
    assert_int_equal (changed_text (job, "a", text, sizeof text), 2);
    assert_string_equal (text, "three");
    assert_int_equal (plv_job_state_remove (job, "b", NULL), ERR_OK);
    assert_int_equal (changed_text (job, "b", text, sizeof text), 2);
    assert_string_equal (text, "");
    assert_int_equal (plv_job_state_set (job, "c", plv_view ("\xc0\xc0", 2), NULL), ERR_MSGPACK);
    assert_int_equal (plv_job_state_set (job, "c", plv_view ("", 0), NULL), ERR_MSGPACK);
    assert_int_equal (plv_job_state_set_text (job, "", "x", NULL), ERR_ARG);
    uint8_t nested[MSGPACK_DEPTH_MAX + 1];
    memset (nested, 0x91, sizeof nested);
    nested[MSGPACK_DEPTH_MAX] = 0xc0;
    assert_int_equal (plv_job_state_set (job, "d", plv_view (nested + 1, MSGPACK_DEPTH_MAX), NULL),
                      ERR_OK);
    assert_int_equal (plv_job_state_set (job, "d", plv_view (nested, sizeof nested), NULL),
                      ERR_MSGPACK);
    plv_agent_destroy (&agent);
}

static void answers_are_given_once_and_checked (void **state)
{
    (void) state;
    plv_agent_t *agent = new_agent ();
    plv_job_t *job = new_job (agent);
    plv_fail_t fail;
    assert_int_equal (plv_job_reply (job, plv_view ("\x80", 1), &fail), ERR_MSGPACK);
    assert_int_equal (plv_job_nack (job, &(plv_nack_t){.code = "odd"}, &fail), ERR_ARG);
    assert_int_equal (plv_job_nack (job, &(plv_nack_t){.code = "timeout"}, &fail), ERR_OK);
    assert_int_equal (plv_job_reply_text (job, "late", &fail), ERR_EXISTS);
    assert_int_equal (plv_job_step_save (job, "s", plv_view ("", 0), &fail), ERR_EXISTS);
    plv_agent_destroy (&agent);
}

static void a_long_reason_is_cut_between_characters (void **state)
{
    (void) state;
    plv_agent_t *agent = new_agent ();
    plv_job_t *job = new_job (agent);
    char reason[REASON_BYTES_MAX + 8];
    memset (reason, 'x', sizeof reason);
    memcpy (reason + REASON_BYTES_MAX - 1, "\xc3\xb6", 3);
    assert_int_equal (plv_job_nack (job, &(plv_nack_t){.code = "timeout", .reason = reason}, NULL),
                      ERR_OK);
    plv_buf_t packet = {0};
    plv_packet_begin (&packet);
    plv_buf_add_view (&packet, plv_buf_view (&job->kept));
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    assert_int_equal (plv_packet_open (plv_buf_view (&packet), &reader, &fail), ERR_OK);
    assert_int_equal (plv_packet_next (&reader, &frame, &fail), ERR_OK);
    assert_int_equal (frame.arg[4].bytes.size, REASON_BYTES_MAX - 1);
    plv_buf_free (&packet);
    plv_agent_destroy (&agent);
}

static void ignore (plv_job_t *job, void *arg)
{
    (void) job;
    (void) arg;
}

/*  A worker that is stopped before it finds a broker ends in order, and runs no second time.  */
static void it_stops_without_a_broker (void **state)
{
    (void) state;
    plv_agent_t *agent = new_agent ();
    plv_fail_t fail = {0};
    int64_t begun_us = plv_clock_mono_us ();
    plv_agent_stop (agent);
    assert_int_equal (plv_agent_run (agent, ignore, NULL, &fail), ERR_OK);
    assert_true (plv_clock_mono_us () - begun_us < 5000000);
    assert_int_equal (plv_agent_run (agent, ignore, NULL, &fail), ERR_EXISTS);
    plv_agent_destroy (&agent);
}

static void a_bad_endpoint_is_named (void **state)
{
    (void) state;
    plv_agent_t *agent = NULL;
    plv_fail_t fail = {0};
    const plv_agent_options_t options = {.endpoint = "carrier-pigeon://roof", .keep_signals = true};
    assert_int_equal (plv_agent_new (&options, &agent, &fail), ERR_OK);
    assert_int_equal (plv_agent_run (agent, ignore, NULL, &fail), ERR_ARG);
    assert_non_null (strstr (fail.text, "carrier-pigeon"));
    plv_agent_destroy (&agent);
}

/*  Everything that a handler may do with a job, on a connection that is away.  */
static plv_err_t work_with_job (plv_agent_t *agent)
{
    plv_job_t *job = NULL;
    plv_err_t err = make_job (agent, &job);
    if (err)
        return err;
    plv_list_push (&agent->held, &job->held);
    err = plv_job_state_set_text (
        job, "key", "a text that is longer than a short one, to make the buffer grow", NULL);
    if (!err)
        err = plv_job_delta (job, plv_view_str ("delta"), NULL);
    job->deadline_us = 0;
    if (!err
        && (err = plv_job_step_save (job, "step", plv_view_str ("result"), NULL)) == ERR_TIMEOUT)
        err = ERR_OK;
    return err ? err : plv_job_reply_text (job, "answer", NULL);
}

/*  The N-th allocation fails, for every N: ERR_NOMEM each time, no crash, no leak; then it works.  */
static void every_allocation_may_fail (void **state)
{
    (void) state;
    plv_agent_t *agent = NULL;
    plv_err_t err = ERR_NOMEM;
    unsigned long rounds = 0;
    for (unsigned long round = 1; err; round++, rounds++) {
        allocations = 0;
        failing = round;
        err = plv_agent_new (&PLAIN, &agent, NULL);
        failing = 0;
        plv_agent_destroy (&agent);
        assert_true (err == ERR_OK || err == ERR_NOMEM);
        assert_true (round < 100);
    }
    err = ERR_NOMEM;
    for (unsigned long round = 1; err; round++, rounds++) {
        agent = new_agent ();
        failing = round;
        err = work_with_job (agent);
        failing = 0;
        plv_agent_destroy (&agent);
        assert_true (err == ERR_OK || err == ERR_NOMEM);
        assert_true (round < 100);
    }
    print_message ("%lu allocations failed in turn\n", rounds - 2);
    assert_true (rounds > 15);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (options_are_checked),
        cmocka_unit_test (the_endpoint_comes_from_the_environment),
        cmocka_unit_test (key_files_are_read),
        cmocka_unit_test (exit_codes_follow_sysexits),
        cmocka_unit_test (a_job_shows_all_of_itself),
        cmocka_unit_test (the_last_change_of_a_key_wins),
        cmocka_unit_test (answers_are_given_once_and_checked),
        cmocka_unit_test (a_long_reason_is_cut_between_characters),
        cmocka_unit_test (it_stops_without_a_broker),
        cmocka_unit_test (a_bad_endpoint_is_named),
        cmocka_unit_test (every_allocation_may_fail),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
