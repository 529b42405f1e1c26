#include "advisor/catalogue/catalogue.h"

#include "advisor/catalogue/csv.h"
#include "advisor/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/*  Loads `text` as a file; the file's name is cut from the error.  */
static plv_err_t load (const char *text, catalogue_t **ret_catalogue, plv_fail_t *ret_fail)
{
    char path[] = "/tmp/palaver-catalogue-XXXXXX";
    int fd = mkstemp (path);
    assert_true (fd >= 0);
    assert_int_equal (write (fd, text, strlen (text)), strlen (text));
    close (fd);
    plv_err_t err = catalogue_load (path, ret_catalogue, ret_fail);
    unlink (path);
    return err;
}

static void the_shipped_one_spans_all_asset_classes (void **state)
{
    bool groups[GROUP_COUNT_] = {false};
    catalogue_t *catalogue = fixture_catalogue ();
    (void) state;
    assert_non_null (catalogue);
    assert_true (catalogue_size (catalogue) >= 80);
    for (size_t i = 0; i < catalogue_size (catalogue); i++) {
        const product_t *product = catalogue_product (catalogue, i);
        groups[assume_of (product->asset_class).group] = true;
        assert_true (product->fee >= 0 && product->fee <= 3);
        assert_in_range (product->risk, RISK_MIN, RISK_MAX);
        assert_true (product->low < product->high);
        assert_true (product->topics);
        assert_int_equal (strlen (product->currency), 3);
        assert_int_equal (strlen (product->fee_as_of), strlen ("2025-06"));
    }
    for (int group = 0; group < GROUP_COUNT_; group++)
        assert_true (groups[group]);
    catalogue_destroy (&catalogue);
}

/*  What readers see in the file is what the assumptions give today.  */
static void the_shipped_derived_columns_are_not_stale (void **state)
{
    char *printed = NULL, *shipped = NULL, *path = fixture_file ("catalogue.csv");
    size_t size = 0, shipped_size = 0;
    catalogue_t *catalogue = fixture_catalogue ();
    (void) state;
    assert_true (catalogue && path);
    FILE *out = open_memstream (&printed, &size);
    catalogue_print (catalogue, out);
    fclose (out);
    FILE *in = fopen (path, "r");
    assert_true (getdelim (&shipped, &shipped_size, '\0', in) > 0);
    fclose (in);
    assert_string_equal (printed, shipped);
    free (printed);
    free (shipped);
    free (path);
    catalogue_destroy (&catalogue);
}

static void finds_symbols_without_regard_to_case (void **state)
{
    catalogue_t *catalogue = fixture_catalogue ();
    (void) state;
    int vti = catalogue_find (catalogue, plv_view_str ("vti"));
    assert_true (vti >= 0);
    assert_string_equal (catalogue_product (catalogue, (size_t) vti)->symbol, "VTI");
    assert_int_equal (catalogue_find (catalogue, plv_view_str ("VT' OR 1=1 --")), -1);
    assert_int_equal (catalogue_find (catalogue, plv_view_str ("")), -1);
    catalogue_destroy (&catalogue);
}

static void searches_names_and_survives_any_word (void **state)
{
    static const char *const HARMLESS[] = {
        "\"", "AND", "NEAR(", "*", "name:x", "'; DROP TABLE words; --", ""};
    catalogue_t *catalogue = fixture_catalogue ();
    int hits[8];
    (void) state;
    assert_int_equal (catalogue_search (catalogue, plv_view_str ("semiconductors"), hits, 8), 1);
    assert_string_equal (catalogue_product (catalogue, (size_t) hits[0])->symbol, "SMH");
    assert_true (catalogue_search (catalogue, plv_view_str ("vanguard"), hits, 8) > 8);
    for (size_t i = 0; i < sizeof HARMLESS / sizeof *HARMLESS; i++)
        catalogue_search (catalogue, plv_view_str (HARMLESS[i]), hits, 8);
    assert_int_equal (catalogue_search (catalogue, plv_view_str ("semiconductor"), hits, 8), 1);
    catalogue_destroy (&catalogue);
}

