#include "base/limits.h"
#include "base/rng.h"
#include "wire/mp.h"

#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 20000, VALUE_DEPTH = 5 };

static plv_buf_t packed (void (*put) (plv_buf_t *))
{
    plv_buf_t buf = {0};
    put (&buf);
    assert_false (buf.failed);
    return buf;
}

/*  The same bytes in a block of just their size, so that a sanitizer sees one byte too many being read.  */
static plv_view_t tight (const void *bytes, size_t size)
{
    void *copy = malloc (size ? size : 1);
    assert_non_null (copy);
    memcpy (copy, bytes, size);
    return plv_view (copy, size);
}

static void tight_free (plv_view_t view)
{
    free ((void *) (uintptr_t) view.data);
}

/*  One random number from a class of sizes, so that every width comes up.  */
static uint64_t some_number (plv_rng_t *rng)
{
    return plv_rng_next (rng) >> plv_rng_below (rng, 64);
}

static size_t some_size (plv_rng_t *rng)
{
    static const size_t SIZES[] = {0, 1, 31, 32, 33, 255, 256, 300, 65535, 65536};
    return plv_rng_below (rng, 200) ? plv_rng_below (rng, 20)
                                    : SIZES[plv_rng_below (rng, sizeof SIZES / sizeof SIZES[0])];
}

static uint32_t some_count (plv_rng_t *rng, int depth)
{
    if (depth == 0 && !plv_rng_below (rng, 10))
        return plv_rng_below (rng, 2) ? 16 : 65536;
    return (uint32_t) plv_rng_below (rng, 5);
}

/*  One random value written by both libraries at once.  */
static void put_value (plv_rng_t *rng, plv_buf_t *ours, msgpack_packer *theirs, int depth)
{
    static char bytes[65536];
    uint64_t number = some_number (rng);
    size_t size = 0;
    uint32_t count = 0;
    double real = 0;
    switch (plv_rng_below (rng, depth < VALUE_DEPTH ? 8 : 6)) {
    case 0:
        plv_mp_put_nil (ours);
        msgpack_pack_nil (theirs);
        break;
    case 1:
        plv_mp_put_bool (ours, number & 1);
        (void) (number & 1 ? msgpack_pack_true (theirs) : msgpack_pack_false (theirs));
        break;
    case 2:
        plv_mp_put_u64 (ours, number);
        msgpack_pack_uint64 (theirs, number);
        break;
    case 3:
        plv_mp_put_i64 (ours, -(int64_t) (number >> 1) - 1);
        msgpack_pack_int64 (theirs, -(int64_t) (number >> 1) - 1);
        break;
    case 4:
        real = (double) number / 3;
        plv_mp_put_double (ours, real);
        msgpack_pack_double (theirs, real);
        break;
    case 5:
        size = some_size (rng);
        memset (bytes, 'a' + (int) (number % 26), size);
        if (number & 1) {
            plv_mp_put_str (ours, plv_view (bytes, size));
            msgpack_pack_str_with_body (theirs, bytes, size);
        } else {
            plv_mp_put_bin (ours, plv_view (bytes, size));
            msgpack_pack_bin_with_body (theirs, bytes, size);
        }
        break;
    case 6:
        count = some_count (rng, depth);
        plv_mp_put_array (ours, count);
        msgpack_pack_array (theirs, count);
        for (uint32_t i = 0; i < count; i++)
            put_value (rng, ours, theirs, count > 16 ? VALUE_DEPTH : depth + 1);
        break;
    default:
        count = some_count (rng, depth);
        plv_mp_put_map (ours, count);
        msgpack_pack_map (theirs, count);
        for (uint32_t i = 0; i < 2 * count; i++)
            put_value (rng, ours, theirs, count > 16 ? VALUE_DEPTH : depth + 1);
    }
}

static void same_number (plv_mp_t *at, const msgpack_object *theirs)
{
    plv_mp_t again = *at;
    uint64_t number;
    int64_t whole;
    double real;
    bool fits = theirs->type == MSGPACK_OBJECT_NEGATIVE_INTEGER || theirs->via.u64 <= INT64_MAX;
    assert_int_equal (plv_mp_i64 (&again, &whole), fits);
    if (fits)
        assert_true (whole == theirs->via.i64);
    again = *at;
    assert_true (plv_mp_double (&again, &real));
    if (theirs->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        assert_true (real == (double) theirs->via.i64);
        assert_false (plv_mp_u64 (at, &number));
        *at = again;
        return;
    }
    assert_true (real == (double) theirs->via.u64);
    assert_true (plv_mp_u64 (at, &number));
    assert_true (number == theirs->via.u64);
}

