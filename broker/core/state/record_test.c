#include "core/state/record.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 400, MUTATIONS = 20000, RECORDS_MAX = 12, WALL_US = 1800000000 };

static const struct {
    record_type_t type;
    const char *fields;
} table[] = {
#define RECORD(number, name_, fields_, meaning) {RECORD_##name_, fields_},
#include "core/state/record.def"
#undef RECORD
};

enum { TYPES = sizeof table / sizeof table[0] };

static const char *fields_of (record_type_t type)
{
    for (size_t i = 0; i < TYPES; i++)
        if (table[i].type == type)
            return table[i].fields;
    return "";
}

/*  Numbers of every length, the largest among them.  */
static uint64_t any_number (plv_rng_t *rng)
{
    return plv_rng_next (rng) >> plv_rng_below (rng, 64);
}

static plv_view_t any_text (plv_rng_t *rng)
{
    static const char bytes[400] = "seen by nobody else";
    return plv_view (bytes, plv_rng_below (rng, 4) ? plv_rng_below (rng, 20)
                                                   : plv_rng_below (rng, sizeof bytes));
}

static record_t any_record (plv_rng_t *rng)
{
    record_t record = {
        .type = table[plv_rng_below (rng, TYPES)].type,
        .number = any_number (rng),
        .reply = any_number (rng),
        .at_us = (int64_t) any_number (rng),
        .until_us = (int64_t) any_number (rng),
        .attempt = (uint32_t) any_number (rng),
        .code = (uint32_t) any_number (rng),
        .flags = (uint32_t) any_number (rng),
        .id = plv_id_make (WALL_US, plv_rng_next (rng)),
        .session = any_text (rng),
        .who = any_text (rng),
        .why = any_text (rng),
        .name = any_text (rng),
        .envelope = any_text (rng),
        .body = any_text (rng),
        .extra = any_text (rng),
    };
    return record;
}

static bool stores (const record_t *record, char letter)
{
    return strchr (fields_of (record->type), letter) != NULL;
}

static void check_text (const record_t *record, char letter, plv_view_t wrote, plv_view_t read)
{
    assert_true (stores (record, letter) ? plv_view_equal (wrote, read) : read.size == 0);
}

static void check_number (const record_t *record, char letter, uint64_t wrote, uint64_t read)
{
    assert_int_equal (read, stores (record, letter) ? wrote : 0);
}

static void check_same (const record_t *wrote, const record_t *read)
{
    assert_int_equal (wrote->type, read->type);
    check_number (wrote, 'n', wrote->number, read->number);
    check_number (wrote, 'r', wrote->reply, read->reply);
    check_number (wrote, 't', (uint64_t) wrote->at_us, (uint64_t) read->at_us);
    check_number (wrote, 'u', (uint64_t) wrote->until_us, (uint64_t) read->until_us);
    check_number (wrote, 'a', wrote->attempt, read->attempt);
    check_number (wrote, 'c', wrote->code, read->code);
    check_number (wrote, 'f', wrote->flags, read->flags);
    if (stores (wrote, 'i'))
        assert_memory_equal (wrote->id.bytes, read->id.bytes, PLV_ID_BYTES);
    check_text (wrote, 's', wrote->session, read->session);
    check_text (wrote, 'w', wrote->who, read->who);
    check_text (wrote, 'y', wrote->why, read->why);
    check_text (wrote, 'k', wrote->name, read->name);
    check_text (wrote, 'e', wrote->envelope, read->envelope);
    check_text (wrote, 'b', wrote->body, read->body);
    check_text (wrote, 'x', wrote->extra, read->extra);
}

/*  Reads to the end or to the first failure, from a block of just this size.  */
static plv_err_t read_all (plv_view_t value, size_t *ret_records)
{
    uint8_t *exact = malloc (value.size ? value.size : 1);
    record_reader_t reader;
    record_t record;
    plv_fail_t fail;
    if (value.size)
        memcpy (exact, value.data, value.size);
    *ret_records = 0;
    plv_err_t err = record_open (plv_view (exact, value.size), &reader, &fail);
    while (!err && !(err = record_next (&reader, &record, &fail)))
        ++*ret_records;
    free (exact);
    return err;
}

static void test_what_is_written_is_read (void **state)
{
    plv_rng_t rng = plv_rng_seed (1);
    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        plv_buf_t journal = {0};
        record_t wrote[RECORDS_MAX], read;
        record_reader_t reader;
        size_t count = plv_rng_below (&rng, RECORDS_MAX + 1);
        record_begin (&journal, WALL_US + round);
        for (size_t i = 0; i < count; i++) {
            wrote[i] = any_record (&rng);
            record_write (&journal, &wrote[i]);
        }
        assert_int_equal (record_open (plv_buf_view (&journal), &reader, NULL), ERR_OK);
        assert_int_equal (reader.wall_us, WALL_US + round);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal (record_next (&reader, &read, NULL), ERR_OK);
            check_same (&wrote[i], &read);
        }
        assert_int_equal (record_next (&reader, &read, NULL), ERR_NOENT);
        plv_buf_free (&journal);
    }
}