/*  As somebody types them whose keyboard lacks the marks, or has the older letters.  */
static void names_are_found_with_and_without_their_marks (void **state)
{
    static const char LIST[] = "symbol,name,asset_class\n"
                               "RO,Fondul Acțiuni București,us_equity\n"
                               "VN,Quỹ Đầu tư Cổ phiếu Việt Nam,us_equity\n"
                               "AM,Հայաստան Ֆոնդ,us_equity\n"
                               "EU,Łódzki Øresund Straße,us_equity\n";
    static const struct {
        const char *word;
        int product;
    } ROWS[] = {
        {"actiuni", 0}, {"acţiuni", 0},  {"ACȚIUNI", 0},  {"acțiuni", 0}, {"bucuresti", 0},
        {"dau", 1},     {"đầu", 1},      {"ĐẦU", 1},      {"quy", 1},     {"phieu", 1},
        {"VIỆT", 1},    {"հայաստան", 2}, {"ՀԱՅԱՍՏԱՆ", 2}, {"lodzki", 3},  {"łódzki", 3},
        {"oresund", 3}, {"strasse", 3},
    };
    catalogue_t *catalogue = NULL;
    plv_fail_t fail;
    int hit = -1;
    (void) state;
    assert_int_equal (load (LIST, &catalogue, &fail), ERR_OK);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        assert_int_equal (catalogue_search (catalogue, plv_view_str (ROWS[i].word), &hit, 1), 1);
        assert_int_equal (hit, ROWS[i].product);
    }
    assert_string_equal (catalogue_product (catalogue, 3)->name, "Łódzki Øresund Straße");
    catalogue_destroy (&catalogue);
}

static void the_fee_comes_off_the_return (void **state)
{
    catalogue_t *catalogue = NULL;
    plv_fail_t fail = {0};
    (void) state;
    assert_int_equal (load ("name,symbol,asset_class,expense_ratio\n"
                            "A,AA,core_bond,0.5\nB,BB,core_bond,\n",
                            &catalogue, &fail),
                      ERR_OK);
    assumption_t assumed = assume_of (CLASS_core_bond);
    const product_t *a = catalogue_product (catalogue, 0), *b = catalogue_product (catalogue, 1);
    assert_float_equal (a->low, assumed.low - 0.5, 1e-9);
    assert_float_equal (a->high, assumed.high - 0.5, 1e-9);
    assert_int_equal (a->risk, assumed.risk);
    assert_float_equal (b->fee, FEE_UNKNOWN, 0);
    assert_float_equal (b->low, assumed.low, 1e-9);
    catalogue_destroy (&catalogue);
}