static void same_value (plv_mp_t *at, const msgpack_object *theirs)
{
    plv_view_t bytes;
    uint32_t count;
    double real;
    bool flag;
    switch (theirs->type) {
    case MSGPACK_OBJECT_NIL:
        assert_int_equal (plv_mp_peek (at), MP_NIL);
        assert_true (plv_mp_nil (at));
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        assert_true (plv_mp_bool (at, &flag) && flag == theirs->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        same_number (at, theirs);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        assert_true (plv_mp_double (at, &real));
        assert_memory_equal (&real, &theirs->via.f64, sizeof real);
        break;
    case MSGPACK_OBJECT_STR:
        assert_false (plv_mp_bin (at, &bytes));
        assert_true (plv_mp_str (at, &bytes));
        assert_true (plv_view_equal (bytes, plv_view (theirs->via.str.ptr, theirs->via.str.size)));
        break;
    case MSGPACK_OBJECT_BIN:
        assert_false (plv_mp_str (at, &bytes));
        assert_true (plv_mp_bin (at, &bytes));
        assert_true (plv_view_equal (bytes, plv_view (theirs->via.bin.ptr, theirs->via.bin.size)));
        break;
    case MSGPACK_OBJECT_ARRAY:
        assert_true (plv_mp_array (at, &count) && count == theirs->via.array.size);
        for (uint32_t i = 0; i < count; i++)
            same_value (at, &theirs->via.array.ptr[i]);
        break;
    case MSGPACK_OBJECT_MAP:
        assert_true (plv_mp_map (at, &count) && count == theirs->via.map.size);
        for (uint32_t i = 0; i < count; i++) {
            same_value (at, &theirs->via.map.ptr[i].key);
            same_value (at, &theirs->via.map.ptr[i].val);
        }
        break;
    default:
        fail_msg ("an extension that nobody wrote");
    }
}

/*  Both writers give the same bytes, and our readers see what msgpack-c sees in them.  */
static void writes_and_reads_as_msgpack_c (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (1);
    for (int round = 0; round < ROUNDS / 10; round++) {
        plv_buf_t ours = {0};
        msgpack_sbuffer theirs;
        msgpack_packer packer;
        msgpack_sbuffer_init (&theirs);
        msgpack_packer_init (&packer, &theirs, msgpack_sbuffer_write);
        put_value (&rng, &ours, &packer, 0);
        assert_int_equal (ours.size, theirs.size);
        assert_memory_equal (ours.data, theirs.data, ours.size);

        msgpack_unpacked unpacked;
        msgpack_unpacked_init (&unpacked);
        assert_int_equal (msgpack_unpack_next (&unpacked, theirs.data, theirs.size, NULL),
                          MSGPACK_UNPACK_SUCCESS);
        plv_mp_t at = plv_mp (plv_buf_view (&ours));
        same_value (&at, &unpacked.data);
        assert_true (plv_mp_done (&at));
        msgpack_unpacked_destroy (&unpacked);
        msgpack_sbuffer_destroy (&theirs);
        plv_buf_free (&ours);
    }
}

/*  Fixed arrays and maps of 32-bit counts make msgpack-c allocate what they claim: not compared.  */
static bool comparable (plv_view_t bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == 0xdd || bytes.data[i] == 0xdf)
            return false;
    }
    return true;
}

static void same_verdict (plv_view_t bytes)
{
    plv_mp_t at = plv_mp (bytes);
    plv_view_t raw = {0};
    bool ours = plv_mp_skip (&at, &raw);
    if (ours)
        assert_true (raw.data == bytes.data && raw.size <= bytes.size
                     && at.at == raw.data + raw.size);
    else
        assert_true (at.at == bytes.data);
    if (!comparable (bytes))
        return;

    size_t offset = 0;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    msgpack_unpack_return theirs =
        msgpack_unpack_next (&unpacked, (const char *) bytes.data, bytes.size, &offset);
    assert_int_equal (ours, theirs == MSGPACK_UNPACK_SUCCESS);
    if (ours)
        assert_int_equal (raw.size, offset);
    msgpack_unpacked_destroy (&unpacked);
}

