#include "base/within.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void by_whatever_name (void **state)
{
    static const struct {
        const char *dir, *path;
        bool within;
    } rows[] = {
        {"data", "data/new", true},
        {"data", "data/no/such/new", true},
        {"data", "link/new", true},
        {"data", "data/below/../new", true},
        {"link", "data/below/new", true},
        {"data", "data", false}, /* it is there itself */
        {"data", "data-new", false},
        {"data", "new", false},
        {"data", "data/../new", false},
        {"data", "beside/back/new", true},
        {"data/below", "data/new", false},
        {"none", "none/new", false},
        {".", "new", true},
        {".", "/new", false},
        {"/", "new", true},
    };
    char top[] = "/tmp/palaver-within-XXXXXX";
    (void) state;
    assert_non_null (mkdtemp (top));
    assert_int_equal (chdir (top), 0);
    assert_int_equal (mkdir ("data", 0700) | mkdir ("data/below", 0700) | mkdir ("beside", 0700),
                      0);
    assert_int_equal (symlink ("data", "link") | symlink ("../data/below", "beside/back"), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (plv_is_within (rows[i].dir, rows[i].path) != rows[i].within)
            fail_msg ("%s in %s: %s", rows[i].path, rows[i].dir, rows[i].within ? "no" : "yes");
    assert_int_equal (unlink ("link") | unlink ("beside/back"), 0);
    assert_int_equal (rmdir ("data/below") | rmdir ("data") | rmdir ("beside"), 0);
    assert_int_equal (chdir ("/") | rmdir (top), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (by_whatever_name),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
