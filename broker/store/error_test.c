#include "store/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static plv_err_t meaning (const char *text, const char *advice)
{
    plv_fail_t fail = {0};
    plv_err_t err = store_error (&fail, "/", "reading", text);
    assert_int_equal (fail.code, err);
    assert_non_null (strstr (fail.text, text));
    assert_non_null (strstr (fail.text, advice));
    return err;
}

static void words_of_the_system_say_what_to_do (void **state)
{
    (void) state;
    assert_int_equal (meaning ("IO error: No space left on device", "free some space"), ERR_NOSPC);
    assert_int_equal (meaning ("Corruption: block checksum mismatch", "from a backup"),
                      ERR_CORRUPT);
    assert_int_equal (meaning ("IO error: While lock file: /x/LOCK: Resource temporarily "
                               "unavailable",
                               "stop the other process"),
                      ERR_BUSY);
    assert_int_equal (meaning ("IO error: lock hold by current process, acquire time 1",
                               "stop the other process"),
                      ERR_BUSY);
}

static void a_path_with_lock_in_it_is_no_lock (void **state)
{
    (void) state;
    assert_int_equal (meaning ("IO error: While pread: /srv/clock/000009.sst: Input/output error",
                               "look at the disk"),
                      ERR_IO);
}

static void a_directory_called_like_a_fault_is_none (void **state)
{
    static const char TEXT[] =
        "IO error: While open a file for appending: /srv/Corruption/data/LOCK: Permission denied";
    plv_fail_t fail = {0};
    (void) state;
    assert_int_equal (store_error (&fail, "/srv/Corruption/data", "opening", TEXT), ERR_PERM);
    assert_int_equal (store_error (&fail, "/srv/No space left", "reading",
                                   "/srv/No space left/1.sst: Input/output error"),
                      ERR_IO);
    assert_int_equal (store_error (&fail, "/srv/Corruption", "reading",
                                   "Corruption: /srv/Corruption/1.sst: bad block"),
                      ERR_CORRUPT);
}

static void a_thread_that_cannot_be_started_is_a_limit (void **state)
{
    plv_fail_t fail = {0};
    (void) state;
    assert_int_equal (store_no_thread (&fail, EAGAIN), ERR_FULL);
    assert_non_null (strstr (fail.text, strerror (EAGAIN)));
    assert_non_null (strstr (fail.text, "raise the limits"));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (words_of_the_system_say_what_to_do),
        cmocka_unit_test (a_path_with_lock_in_it_is_no_lock),
        cmocka_unit_test (a_directory_called_like_a_fault_is_none),
        cmocka_unit_test (a_thread_that_cannot_be_started_is_a_limit),
    };
    return cmocka_run_group_tests_name ("store_error", tests, NULL, NULL);
}
