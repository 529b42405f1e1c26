#include "shell/adapters/place_fixture.h"
#include "shell/adapters/plugin_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECES = 5 };

typedef struct {
    char top[64], file[96], copies[96];
    int dir;
} fixture_t;

static int set_up (void **state)
{
    fixture_t *fixture = calloc (1, sizeof *fixture);
    strcpy (fixture->top, "/tmp/plugin_copy-XXXXXX");
    assert_non_null (mkdtemp (fixture->top));
    snprintf (fixture->file, sizeof fixture->file, "%s/web.so", fixture->top);
    snprintf (fixture->copies, sizeof fixture->copies, "%s/copies", fixture->top);
    assert_int_equal (mkdir (fixture->copies, 0700), 0);
    fixture->dir = open (fixture->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = fixture;
    return 0;
}

static int tear_down (void **state)
{
    fixture_t *fixture = *state;
    close (fixture->dir);
    int gone = place_remove (fixture->top);
    free (fixture);
    return gone;
}

/*  A file of so many bytes, each piece different.  */
static void drop (const fixture_t *fixture, size_t size, char what)
{
    static const uint8_t head[16] = {0x7f, 'E', 'L', 'F'};
    FILE *file = fopen (fixture->file, "w");
    assert_non_null (file);
    fwrite (head, 1, sizeof head, file);
    for (size_t at = sizeof head; at < size; at++)
        putc (what + (int) (at / PLUGIN_PIECE_BYTES), file);
    fclose (file);
    chmod (fixture->file, 0644);
}

static plugin_copy_t *begin (const fixture_t *fixture)
{
    plugin_copy_t *copy = NULL;
    plv_fail_t fail;
    assert_int_equal (plugin_copy_new (fixture->dir, "web.so", fixture->copies, &copy, &fail),
                      ERR_OK);
    return copy;
}

static size_t copies (const fixture_t *fixture)
{
    return place_count (fixture->copies, "*");
}

/*  How many steps it takes.  */
static unsigned finish (plugin_copy_t *copy, char ret_path[PLUGIN_PATH_BYTES])
{
    unsigned steps = 0;
    plv_fail_t fail;
    do {
        assert_int_equal (plugin_copy_step (copy, ret_path, &fail), ERR_OK);
        assert_in_range (++steps, 1, 100);
    } while (!ret_path[0]);
    plugin_copy_destroy (&copy);
    return steps;
}

static void assert_same (const char *one, const char *other)
{
    char command[2 * PLUGIN_PATH_BYTES];
    snprintf (command, sizeof command, "cmp -s %s %s", one, other);
    assert_int_equal (system (command), 0);
}

static void one_piece_takes_two_steps (void **state)
{
    fixture_t *fixture = *state;
    char path[PLUGIN_PATH_BYTES];
    struct stat info;
    drop (fixture, PLUGIN_PIECE_BYTES, 'a');
    assert_int_equal (finish (begin (fixture), path), 2);
    assert_same (path, fixture->file);
    assert_int_equal (stat (path, &info), 0);
    assert_int_equal (info.st_mode & 07777, 0555);
}

static void a_large_one_is_copied_a_piece_at_a_time (void **state)
{
    fixture_t *fixture = *state;
    char path[PLUGIN_PATH_BYTES], again[PLUGIN_PATH_BYTES];
    drop (fixture, (PIECES - 1) * PLUGIN_PIECE_BYTES + 1, 'a');
    assert_int_equal (finish (begin (fixture), path), 2 * PIECES);
    assert_same (path, fixture->file);
    assert_int_equal (finish (begin (fixture), again), PIECES); /* it is there already */
    assert_string_equal (again, path);
    drop (fixture, (PIECES - 1) * PLUGIN_PIECE_BYTES + 1, 'b');
    assert_int_equal (finish (begin (fixture), again), 2 * PIECES);
    assert_string_not_equal (again, path);
    assert_int_equal (copies (fixture), 2);
}

static void one_that_changes_meanwhile_leaves_nothing (void **state)
{
    fixture_t *fixture = *state;
    char path[PLUGIN_PATH_BYTES];
    plv_fail_t fail;
    plv_err_t err = ERR_OK;
    drop (fixture, PIECES * PLUGIN_PIECE_BYTES, 'a');
    plugin_copy_t *copy = begin (fixture);
    for (int step = 0; step < PIECES; step++)
        assert_int_equal (plugin_copy_step (copy, path, &fail), ERR_OK);
    assert_int_equal (copies (fixture), 1);
    FILE *file = fopen (fixture->file, "r+");
    fseek (file, -1, SEEK_END);
    putc ('!', file);
    fclose (file);
    while (!err && !path[0])
        err = plugin_copy_step (copy, path, &fail);
    assert_int_equal (err, ERR_IO);
    assert_string_equal (fail.text, "web.so: changes while it is read");
    plugin_copy_destroy (&copy);
    assert_int_equal (copies (fixture), 0);
}

static void one_that_is_cut_off_meanwhile_ends (void **state)
{
    fixture_t *fixture = *state;
    char path[PLUGIN_PATH_BYTES];
    plv_fail_t fail;
    drop (fixture, PIECES * PLUGIN_PIECE_BYTES, 'a');
    plugin_copy_t *copy = begin (fixture);
    assert_int_equal (plugin_copy_step (copy, path, &fail), ERR_OK);
    assert_int_equal (truncate (fixture->file, PLUGIN_PIECE_BYTES), 0);
    assert_int_equal (plugin_copy_step (copy, path, &fail), ERR_IO);
    plugin_copy_destroy (&copy);
}

static void one_that_is_given_up_leaves_nothing (void **state)
{
    fixture_t *fixture = *state;
    char path[PLUGIN_PATH_BYTES];
    plv_fail_t fail;
    drop (fixture, PIECES * PLUGIN_PIECE_BYTES, 'a');
    plugin_copy_t *copy = begin (fixture);
    for (int step = 0; step < PIECES + 1; step++)
        assert_int_equal (plugin_copy_step (copy, path, &fail), ERR_OK);
    assert_int_equal (copies (fixture), 1);
    plugin_copy_destroy (&copy);
    assert_int_equal (copies (fixture), 0);
}

static void a_directory_that_is_away_is_named (void **state)
{
    fixture_t *fixture = *state;
    char path[PLUGIN_PATH_BYTES];
    plv_fail_t fail;
    drop (fixture, 100, 'a');
    plugin_copy_t *copy = begin (fixture);
    assert_int_equal (rmdir (fixture->copies), 0);
    assert_int_equal (plugin_copy_step (copy, path, &fail), ERR_NOENT);
    assert_non_null (strstr (fail.text, "cannot be written: No such file or directory"));
    assert_non_null (strstr (fail.text, "palaver adapters reload web"));
    plugin_copy_destroy (&copy);
}

int main (void)
{
#define T(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T (one_piece_takes_two_steps),
        T (a_large_one_is_copied_a_piece_at_a_time),
        T (one_that_changes_meanwhile_leaves_nothing),
        T (one_that_is_cut_off_meanwhile_ends),
        T (one_that_is_given_up_leaves_nothing),
        T (a_directory_that_is_away_is_named),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