static void says_what_is_wrong_with_a_file (void **state)
{
    static const struct {
        const char *text;
        plv_err_t err;
        const char *words;
    } rows[] = {
        {"symbol,asset_class\nA,gold\n", ERR_SYNTAX, ":1: there is no column \"name\""},
        {"symbol,name,asset_class\n", ERR_SYNTAX, "lists no product"},
        {"symbol,name,asset_class\nA,B,tulips\n", ERR_RANGE, ":2: asset_class \"tulips\""},
        {"symbol,name,asset_class\n\n,B,gold\n", ERR_SYNTAX, ":3: a symbol"},
        {"symbol,name,asset_class\nA,,gold\n", ERR_SYNTAX, ":2: a symbol"},
        {"symbol,name,asset_class\nA,B,gold\na,C,gold\n", ERR_EXISTS, ":3: the symbol a is there"},
        {"symbol,name,asset_class,expense_ratio\nA,B,gold,x\n", ERR_SYNTAX,
         ":2: expense_ratio \"x\""},
        {"symbol,name,asset_class,expense_ratio\nA,B,gold,-1\n", ERR_RANGE, ":2: expense_ratio"},
        {"symbol,name,asset_class,expense_ratio\nA,B,gold,nan\n", ERR_RANGE, ":2: expense_ratio"},
        {"symbol,name,asset_class\nA,B,gold\nA\n", ERR_SYNTAX, ":3: 1 fields"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        catalogue_t *catalogue = NULL;
        plv_fail_t fail = {0};
        assert_int_equal (load (rows[i].text, &catalogue, &fail), rows[i].err);
        assert_null (catalogue);
        assert_non_null (strstr (fail.text, rows[i].words));
    }
}

/*  Where a list of an exchange is at hand: nearly half of our symbols must stand in it (the others are
    listed elsewhere, or are mutual funds).  */
static void our_symbols_stand_in_the_list_of_an_exchange (void **state)
{
    char *path = fixture_shared ("etfs-nyse-arca.csv");
    plv_fail_t fail = {0};
    csv_t *csv = NULL;
    size_t listed = 0, ours = 0;
    (void) state;
    if (!path)
        skip ();
    catalogue_t *catalogue = fixture_catalogue ();
    assert_int_equal (csv_open (path, &csv, &fail), ERR_OK);
    while (csv_next (csv, &fail) == ERR_OK) {
        listed++;
        ours += catalogue_find (catalogue, csv_field (csv, csv_column (csv, "symbol"))) >= 0;
    }
    assert_int_equal (listed, 1699);
    assert_true (ours >= 80);
    csv_destroy (&csv);
    catalogue_destroy (&catalogue);
    free (path);
}

/*  A list of somebody else's comes in whole, and where it names products of ours, the class that its words
    tell is hardly ever less risky than the one that a person has given.  */
static void a_foreign_list_is_classified_by_its_words (void **state)
{
    char *path = fixture_shared ("etfs-nyse-arca.csv");
    plv_fail_t fail = {0};
    catalogue_t *theirs = NULL;
    size_t both = 0, near = 0, tamer = 0;
    (void) state;
    if (!path)
        skip ();
    catalogue_t *ours = fixture_catalogue ();
    assert_int_equal (catalogue_load (path, &theirs, &fail), ERR_OK);
    assert_int_equal (catalogue_size (theirs), 1699);
    for (size_t i = 0; i < catalogue_size (ours); i++) {
        const product_t *product = catalogue_product (ours, i);
        int found = catalogue_find (theirs, plv_view_str (product->symbol));
        if (found < 0)
            continue;
        int more = catalogue_product (theirs, (size_t) found)->risk - product->risk;
        if (more < -1 || more > 1)
            print_message ("%s: %d, and a person says %d\n", product->name, product->risk + more,
                           product->risk);
        both++;
        near += more >= -1 && more <= 1;
        tamer += more < -1;
    }
    print_message ("%zu of %zu within one level of risk, %zu tamer\n", near, both, tamer);
    assert_true (near * 100 >= both * 95);
    assert_true (tamer * 100 <= both * 2);
    catalogue_destroy (&ours);
    catalogue_destroy (&theirs);
    free (path);
}

static void other_names_of_columns_are_understood (void **state)
{
    catalogue_t *catalogue = NULL;
    plv_fail_t fail = {0};
    (void) state;
    assert_int_equal (
        load ("Ticker,Fund,TER,Category\nX,Total Bond,0.05%,Fixed Income\n", &catalogue, &fail),
        ERR_OK);
    const product_t *product = catalogue_product (catalogue, 0);
    assert_int_equal (product->asset_class, CLASS_core_bond);
    assert_float_equal (product->fee, 0.05, 1e-9);
    catalogue_destroy (&catalogue);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_shipped_one_spans_all_asset_classes),
        cmocka_unit_test (the_shipped_derived_columns_are_not_stale),
        cmocka_unit_test (finds_symbols_without_regard_to_case),
        cmocka_unit_test (searches_names_and_survives_any_word),
        cmocka_unit_test (names_are_found_with_and_without_their_marks),
        cmocka_unit_test (the_fee_comes_off_the_return),
        cmocka_unit_test (says_what_is_wrong_with_a_file),
        cmocka_unit_test (our_symbols_stand_in_the_list_of_an_exchange),
        cmocka_unit_test (a_foreign_list_is_classified_by_its_words),
        cmocka_unit_test (other_names_of_columns_are_understood),
    };
    return cmocka_run_group_tests_name ("catalogue", tests, NULL, NULL);
}
