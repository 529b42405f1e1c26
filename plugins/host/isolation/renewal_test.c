/*  What counts as another file.  */
#include "host/isolation/renewal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[32], one[64], other[64], spare[64];

static void put (const char *path, const char *words)
{
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    fputs (words, file);
    fclose (file);
}

static int set_up (void **state)
{
    (void) state;
    snprintf (folder, sizeof folder, "/tmp/renewal-XXXXXX");
    assert_non_null (mkdtemp (folder));
    snprintf (one, sizeof one, "%s/one", folder);
    snprintf (other, sizeof other, "%s/other", folder);
    snprintf (spare, sizeof spare, "%s/spare", folder);
    put (one, "1");
    put (other, "2");
    return 0;
}

static int tear_down (void **state)
{
    (void) state;
    unlink (one);
    unlink (other);
    unlink (spare);
    return rmdir (folder);
}

static void nothing_is_new_at_first (void **state)
{
    (void) state;
    renewal_t renewal = {0};
    renewal_add (&renewal, one, false);
    renewal_add (&renewal, other, false);
    assert_null (renewal_look (&renewal));
}

static void words_may_change (void **state)
{
    (void) state;
    renewal_t renewal = {0};
    renewal_add (&renewal, one, false);
    renewal_add (&renewal, other, false);
    put (one, "other words");
    assert_null (renewal_look (&renewal));
    assert_null (renewal_look (&renewal));
}

static void where_words_matter_they_are_told (void **state)
{
    (void) state;
    renewal_t renewal = {0};
    renewal_add (&renewal, one, true);
    put (one, "other words");
    assert_null (renewal_look (&renewal));
    assert_string_equal (renewal_look (&renewal), one);
    assert_null (renewal_look (&renewal));
}

static void two_that_change_together_are_told_once (void **state)
{
    (void) state;
    renewal_t renewal = {0};
    renewal_add (&renewal, one, true);
    renewal_add (&renewal, other, true);
    put (one, "the key");
    assert_null (renewal_look (&renewal));
    put (other, "the certificate");
    assert_null (renewal_look (&renewal));
    assert_string_equal (renewal_look (&renewal), other);
    assert_null (renewal_look (&renewal));
}

static void another_file_is_told_once (void **state)
{
    (void) state;
    renewal_t renewal = {0};
    renewal_add (&renewal, one, false);
    renewal_add (&renewal, other, false);
    put (spare, "3");
    assert_int_equal (rename (spare, other), 0);
    assert_null (renewal_look (&renewal));
    assert_string_equal (renewal_look (&renewal), other);
    assert_null (renewal_look (&renewal));
}

static void one_that_is_away_changes_nothing_until_it_is_back (void **state)
{
    (void) state;
    renewal_t renewal = {0};
    renewal_add (&renewal, one, false);
    renewal_add (&renewal, other, false);
    put (spare, "3");
    unlink (one);
    assert_null (renewal_look (&renewal));
    assert_null (renewal_look (&renewal));
    assert_int_equal (rename (spare, one), 0);
    assert_null (renewal_look (&renewal));
    assert_string_equal (renewal_look (&renewal), one);
}

int main (void)
{
#define T(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T (nothing_is_new_at_first),          T (words_may_change),
        T (where_words_matter_they_are_told), T (two_that_change_together_are_told_once),
        T (another_file_is_told_once),        T (one_that_is_away_changes_nothing_until_it_is_back),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
