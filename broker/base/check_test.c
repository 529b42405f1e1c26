/*  check and alloc end the program: each is watched from outside, in a child.  */
#include "base/check.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*  Runs `body` in a child with stderr in a pipe; its wait status, and what it said.  */
static int watch (void (*body) (void), char said[512])
{
    int ends[2];
    assert_int_equal (pipe (ends), 0);
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        signal (SIGABRT, SIG_DFL);
        setrlimit (RLIMIT_CORE, &(struct rlimit){0});
        dup2 (ends[1], 2);
        body ();
        _exit (0);
    }
    close (ends[1]);
    size_t size = 0;
    ssize_t more;
    while ((more = read (ends[0], said + size, 511 - size)) > 0)
        size += (size_t) more;
    said[size] = 0;
    close (ends[0]);
    int status;
    assert_int_equal (waitpid (child, &status, 0), child);
    return status;
}

static void broken (void)
{
    CHECK (1 + 1 == 3, "two of %s are not three", "them");
}

static void whole (void)
{
    CHECK (1 + 1 == 2, "arithmetic is broken");
}

static void starved (void)
{
    plv_out_of_memory (12345);
}

static void a_false_condition_aborts_with_one_line (void **state)
{
    (void) state;
    char said[512];
    int status = watch (broken, said);
    assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGABRT);
    assert_non_null (strstr (said, "check_test.c:"));
    assert_non_null (strstr (said, "CHECK (1 + 1 == 3) failed: two of them are not three\n"));
    assert_ptr_equal (strchr (said, '\n'), said + strlen (said) - 1);
}

static void a_true_condition_says_nothing (void **state)
{
    (void) state;
    char said[512];
    assert_int_equal (watch (whole, said), 0);
    assert_string_equal (said, "");
}

static void out_of_memory_exits_71_and_names_the_size (void **state)
{
    (void) state;
    char said[512];
    int status = watch (starved, said);
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), 71);
    assert_string_equal (said, "out of memory: 12345 bytes were asked for\n");
}

static void blocks_are_given_even_for_nothing (void **state)
{
    (void) state;
    free (plv_alloc (0));
    free (plv_alloc_zero (0, 8));
    uint8_t *zeros = plv_alloc_zero (16, 4);
    for (int at = 0; at < 64; at++)
        assert_int_equal (zeros[at], 0);
    zeros = plv_realloc (zeros, 128);
    assert_int_equal (zeros[63], 0);
    free (zeros);
    char *text = plv_strdup ("kept");
    assert_string_equal (text, "kept");
    free (text);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_false_condition_aborts_with_one_line),
        cmocka_unit_test (a_true_condition_says_nothing),
        cmocka_unit_test (out_of_memory_exits_71_and_names_the_size),
        cmocka_unit_test (blocks_are_given_even_for_nothing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
