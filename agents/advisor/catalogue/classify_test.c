#include "advisor/catalogue/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void is (const char *name, const char *kind, asset_class_t wanted)
{
    assumption_t found = assume_of (classify (plv_view_str (name), plv_view_str (kind)));
    if (strcmp (found.id, assume_of (wanted).id) != 0)
        fail_msg ("%s: %s, and it is %s", name, found.id, assume_of (wanted).id);
}

static void names_say_most (void **state)
{
    (void) state;
    is ("SPDR Bloomberg Barclays 1-3 Month T-Bill ETF", "Fixed Income Treasury Bonds",
        CLASS_money_market);
    is ("iShares 10-20 Year Treasury Bond ETF", "", CLASS_long_treasury);
    is ("Schwab U.S. Aggregate Bond ETF", "Fixed Income Investment Grade Bonds", CLASS_core_bond);
    is ("iShares 0-5 Year TIPS Bond ETF", "", CLASS_tips);
    is ("SPDR Gold Shares", "Commodities ", CLASS_gold);
    is ("VanEck Vectors Gold Miners ETF", "Materials Materials", CLASS_thematic);
    is ("iShares MSCI Brazil ETF", "Equities Emerging Markets", CLASS_single_country);
    is ("iShares Core S&P Small-Cap ETF", "Financials Small Cap", CLASS_us_small_cap);
    is ("WisdomTree Europe SmallCap Dividend Fund", "Financials Small Cap", CLASS_foreign_small);
    is ("iShares Core S&P Total U.S. Stock Market ETF", "Alternatives Large Cap", CLASS_us_equity);
    is ("Vanguard REIT", "", CLASS_reit);
}

/*  The dangerous mistake is to take a bet for something tame.  */
static void bets_are_told_from_what_they_bet_on (void **state)
{
    (void) state;
    is ("Direxion Daily S&P 500 Bull 2X Shares", "Equities Large Cap", CLASS_leveraged);
    is ("ProShares UltraShort 20+ Year Treasury", "Fixed Income Treasury Bonds", CLASS_leveraged);
    is ("ProShares Short High Yield", "Fixed Income", CLASS_leveraged);
    is ("iPath Series B S&P 500 VIX Short-Term Futures ETN", "", CLASS_leveraged);
    is ("A name that says nothing", "", CLASS_thematic);
    is ("", "", CLASS_thematic);
    assert_int_equal (assume_of (CLASS_leveraged).core, 0);
    assert_int_equal (assume_of (CLASS_leveraged).risk, RISK_MAX);
}

static void categories_help_where_names_do_not (void **state)
{
    (void) state;
    is ("First Trust Chindia", "Financials Emerging Markets", CLASS_emerging);
    is ("Strategic Income Fund", "Fixed Income Corporate Bonds", CLASS_corporate_bond);
    is ("Unheard Of", "Utilities", CLASS_defensive);
}

static void words_begin_where_words_begin (void **state)
{
    (void) state;
    is ("Aspacely Core Bond", "", CLASS_core_bond);     /* no "space" in there */
    is ("Ultraviolet Total Bond", "", CLASS_core_bond); /* =ultra is a whole word */
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (names_say_most),
        cmocka_unit_test (bets_are_told_from_what_they_bet_on),
        cmocka_unit_test (categories_help_where_names_do_not),
        cmocka_unit_test (words_begin_where_words_begin),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
