#include "advisor/catalogue/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static csv_t *open_text (const char *text, size_t size)
{
    csv_t *csv = NULL;
    plv_fail_t fail = {0};
    assert_int_equal (csv_new (plv_view (text, size), "t.csv", &csv, &fail), ERR_OK);
    return csv;
}

#define OPEN(text) open_text (text, sizeof (text) - 1)

static void expect_record (csv_t *csv, unsigned line, const char *a, const char *b)
{
    plv_fail_t fail = {0};
    assert_int_equal (csv_next (csv, &fail), ERR_OK);
    assert_int_equal (csv_line (csv), line);
    assert_true (plv_view_is (csv_field (csv, 0), a));
    assert_true (plv_view_is (csv_field (csv, 1), b));
}

static void expect_end (csv_t **csv_p)
{
    plv_fail_t fail = {0};
    assert_int_equal (csv_next (*csv_p, &fail), ERR_NOENT);
    assert_int_equal (csv_next (*csv_p, &fail), ERR_NOENT);
    csv_destroy (csv_p);
    assert_null (*csv_p);
}

static void reads_plain_records (void **state)
{
    (void) state;
    csv_t *csv = OPEN ("a,b\n1,2\r\n,\n3,4");
    expect_record (csv, 2, "1", "2");
    expect_record (csv, 3, "", "");
    expect_record (csv, 4, "3", "4");
    expect_end (&csv);
}

static void quoted_fields_hold_anything (void **state)
{
    (void) state;
    csv_t *csv = OPEN ("a,b\n\"x,\"\"y\"\"\",\"one\r\ntwo\nthree\"\n\"\",\"\"\"\"\r\nlast,1\n");
    expect_record (csv, 2, "x,\"y\"", "one\r\ntwo\nthree");
    expect_record (csv, 5, "", "\"");
    expect_record (csv, 6, "last", "1");
    expect_end (&csv);
}

static void skips_byte_order_mark_and_empty_lines (void **state)
{
    (void) state;
    csv_t *csv = OPEN ("\xef\xbb\xbf\r\nSymbol,b\n\n\r\nä,2\n\n");
    assert_int_equal (csv_column (csv, "symbol"), 0);
    assert_int_equal (csv_column (csv, "c"), -1);
    assert_int_equal (csv_field (csv, -1).size, 0);
    expect_record (csv, 5, "ä", "2");
    expect_end (&csv);
}

/*  Every error names the file and the line.  */
static void says_where_it_is_wrong (void **state)
{
    static const struct {
        const char *text;
        size_t size;
        plv_err_t err;
        const char *where;
    } rows[] = {
#define ROW(text, err, where) {text, sizeof (text) - 1, err, where}
        ROW ("", ERR_SYNTAX, "t.csv:1:"),
        ROW ("a,b\n1,2\n3\n", ERR_SYNTAX, "t.csv:3:"),
        ROW ("a,b\n1,2,3\n", ERR_SYNTAX, "t.csv:2:"),
        ROW ("a,b\n1,\"x\n\n\ny", ERR_SYNTAX, "t.csv:2:"),
        ROW ("a,b\n\"x\ny\"z,2\n", ERR_SYNTAX, "t.csv:3:"),
        ROW ("a,b\n1,x\"y\n", ERR_SYNTAX, "t.csv:2:"),
        ROW ("a,b\n1,2\r3,4\n", ERR_SYNTAX, "t.csv:2:"),
        ROW ("a,b\n1,2\n\xff,4\n", ERR_UTF8, "t.csv:3:"),
        ROW ("a,b\n1,\0\n", ERR_UTF8, "t.csv:2:"),
#undef ROW
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        csv_t *csv = NULL;
        plv_fail_t fail = {0};
        plv_err_t err = csv_new (plv_view (rows[i].text, rows[i].size), "t.csv", &csv, &fail);
        while (!err)
            err = csv_next (csv, &fail);
        assert_int_equal (err, rows[i].err);
        assert_memory_equal (fail.text, rows[i].where, strlen (rows[i].where));
        csv_destroy (&csv);
    }
}

static void refuses_more_columns_than_declared (void **state)
{
    char text[4 * CSV_COLUMNS_MAX] = "";
    csv_t *csv = NULL;
    plv_fail_t fail = {0};
    (void) state;
    memset (text, ',', CSV_COLUMNS_MAX - 1);
    assert_int_equal (csv_new (plv_view_str (text), "t.csv", &csv, &fail), ERR_OK);
    assert_int_equal (csv_columns (csv), CSV_COLUMNS_MAX);
    csv_destroy (&csv);
    memset (text, ',', CSV_COLUMNS_MAX);
    assert_int_equal (csv_new (plv_view_str (text), "t.csv", &csv, &fail), ERR_RANGE);
}

static void reads_a_file_and_names_one_that_is_missing (void **state)
{
    char path[] = "/tmp/palaver-csv-XXXXXX";
    csv_t *csv = NULL;
    plv_fail_t fail = {0};
    (void) state;
    int fd = mkstemp (path);
    assert_int_equal (write (fd, "a,b\n1,2\n", 8), 8);
    close (fd);
    assert_int_equal (csv_open (path, &csv, &fail), ERR_OK);
    expect_record (csv, 2, "1", "2");
    csv_destroy (&csv);
    unlink (path);
    assert_int_equal (csv_open (path, &csv, &fail), ERR_NOENT);
    assert_non_null (strstr (fail.text, path));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (reads_plain_records),
        cmocka_unit_test (quoted_fields_hold_anything),
        cmocka_unit_test (skips_byte_order_mark_and_empty_lines),
        cmocka_unit_test (says_where_it_is_wrong),
        cmocka_unit_test (refuses_more_columns_than_declared),
        cmocka_unit_test (reads_a_file_and_names_one_that_is_missing),
    };
    return cmocka_run_group_tests_name ("csv", tests, NULL, NULL);
}
