#include "advisor/catalogue/assume.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void risk_is_the_band_of_the_volatility (void **state)
{
    static const struct {
        double volatility;
        int risk;
    } rows[] = {{0, 1},    {0.49, 1}, {0.5, 2},   {1.99, 2}, {2, 3},    {4.99, 3}, {5, 4},
                {9.99, 4}, {10, 5},   {14.99, 5}, {15, 6},   {24.9, 6}, {25, 7},   {200, 7}};
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal (assume_risk_of (rows[i].volatility * rows[i].volatility), rows[i].risk);
}

static void every_class_is_whole (void **state)
{
    (void) state;
    for (int i = 0; i < CLASS_COUNT_; i++) {
        assumption_t assumed = assume_of ((asset_class_t) i);
        assert_int_equal (assume_find (plv_view_str (assumed.id)), i);
        assert_true (assumed.low < assumed.high);
        assert_in_range (assumed.risk, RISK_MIN, RISK_MAX);
        assert_in_range (assumed.core, 0, 100);
        assert_true (*assumed.label && *assumed.meaning);
    }
    assert_int_equal (assume_find (plv_view_str ("tulips")), -1);
}

static void a_mix_lies_between_its_parts (void **state)
{
    assumption_t stocks = assume_of (CLASS_global_equity), bonds = assume_of (CLASS_core_bond);
    assumption_t last = bonds;
    (void) state;
    for (int i = CLASS_mix_20; i <= CLASS_mix_90; i++) {
        assumption_t mixed = assume_of ((asset_class_t) i);
        assert_int_equal (mixed.group, GROUP_MIX);
        assert_true (mixed.low > last.low && mixed.low < stocks.low);
        assert_true (mixed.high > last.high && mixed.high < stocks.high);
        assert_true (mixed.variance > bonds.variance * 0.8 && mixed.variance < stocks.variance);
        assert_true (i == CLASS_mix_20 || mixed.variance > last.variance);
        last = mixed;
    }
}

static void a_share_of_stocks_has_a_mixed_fund_near_to_it (void **state)
{
    (void) state;
    assert_int_equal (assume_mix (50), CLASS_mix_50);
    assert_int_equal (assume_mix (67), CLASS_mix_70);
    assert_int_equal (assume_mix (1), CLASS_mix_20);
    assert_int_equal (assume_mix (100), CLASS_mix_90);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_share_of_stocks_has_a_mixed_fund_near_to_it),
        cmocka_unit_test (risk_is_the_band_of_the_volatility),
        cmocka_unit_test (every_class_is_whole),
        cmocka_unit_test (a_mix_lies_between_its_parts),
    };
    return cmocka_run_group_tests_name ("assume", tests, NULL, NULL);
}
