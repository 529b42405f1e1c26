/*  What a missing allocation does to the broker's own code: it stops with 71 and says so, or the buffer that
    was written is marked as failed; nothing else, for every allocation that is reached.  */

#include "base/buf.h"
#include "base/conf/conf.h"
#include "base/map.h"
#include "base/rows.h"

#include "fault/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void load_and_print (void)
{
    static const char text[] =
        "data = { dir = \"x\"; };\n"
        "content = { rules = [ \"a\", \"b\" ]; };\n"
        "limits = { pending = 5000000; };\n"
        "routes = ( { name = \"a\"; service = \"b\"; }, { name = \"c\"; service = \"d\"; } );\n"
        "adapters = { web = { port = 1; big = 5000000000; }; };\n";
    plv_conf_t *conf = NULL;
    plv_fail_t fail;
    plv_err_t err = plv_conf_load_text (plv_view_str (text), "p.conf", &conf, &fail);
    if (err)
        _exit (err == ERR_NOMEM ? 71 : 1);
    FILE *out = fopen ("/dev/null", "w");
    plv_conf_print (conf, out);
    fclose (out);
    plv_conf_destroy (&conf);
}

static void fill_maps (void)
{
    static char values[200][8];
    plv_map_u64_t numbers = {0};
    plv_map_t texts;
    plv_map_init (&texts, (const uint8_t *) "sixteen bytes ok");
    for (size_t at = 0; at < 200; at++) {
        snprintf (values[at], sizeof values[at], "%zu", at);
        plv_map_u64_put (&numbers, at, values[at]);
        plv_map_put (&texts, plv_view_str (values[at]), values[at]);
    }
    plv_map_u64_free (&numbers);
    plv_map_free (&texts);
}

/*  How a child ends in which allocation `nth` fails: its exit code, or -1 for a signal.  */
static int run_with_fault (void (*body) (void), uint64_t nth)
{
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        /*  The line on stderr is tested beside out_of_memory.c.  */
        close (2);
        fault_arm (nth);
        body ();
        _exit (0);
    }
    int status;
    assert_int_equal (waitpid (child, &status, 0), child);
    return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static void check_every_fault (void (*body) (void), uint64_t least)
{
    fault_arm (0);
    body ();
    uint64_t count = fault_count ();
    assert_true (count >= least);
    for (uint64_t nth = 1; nth <= count; nth++) {
        int code = run_with_fault (body, nth);
        if (code != 71)
            fail_msg ("allocation %d of %d: exit code %d", (int) nth, (int) count, code);
    }
    assert_int_equal (run_with_fault (body, count + 1), 0);
}

static void a_configuration_is_whole_or_the_program_stops (void **state)
{
    (void) state;
    check_every_fault (load_and_print, 50);
}

static void a_map_is_whole_or_the_program_stops (void **state)
{
    (void) state;
    check_every_fault (fill_maps, 10);
}

static void a_buffer_says_that_it_is_not_whole (void **state)
{
    (void) state;
    for (uint64_t nth = 1;; nth++) {
        plv_buf_t ops = {0};
        fault_arm (nth);
        for (int row = 0; row < 50; row++)
            plv_row_put (&ops, VIEW_KV, plv_view_str ("key"),
                         plv_view_str ("some value of some length"));
        bool reached = fault_count () >= nth;
        fault_arm (0);
        assert_int_equal (ops.failed, reached);
        /*  What is there are whole operations.  */
        plv_row_t row;
        size_t at = 0;
        while (plv_row_next (plv_buf_view (&ops), &at, &row))
            continue;
        assert_int_equal (at, ops.size);
        plv_buf_free (&ops);
        if (!reached)
            break;
        assert_true (nth < 100);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_configuration_is_whole_or_the_program_stops),
        cmocka_unit_test (a_map_is_whole_or_the_program_stops),
        cmocka_unit_test (a_buffer_says_that_it_is_not_whole),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
