#include "advisor/claude/ground.h"

#include "advisor/fixture.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/*  VT and BND were returned by a tool, and a tool has computed 26,532.98; the person said what stands here.  */
static const char PERSON[] =
    "I have 10,000 USD for 20 years, 5 % would be nice. What about TSLA or $GME?";

typedef struct {
    catalogue_t *catalogue;
    evidence_t evidence;
    profile_t profile;
} world_t;

static world_t world;

static int load (void **state)
{
    (void) state;
    world.catalogue = fixture_catalogue ();
    if (!world.catalogue)
        return -1;
    json_t *found = json_loads ("[{\"symbol\":\"VT\"},{\"symbol\":\"BND\"}]", 0, NULL);
    json_t *computed = json_loads ("{\"low\":26532.98}", 0, NULL);
    evidence_result (&world.evidence, world.catalogue, found, false);
    evidence_result (&world.evidence, world.catalogue, computed, true);
    evidence_person (&world.evidence, plv_view_str (PERSON));
    profile_init (&world.profile);
    world.profile.risk = 4;
    json_decref (found);
    json_decref (computed);
    return 0;
}

static int unload (void **state)
{
    (void) state;
    catalogue_destroy (&world.catalogue);
    return 0;
}

static unsigned ground (const char *text, plv_buf_t *out)
{
    const ground_t self = {world.catalogue, &world.evidence, &world.profile, -1};
    plv_buf_clear (out);
    return ground_text (&self, plv_view_str (text), out);
}

static void what_the_catalogue_bears_out_stays (void **state)
{
    static const char *const TEXTS[] = {
        "VT costs 0.06 % a year.",
        "VT costs 6 basis points, BND 3 bps.",
        "The fees differ by 0.03 %, as VT is dearer than BND.",
        "VT: expected 5.44 to 7.94 % a year.",
        "VT: about 5.4\xe2\x80\x93"
        "7.9 % a year!",
        "VT (Vanguard Total World Stock ETF) is wide.",
        "Vanguard Total World Stock ETF (VT) is wide.",
        "VT has risk level 6 of 7; you want level 4.",
        "You have 10,000 USD and hope for 5 %.",
        "That may become about $26,500 or 26,533 dollars.",
        "An ETF under UCITS rules in the EU or the US.",
        "Vanguard has low fees.",
        "Vanguard ähnelt Überall 3.",
        "Vanguard энергия Мира is calm.",
        "TSLA is not in my catalogue.",
        "e.g. bonds. Or stocks? Yes!\n\nSo it is.",
        "In 2045 you are 65, that is 20 years from now.",
        "",
    };
    plv_buf_t out = {0};
    (void) state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        unsigned removed = ground (TEXTS[i], &out);
        if (removed || !plv_view_is (plv_buf_view (&out), TEXTS[i]))
            fail_msg ("%s: %u, " PLV_VIEW_FMT, TEXTS[i], removed, PLV_VIEW_ARG (out));
    }
    plv_buf_free (&out);
}

static void what_it_does_not_is_left_out (void **state)
{
    static const char *const TEXTS[] = {
        "VT costs 0.03 % a year.",
        "VT costs 3 basis points.",
        "VT yields 12 percent.",
        "Expect 12% a year.",
        "BND: 5.44 to 7.94 % a year.",
        "VT has risk level 2.",
        "QQQ is good.",
        "XXYZ is good.",
        "I recommend TSLA.",
        "You should buy GME now.",
        "VT (Vanguard Total Bond Market ETF) is wide.",
        "Vanguard Total Bond Market ETF (VT) is wide.",
        "Vanguard Hyper Growth Fund doubles it.",
        "iShares Core Super Aggregate is calm.",
        "Vanguard Ökologie Welt is calm.",
        "Vanguard Český Fond is calm.",
        "Vanguard Энергия Мира is calm.",
        "Vanguard Ấn Độ is calm.",
        "You will have $99,999.",
        "It becomes 50,000 euros.",
    };
    plv_buf_t out = {0};
    (void) state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        if (ground (TEXTS[i], &out) != 1 || out.size)
            fail_msg ("stays: %s", TEXTS[i]);
    plv_buf_free (&out);
}

static void only_the_wrong_sentence_goes (void **state)
{
    plv_buf_t out = {0};
    (void) state;
    assert_int_equal (ground ("VT is wide. QQQ is narrow. BND is calm.\nBuy XXYZ! The end.", &out),
                      2);
    assert_true (plv_view_is (plv_buf_view (&out), "VT is wide. BND is calm.\nThe end."));
    plv_buf_free (&out);
}

static void any_text_does_no_harm (void **state)
{
    static const char *const BITS[] = {"VT",   "QQQ", " ",       ".",      "(",        ")",
                                       "0.06", "%",   "12",      "$",      "Vanguard", "Total",
                                       "\n",   "-",   "to",      "level ", "\xff",     "\xc3\xa4",
                                       ",",    "i",   "iShares", "Core",   "bps"};
    plv_rng_t rng = plv_rng_seed (23);
    (void) state;
    for (unsigned round = 0; round < 5000; round++) {
        char text[256] = "";
        plv_buf_t out = {0};
        for (uint64_t i = plv_rng_below (&rng, 20); i > 0; i--)
            strcat (text, BITS[plv_rng_below (&rng, sizeof BITS / sizeof *BITS)]);
        ground (text, &out);
        assert_true (out.size <= strlen (text));
        assert_null (out.size ? memmem (out.data, out.size, " QQQ ", 5) : NULL);
        plv_buf_free (&out);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_the_catalogue_bears_out_stays),
        cmocka_unit_test (what_it_does_not_is_left_out),
        cmocka_unit_test (only_the_wrong_sentence_goes),
        cmocka_unit_test (any_text_does_no_harm),
    };
    return cmocka_run_group_tests_name ("ground", tests, load, unload);
}