/*  Changes, removes or adds a few bytes of a valid value.  */
static plv_view_t mutated (plv_rng_t *rng, const plv_buf_t *value)
{
    size_t size = value->size + plv_rng_below (rng, 3);
    uint8_t *copy = calloc (1, size);
    assert_non_null (copy);
    memcpy (copy, value->data, value->size);
    for (uint64_t i = plv_rng_below (rng, 4); i; i--)
        copy[plv_rng_below (rng, size)] = (uint8_t) plv_rng_next (rng);
    if (!plv_rng_below (rng, 3))
        size = plv_rng_below (rng, size + 1);
    plv_view_t view = tight (copy, size);
    free (copy);
    return view;
}

static void judges_mutated_bytes_as_msgpack_c (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (2);
    msgpack_sbuffer sink;
    msgpack_packer packer;
    msgpack_sbuffer_init (&sink);
    msgpack_packer_init (&packer, &sink, msgpack_sbuffer_write);
    for (int round = 0; round < ROUNDS; round++) {
        plv_buf_t value = {0};
        put_value (&rng, &value, &packer, 1);
        msgpack_sbuffer_clear (&sink);
        plv_view_t bytes = mutated (&rng, &value);
        same_verdict (bytes);
        tight_free (bytes);
        plv_buf_free (&value);
    }
    msgpack_sbuffer_destroy (&sink);
}

static void judges_random_bytes_as_msgpack_c (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (3);
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t bytes[40];
        size_t size = plv_rng_below (&rng, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t) plv_rng_next (&rng);
        plv_view_t view = tight (bytes, size);
        same_verdict (view);
        tight_free (view);
    }
}

/*  Every first byte, with nothing behind it, with too little, and with enough.  */
static void judges_every_tag_as_msgpack_c (void **state)
{
    (void) state;
    for (unsigned tag = 0; tag < 256; tag++) {
        for (size_t size = 1; size < 24; size++) {
            uint8_t bytes[24] = {0};
            bytes[0] = (uint8_t) tag;
            plv_view_t view = tight (bytes, size);
            same_verdict (view);
            tight_free (view);
        }
    }
}

