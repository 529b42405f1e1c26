#include "palaver/sample.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char before_text[] = "# HELP palaver_x_total words\n"
                                  "palaver_x_total{how=\"a b\"} 5\n"
                                  "palaver_x_total{how=\"c\"} 7\n"
                                  "palaver_xy_total 100\n"
                                  "palaver_t_seconds_bucket{le=\"0.001\"} 10\n"
                                  "palaver_t_seconds_bucket{le=\"0.01\"} 10\n"
                                  "palaver_t_seconds_bucket{le=\"+Inf\"} 10\n";
static const char now_text[] = "palaver_x_total{how=\"a b\"} 15\n"
                               "palaver_x_total{how=\"c\"} 7\n"
                               "palaver_t_seconds_bucket{le=\"0.001\"} 100\n"
                               "palaver_t_seconds_bucket{le=\"0.01\"} 109\n"
                               "palaver_t_seconds_bucket{le=\"+Inf\"} 110\n";

static void everything (void **state)
{
    sample_t before = {0}, now = {0}, none = {0};
    (void) state;
    sample_take (&before, plv_view_str (before_text), 1000000);
    sample_take (&now, plv_view_str (now_text), 3000000);
    assert_true (sample_sum (&before, "palaver_x_total") == 12);
    assert_true (sample_sum (&before, "palaver_xy_total") == 100);
    assert_true (sample_sum (&before, "palaver") == 0);
    assert_true (sample_sum (&none, "palaver_x_total") == 0);
    assert_true (sample_rate (&before, &now, "palaver_x_total") == 5);
    assert_true (sample_rate (&now, &now, "palaver_x_total") == 0);
    assert_true (sample_quantile (&before, &now, "palaver_t_seconds", 0.5) == 0.001);
    assert_true (sample_quantile (&before, &now, "palaver_t_seconds", 0.95) == 0.01);
    assert_true (sample_quantile (&before, &now, "palaver_t_seconds", 1) == 0.01);
    assert_true (sample_quantile (&now, &now, "palaver_t_seconds", 0.5) < 0);
    assert_true (sample_quantile (&before, &now, "palaver_u_seconds", 0.5) < 0);
    sample_free (&before);
    sample_free (&now);
}

int main (void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test (everything)};
    return cmocka_run_group_tests (tests, NULL, NULL);
}
