#include "palaver/show/table.h"

#include "wire/mp.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const column_t columns[] = {
    {.title = "NAME", .key = "name", .most = 8},
    {.title = "N", .key = "n", .kind = COLUMN_NUMBER},
    {.title = "WHEN", .key = "when_us", .kind = COLUMN_TIME},
    {.title = "LIST", .key = "list", .kind = COLUMN_LIST},
};

/*  Runs `write` with stdout in a file, and compares what is in there.  */
static void prints (const out_t *out, void (*write_table) (const out_t *), const char *expected)
{
    char path[] = "/tmp/palaver-table-XXXXXX", got[4096];
    int file = mkstemp (path), kept = dup (STDOUT_FILENO);
    fflush (stdout);
    dup2 (file, STDOUT_FILENO);
    write_table (out);
    fflush (stdout);
    dup2 (kept, STDOUT_FILENO);
    ssize_t size = pread (file, got, sizeof got - 1, 0);
    close (kept);
    close (file);
    unlink (path);
    got[size > 0 ? size : 0] = '\0';
    assert_string_equal (got, expected);
}

static void put_row (table_t *table, const char *name, int64_t n, int64_t when_us)
{
    plv_buf_t map = {0};
    plv_mp_put_map (&map, 4);
    plv_mp_put_text (&map, "name");
    plv_mp_put_text (&map, name);
    plv_mp_put_text (&map, "n");
    plv_mp_put_i64 (&map, n);
    plv_mp_put_text (&map, "when_us");
    plv_mp_put_i64 (&map, when_us);
    plv_mp_put_text (&map, "list");
    plv_mp_put_array (&map, 2);
    plv_mp_put_text (&map, "a");
    plv_mp_put_text (&map, "b");
    table_add (table, plv_buf_view (&map));
    plv_buf_free (&map);
}

static void two_pages (const out_t *out)
{
    table_t table = table_new (out, columns, 4);
    put_row (&table, "one", 1, 1700000000000000);
    put_row (&table, "much too long", -1234, 0);
    table_flush (&table);
    put_row (&table, "two", 2, 0);
    table_flush (&table);
    table_free (&table);
}

static void columns_are_aligned_over_pages (void **state)
{
    const out_t out = {0};
    (void) state;
    prints (&out, two_pages,
            "NAME          N  WHEN                  LIST\n"
            "one           1  2023-11-14T22:13:20Z  a, b\n"
            "much ...  -1234                        a, b\n"
            "two           2                        a, b\n");
}

static const column_t narrow[] = {
    {.title = "NAME", .key = "name"},
    {.title = "N", .key = "n", .kind = COLUMN_NUMBER, .spare = 2},
    {.title = "WHEN", .key = "when_us", .kind = COLUMN_TIME, .spare = 1},
    {.title = "LIST", .key = "list", .kind = COLUMN_LIST},
};

static void spare_columns (const out_t *out)
{
    table_t table = table_new (out, narrow, 4);
    put_row (&table, "one", 1, 1700000000000000);
    table_flush (&table);
    put_row (&table, "two", 2, 0);
    table_flush (&table);
    table_free (&table);
}

static void a_narrow_terminal_has_fewer_columns (void **state)
{
    out_t out = {.columns = 35};
    (void) state;
    prints (&out, spare_columns,
            "NAME  N  WHEN                  LIST\n"
            "one   1  2023-11-14T22:13:20Z  a, b\n"
            "two   2                        a, b\n");
    out.columns = 34;
    prints (&out, spare_columns, "NAME  N  LIST\none   1  a, b\ntwo   2  a, b\n");
    out.columns = 12;
    prints (&out, spare_columns, "NAME  LIST\none   a, b\ntwo   a, b\n");
    out.columns = 3;
    prints (&out, spare_columns, "NAME  LIST\none   a, b\ntwo   a, b\n");
}

static const column_t sessions[] = {
    {.title = "SESSION", .key = "session", .most = 48},
    {.title = "PLATFORM", .key = "platform", .spare = 1},
    {.title = "STATE", .key = "state"},
    {.title = "USER", .key = "user"},
};

static void long_texts (const out_t *out)
{
    table_t table = table_new (out, sessions, 4);
    plv_buf_t map = {0};
    plv_mp_put_map (&map, 4);
    plv_mp_pair_text (&map, "session", "telegram_of_a_long_name");
    plv_mp_pair_text (&map, "platform", "telegram");
    plv_mp_pair_text (&map, "state", "open");
    plv_mp_pair_text (&map, "user", "ann");
    table_add (&table, plv_buf_view (&map));
    table_flush (&table);
    plv_buf_free (&map);
    table_free (&table);
}