static void refuses_deep_nesting_and_impossible_counts (void **state)
{
    (void) state;
    uint8_t nested[MSGPACK_DEPTH_MAX + 2];
    memset (nested, 0x91, sizeof nested);
    nested[MSGPACK_DEPTH_MAX] = 0xc0;
    assert_true (plv_mp_valid (plv_view (nested, MSGPACK_DEPTH_MAX + 1), MP_ARRAY));
    nested[MSGPACK_DEPTH_MAX] = 0x90;
    assert_false (plv_mp_valid (plv_view (nested, MSGPACK_DEPTH_MAX + 1), MP_ARRAY));
    nested[MSGPACK_DEPTH_MAX] = 0x91;
    nested[MSGPACK_DEPTH_MAX + 1] = 0xc0;
    assert_false (plv_mp_valid (plv_view (nested, sizeof nested), MP_ARRAY));

    static const uint8_t HUGE_ARRAY[] = {0xdd, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t HUGE_MAP[] = {0xdf, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t HUGE_TEXT[] = {0xdb, 0xff, 0xff, 0xff, 0xff, 0x01};
    assert_false (plv_mp_valid (plv_view (HUGE_ARRAY, sizeof HUGE_ARRAY), MP_ARRAY));
    assert_false (plv_mp_valid (plv_view (HUGE_MAP, sizeof HUGE_MAP), MP_MAP));
    assert_false (plv_mp_valid (plv_view (HUGE_TEXT, sizeof HUGE_TEXT), MP_STR));
}

static void valid_wants_one_value_of_its_type_and_utf8 (void **state)
{
    (void) state;
    assert_true (plv_mp_valid (plv_view_str ("\x81\xa1k\xa2\xc3\xa9"), MP_MAP));
    assert_false (plv_mp_valid (plv_view_str ("\x81\xa1k\xa2\xc3("), MP_MAP));
    assert_false (plv_mp_valid (plv_view_str ("\x81\xa1\xff\xa1x"), MP_MAP));
    assert_false (plv_mp_valid (plv_view_str ("\x81\xa1k\xa1v\xc0"), MP_MAP));
    assert_false (plv_mp_valid (plv_view_str ("\x81\xa1k"), MP_MAP));
    assert_false (plv_mp_valid (plv_view_str ("\xa1k"), MP_MAP));
    assert_false (plv_mp_valid (plv_view ("", 0), MP_MAP));
    assert_false (plv_mp_valid (plv_view (NULL, 0), MP_NONE));
}

static void put_map_for_find (plv_buf_t *buf)
{
    plv_mp_put_map (buf, 4);
    plv_mp_put_u64 (buf, 7);
    plv_mp_put_text (buf, "by a number");
    plv_mp_put_text (buf, "name");
    plv_mp_put_text (buf, "first");
    plv_mp_put_text (buf, "name");
    plv_mp_put_text (buf, "second");
    plv_mp_put_text (buf, "count");
    plv_mp_put_u64 (buf, 300);
}

static void find_takes_the_first_of_a_name (void **state)
{
    (void) state;
    plv_buf_t buf = packed (put_map_for_find);
    plv_view_t map = plv_buf_view (&buf);
    plv_mp_t at;
    uint64_t count;
    assert_true (plv_view_is (plv_mp_find_str (map, "name"), "first"));
    assert_true (plv_mp_find (map, "count", &at) && plv_mp_u64 (&at, &count) && count == 300);
    assert_false (plv_mp_find (map, "nam", &at));
    assert_int_equal (plv_mp_find_str (map, "count").size, 0);
    assert_int_equal (plv_mp_find_str (plv_view_str ("\x93"), "count").size, 0);
    plv_buf_free (&buf);
}

/*  The plain definition of RFC 3629, bit by bit, to compare with.  */
static bool slow_utf8 (const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned more = at[i] < 0x80 ? 0 : at[i] >> 5 == 6 ? 1 : at[i] >> 4 == 14 ? 2 : 3;
        if (at[i] >> 6 == 2 || at[i] >= 0xf8 || i + more >= size)
            return false;
        uint32_t code = more ? at[i] & (0x3fu >> more) : at[i];
        for (unsigned k = 1; k <= more; k++) {
            if (at[i + k] >> 6 != 2)
                return false;
            code = code << 6 | (at[i + k] & 0x3f);
        }
        static const uint32_t LEAST[] = {0, 0x80, 0x800, 0x10000};
        if (code < LEAST[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
        i += more + 1;
    }
    return true;
}

static void utf8_agrees_with_its_definition (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (4);
    static const uint8_t EDGES[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                    0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee,
                                    0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
    size_t good = 0;
    for (int round = 0; round < ROUNDS * 20; round++) {
        uint8_t bytes[24];
        size_t ascii = plv_rng_below (&rng, 18);
        size_t size = ascii + plv_rng_below (&rng, 6);
        memset (bytes, 'x', sizeof bytes);
        for (size_t i = ascii; i < size; i++)
            bytes[i] = EDGES[plv_rng_below (&rng, sizeof EDGES)];
        bool ours = plv_utf8_valid (plv_view (bytes, size));
        assert_int_equal (ours, slow_utf8 (bytes, size));
        good += ours;
    }
    assert_true (good > ROUNDS);
    assert_true (plv_utf8_valid (plv_view (NULL, 0)));
}

static void words_are_utf8_whatever_was_written (void **state)
{
    static const char *const cases[][2] = {
        {"all is well", "all is well"},
        {"J\xc3\xb6rg, J\xf6rg", "J\xc3\xb6rg, J?rg"},
        {"cut \xe2\x82", "cut ??"},
        {"", ""},
    };
    (void) state;
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        plv_buf_t buf = {0};
        plv_mp_put_map (&buf, 1);
        plv_mp_pair_words (&buf, "why", cases[at][0]);
        assert_true (plv_mp_valid (plv_buf_view (&buf), MP_MAP));
        assert_true (plv_view_is (plv_mp_find_str (plv_buf_view (&buf), "why"), cases[at][1]));
        plv_buf_free (&buf);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (writes_and_reads_as_msgpack_c),
        cmocka_unit_test (judges_mutated_bytes_as_msgpack_c),
        cmocka_unit_test (judges_random_bytes_as_msgpack_c),
        cmocka_unit_test (judges_every_tag_as_msgpack_c),
        cmocka_unit_test (refuses_deep_nesting_and_impossible_counts),
        cmocka_unit_test (valid_wants_one_value_of_its_type_and_utf8),
        cmocka_unit_test (find_takes_the_first_of_a_name),
        cmocka_unit_test (utf8_agrees_with_its_definition),
        cmocka_unit_test (words_are_utf8_whatever_was_written),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
