#include "shell/letters_file.h"

#include "wire/mp.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY_US = 1000 };

typedef struct {
    char dir[64], path[128];
} place_t;

static place_t place_new (void)
{
    place_t self = {.dir = "/tmp/palaver-letters-XXXXXX"};
    assert_non_null (mkdtemp (self.dir));
    snprintf (self.path, sizeof self.path, "%s/dead-1970-01-01.jsonl", self.dir);
    return self;
}

static void place_end (const place_t *self)
{
    unlink (self->path);
    rmdir (self->dir);
}

static plv_err_t append (const place_t *place, const char *letter)
{
    plv_buf_t order = {0}, path = {0};
    plv_fail_t fail;
    plv_mp_put_map (&order, 3);
    plv_mp_pair_text (&order, "dir", place->dir);
    plv_mp_pair_u64 (&order, "at_us", DAY_US);
    plv_mp_put_text (&order, "items");
    plv_mp_put_array (&order, 1);
    plv_mp_put_map (&order, 1);
    plv_mp_pair_text (&order, "letter", letter);
    plv_err_t err = letters_file_append (plv_buf_view (&order), &path, &fail);
    assert_string_equal ((const char *) path.data, place->path);
    plv_buf_free (&order);
    plv_buf_free (&path);
    return err;
}

static void expect (const place_t *place, const char *wanted)
{
    char text[4096] = "";
    FILE *file = fopen (place->path, "r");
    assert_non_null (file);
    size_t size = fread (text, 1, sizeof text - 1, file);
    fclose (file);
    text[size] = 0;
    assert_string_equal (text, wanted);
}

static void letters_are_lines (void **state)
{
    place_t place = place_new ();
    (void) state;
    assert_int_equal (append (&place, "a"), ERR_OK);
    assert_int_equal (append (&place, "b"), ERR_OK);
    expect (&place, "{\"letter\":\"a\"}\n{\"letter\":\"b\"}\n");
    place_end (&place);
}

static void a_line_that_a_crash_cut_short_takes_no_letter_along (void **state)
{
    place_t place = place_new ();
    (void) state;
    int fd = open (place.path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal (write (fd, "{\"lett", 6), 6);
    close (fd);
    assert_int_equal (append (&place, "a"), ERR_OK);
    expect (&place, "{\"lett\n{\"letter\":\"a\"}\n");
    place_end (&place);
}

static void what_does_not_fit_leaves_nothing (void **state)
{
    place_t place = place_new ();
    struct rlimit whole, little;
    (void) state;
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (append (&place, "a"), ERR_OK);
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &whole), 0);
    little = whole;
    little.rlim_cur = 20;
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &little), 0);
    plv_err_t err = append (&place, "b");
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &whole), 0);
    assert_int_not_equal (err, ERR_OK);
    expect (&place, "{\"letter\":\"a\"}\n");
    assert_int_equal (append (&place, "b"), ERR_OK);
    expect (&place, "{\"letter\":\"a\"}\n{\"letter\":\"b\"}\n");
    place_end (&place);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (letters_are_lines),
        cmocka_unit_test (a_line_that_a_crash_cut_short_takes_no_letter_along),
        cmocka_unit_test (what_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