static void where_nothing_can_be_spared_texts_are_cut (void **state)
{
    out_t out = {.columns = 36};
    (void) state;
    prints (&out, long_texts,
            "SESSION                  STATE  USER\n"
            "telegram_of_a_long_name  open   ann\n");
    out.columns = 30;
    prints (&out, long_texts,
            "SESSION            STATE  USER\n"
            "telegram_of_a_...  open   ann\n");
    out.columns = 10;
    prints (&out, long_texts, "SESSION       STATE  USER\ntelegram_...  open   ann\n");
}

static const column_t folding[] = {
    {.title = "CHECK", .key = "check"},
    {.title = "FOUND", .key = "found"},
    {.title = "WHAT TO DO", .key = "advice", .below = true},
};

static void put_finding (table_t *table, const char *found, const char *advice)
{
    plv_buf_t map = {0};
    plv_mp_put_map (&map, 3);
    plv_mp_pair_text (&map, "check", "clock");
    plv_mp_pair_text (&map, "found", found);
    plv_mp_pair_text (&map, "advice", advice);
    table_add (table, plv_buf_view (&map));
    plv_buf_free (&map);
}

static void findings (const out_t *out)
{
    table_t table = table_new (out, folding, 3);
    put_finding (&table, "it is late", "go to bed");
    put_finding (&table, "fine", "");
    table_flush (&table);
    table_free (&table);
}

static void what_is_too_wide_stands_below_in_as_many_lines_as_it_takes (void **state)
{
    out_t out = {.columns = 29};
    (void) state;
    prints (&out, findings,
            "CHECK  FOUND       WHAT TO DO\nclock  it is late  go to bed\nclock  fine        \n");
    out.columns = 16;
    prints (&out, findings,
            "CHECK  FOUND\nclock  it is\n       late\n       -> go to\n          bed\n"
            "clock  fine\n");
    out.columns = 3;
    prints (&out, findings,
            "CHECK  FOUND\nclock  it\n       is\n       late\n       -> go\n          to\n"
            "          bed\nclock  fine\n");
}

static const column_t states[] = {
    {.title = "CHECK", .key = "check"},
    {.title = "PID", .key = "pid", .spare = 1},
    {.title = "FOUND", .key = "found"},
    {.title = "WHAT TO DO", .key = "advice", .below = true},
};

static void broken_state (const out_t *out)
{
    table_t table = table_new (out, states, 4);
    put_finding (&table, "it is late", "go to bed");
    table_flush (&table);
    table_free (&table);
}

static void what_is_folded_has_no_room_for_spare_columns_either (void **state)
{
    out_t out = {.columns = 29};
    (void) state;
    prints (&out, broken_state,
            "CHECK  PID  FOUND\nclock       it is late\n            -> go to bed\n");
    out.columns = 20;
    prints (&out, broken_state, "CHECK  FOUND\nclock  it is late\n       -> go to bed\n");
}

static void one_row (const out_t *out)
{
    table_t table = table_new (out, columns, 4);
    put_row (&table, "one", 1, 0);
    table_flush (&table);
    table_free (&table);
}

static void off_a_terminal_it_is_json (void **state)
{
    const out_t out = {.json = true};
    (void) state;
    prints (&out, one_row, "{\"name\":\"one\",\"n\":1,\"when\":null,\"list\":[\"a\",\"b\"]}\n");
}

static void titles_may_be_bold (void **state)
{
    const out_t out = {.colours = true};
    (void) state;
    prints (&out, one_row, "\033[1mNAME  N  WHEN  LIST\033[0m\none   1        a, b\n");
}

static void no_rows (const out_t *out)
{
    table_t table = table_new (out, columns, 4);
    table_flush (&table);
    table_free (&table);
}

static void nothing_is_nothing (void **state)
{
    const out_t out = {0};
    (void) state;
    prints (&out, no_rows, "");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (columns_are_aligned_over_pages),
        cmocka_unit_test (a_narrow_terminal_has_fewer_columns),
        cmocka_unit_test (where_nothing_can_be_spared_texts_are_cut),
        cmocka_unit_test (what_is_folded_has_no_room_for_spare_columns_either),
        cmocka_unit_test (what_is_too_wide_stands_below_in_as_many_lines_as_it_takes),
        cmocka_unit_test (off_a_terminal_it_is_json),
        cmocka_unit_test (titles_may_be_bold),
        cmocka_unit_test (nothing_is_nothing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