/*  Cut between two records it is a shorter journal value; cut anywhere else it is refused.  */
static void test_every_truncation (void **state)
{
    plv_rng_t rng = plv_rng_seed (2);
    (void) state;
    for (int round = 0; round < ROUNDS / 10; round++) {
        plv_buf_t journal = {0};
        size_t ends[4], records, found;
        record_begin (&journal, WALL_US);
        ends[0] = journal.size;
        for (size_t i = 1; i < 4; i++) {
            record_t record = any_record (&rng);
            record_write (&journal, &record);
            ends[i] = journal.size;
        }
        for (size_t size = 0; size < journal.size; size++) {
            bool whole = false;
            for (records = 0; records < 4 && !whole; records++)
                whole = size == ends[records];
            plv_err_t err = read_all (plv_view (journal.data, size), &found);
            assert_int_equal (err, whole ? ERR_NOENT : ERR_CORRUPT);
            if (whole)
                assert_int_equal (found, records - 1);
        }
        plv_buf_free (&journal);
    }
}

static void test_mutations_do_no_harm (void **state)
{
    plv_rng_t rng = plv_rng_seed (3);
    plv_buf_t journal = {0};
    size_t found, refused = 0;
    (void) state;
    record_begin (&journal, WALL_US);
    for (int i = 0; i < RECORDS_MAX; i++) {
        record_t record = any_record (&rng);
        record_write (&journal, &record);
    }
    for (int i = 0; i < MUTATIONS; i++) {
        size_t at = plv_rng_below (&rng, journal.size);
        uint8_t was = journal.data[at];
        journal.data[at] = (uint8_t) plv_rng_next (&rng);
        plv_err_t err = read_all (plv_buf_view (&journal), &found);
        assert_true (err == ERR_NOENT || err == ERR_CORRUPT);
        refused += err == ERR_CORRUPT;
        journal.data[at] = was;
    }
    assert_true (refused > 0);
    plv_buf_free (&journal);
}

static void test_unknown_format_and_type (void **state)
{
    static const uint8_t newer[] = {2, 0}, bare[] = {1}, empty[] = {1, 0}, zero[] = {1, 0, 0},
                         high[] = {1, 0, 31}, above[] = {1, 0, 255},
                         endless[] = {1,    0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
    size_t found;
    (void) state;
    assert_int_equal (read_all (plv_view (newer, sizeof newer), &found), ERR_CORRUPT);
    assert_int_equal (read_all (plv_view (bare, sizeof bare), &found), ERR_CORRUPT);
    assert_int_equal (read_all (plv_view (empty, sizeof empty), &found), ERR_NOENT);
    assert_int_equal (read_all (plv_view (zero, sizeof zero), &found), ERR_CORRUPT);
    assert_int_equal (read_all (plv_view (high, sizeof high), &found), ERR_CORRUPT);
    assert_int_equal (read_all (plv_view (above, sizeof above), &found), ERR_CORRUPT);
    assert_int_equal (read_all (plv_view (endless, sizeof endless), &found), ERR_CORRUPT);
}

/*  A length that is larger than what is left, up to one that would wrap round.  */
static void test_lengths_stay_inside (void **state)
{
    static const uint64_t lengths[] = {
        1, 2, 127, 128, UINT32_MAX, (uint64_t) INT64_MAX, UINT64_MAX - 8, UINT64_MAX};
    (void) state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        plv_buf_t buf = {0};
        plv_view_t text = {0};
        size_t at = 0;
        record_put_number (&buf, lengths[i]);
        assert_false (record_get_bytes (plv_buf_view (&buf), &at, &text));
        plv_buf_free (&buf);
    }
}

static void test_numbers (void **state)
{
    plv_rng_t rng = plv_rng_seed (4);
    (void) state;
    for (int i = 0; i < MUTATIONS; i++) {
        plv_buf_t buf = {0};
        uint64_t wrote = any_number (&rng), read = 0;
        size_t at = 0;
        record_put_number (&buf, wrote);
        assert_true (buf.size >= 1 && buf.size <= 10);
        assert_true (record_get_number (plv_buf_view (&buf), &at, &read));
        assert_int_equal (read, wrote);
        assert_int_equal (at, buf.size);
        at = 0;
        assert_false (record_get_number (plv_view (buf.data, buf.size - 1), &at, &read));
        plv_buf_free (&buf);
    }
}

static void test_names (void **state)
{
    (void) state;
    assert_string_equal (record_name (RECORD_ACCEPT), "ACCEPT");
    assert_string_equal (record_name (RECORD_UNPARK), "UNPARK");
    assert_string_equal (record_name ((record_type_t) 0), "?");
    assert_string_equal (record_name ((record_type_t) 4000), "?");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_is_written_is_read),
        cmocka_unit_test (test_every_truncation),
        cmocka_unit_test (test_mutations_do_no_harm),
        cmocka_unit_test (test_unknown_format_and_type),
        cmocka_unit_test (test_lengths_stay_inside),
        cmocka_unit_test (test_numbers),
        cmocka_unit_test (test_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
