#include "base/id.h"

#include "base/clock.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void the_layout_is_that_of_rfc_9562 (void **state)
{
    (void) state;
    /*  The time of the RFC's own example in A.6: 017F22E2-79B0-7...  */
    plv_id_t id = plv_id_make (INT64_C (1645557742000) * 1000, UINT64_MAX);
    char text[PLV_ID_TEXT_BYTES];
    plv_id_format (&id, text);
    assert_string_equal (text, "017f22e2-79b0-7000-bfff-ffffffffffff");
    id = plv_id_make (INT64_C (1645557742000) * 1000 + 999, 0);
    plv_id_format (&id, text);
    assert_string_equal (text, "017f22e2-79b0-7ffb-8000-000000000000");
}

static void ids_sort_by_time (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (1);
    int64_t now = plv_clock_wall_us ();
    plv_id_t before = plv_id_make (now, plv_rng_next (&rng));
    for (int step = 1; step < 5000; step++) {
        plv_id_t id = plv_id_make (now + step, plv_rng_next (&rng));
        assert_true (memcmp (&before, &id, sizeof id) < 0);
        before = id;
    }
}

static void text_and_bytes_are_the_same_id (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (2);
    for (int at = 0; at < 1000; at++) {
        plv_id_t id = plv_id_make ((int64_t) (plv_rng_next (&rng) >> 14), plv_rng_next (&rng));
        plv_id_t parsed;
        char text[PLV_ID_TEXT_BYTES];
        plv_id_format (&id, text);
        assert_int_equal (strlen (text), 36);
        assert_true (plv_id_parse (text, &parsed));
        assert_memory_equal (&id, &parsed, sizeof id);
    }
    plv_id_t parsed;
    assert_true (plv_id_parse ("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", &parsed));
    assert_int_equal (parsed.bytes[15], 0x8f);
}

static void anything_else_is_refused (void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "",
        "0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
        "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "017f22e2-79b0-7cc3-98c4-dc0c0c0739\xc3\xa4",
    };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        plv_id_t id = {{7}};
        assert_false (plv_id_parse (wrong[at], &id));
        assert_int_equal (id.bytes[0], 7);
    }
}

static void odd_times_make_ids_all_the_same (void **state)
{
    (void) state;
    plv_id_t id = plv_id_make (-5, 0);
    assert_int_equal (id.bytes[6], 0x70);
    assert_false (plv_id_is_zero (&id));
    assert_true (plv_id_is_zero (&(plv_id_t){{0}}));
    id = plv_id_make (INT64_MAX, 0);
    assert_int_equal (id.bytes[6] >> 4, 7);
}

static void the_clocks_run_forward (void **state)
{
    (void) state;
    int64_t start = plv_clock_mono_us ();
    int64_t now = start;
    for (int at = 0; at < 100000 && now == start; at++) {
        now = plv_clock_mono_us ();
        assert_true (now >= start);
    }
    assert_true (now > start);
    assert_true (plv_clock_wall_us () > INT64_C (1600000000) * 1000000);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_layout_is_that_of_rfc_9562),
        cmocka_unit_test (ids_sort_by_time),
        cmocka_unit_test (text_and_bytes_are_the_same_id),
        cmocka_unit_test (anything_else_is_refused),
        cmocka_unit_test (odd_times_make_ids_all_the_same),
        cmocka_unit_test (the_clocks_run_forward),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
