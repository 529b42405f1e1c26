#include "advisor/profile.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void keeps_everything (void **state)
{
    profile_t before, after;
    plv_buf_t bytes = {0}, again = {0};
    (void) state;
    profile_init (&before);
    before.goal = GOAL_RETIREMENT;
    before.months = 240;
    before.amount = 12345.5;
    before.currency = CURRENCY_GBP;
    before.every = 1;
    before.lump = 60000;
    before.age = 34;
    before.until_age = 60;
    before.growth = true;
    before.risk = 5;
    before.share = 50;
    before.cheap = true;
    before.wants = TOPIC_BIT (TOPIC_BONDS) | TOPIC_BIT (TOPIC_MUTUAL);
    before.refuses = TOPIC_BIT (TOPIC_CRYPTO);
    before.asked = NEED_HORIZON;
    before.assumed = NEED_RISK;
    symbols_add (&before.shown, plv_view_str ("VTI"));
    symbols_add (&before.seen, plv_view_str ("BND"));
    symbols_add (&before.held, plv_view_str ("VOO"));
    before.target.amount = 50000;
    before.target.owned = 10000;
    before.target.every = 12;
    before.target.when = true;
    profile_write (&before, &bytes);
    profile_read (&after, plv_buf_view (&bytes));
    profile_write (&after, &again);
    assert_memory_equal (&before, &after, sizeof before);
    assert_true (plv_view_equal (plv_buf_view (&bytes), plv_buf_view (&again)));
    plv_buf_free (&bytes);
    plv_buf_free (&again);
}

static void a_new_session_knows_nothing (void **state)
{
    profile_t profile, empty;
    (void) state;
    profile_init (&empty);
    profile_read (&profile, plv_view (NULL, 0));
    assert_memory_equal (&profile, &empty, sizeof profile);
}

/*  Whatever stands in the state, reading it ends, and gives values within their ranges.  */
static void damaged_bytes_give_values_in_range (void **state)
{
    profile_t profile;
    plv_buf_t bytes = {0};
    plv_rng_t rng = plv_rng_seed (7);
    (void) state;
    profile_init (&profile);
    profile.risk = 7;
    symbols_add (&profile.shown, plv_view_str ("VTI"));
    profile_write (&profile, &bytes);
    for (int round = 0; round < 20000; round++) {
        size_t at = plv_rng_below (&rng, bytes.size);
        uint8_t was = bytes.data[at];
        bytes.data[at] = (uint8_t) plv_rng_next (&rng);
        profile_read (&profile, plv_buf_view (&bytes));
        assert_in_range (profile.risk, 0, 7);
        assert_in_range (profile.months, 0, 1200);
        assert_in_range (profile.goal, 0, GOAL_COUNT_ - 1);
        assert_in_range (profile.currency + 1, 0, CURRENCY_COUNT_);
        assert_true (profile.shown.count <= PROFILE_SYMBOLS_MAX);
        bytes.data[at] = was;
    }
    plv_buf_free (&bytes);
}

static void forgets_the_oldest_symbols (void **state)
{
    symbols_t symbols = {.count = 0};
    char text[] = "SYA";
    (void) state;
    for (char c = 'A'; c <= 'Z'; c++) {
        text[2] = c;
        symbols_add (&symbols, plv_view_str (text));
        symbols_add (&symbols, plv_view_str (text));
    }
    symbols_add (&symbols, plv_view_str ("A-SYMBOL-OF-TOO-MANY-LETTERS"));
    assert_int_equal (symbols.count, PROFILE_SYMBOLS_MAX);
    assert_true (symbols_has (&symbols, "SYZ"));
    assert_false (symbols_has (&symbols, "SYA"));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (keeps_everything),
        cmocka_unit_test (a_new_session_knows_nothing),
        cmocka_unit_test (damaged_bytes_give_values_in_range),
        cmocka_unit_test (forgets_the_oldest_symbols),
    };
    return cmocka_run_group_tests_name ("profile", tests, NULL, NULL);
}
