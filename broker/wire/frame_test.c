#include "base/rng.h"
#include "wire/frame.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const plv_verb_t ALL[] = {
#define VERB(number, name, from, state, max, types, arguments, meaning) VERB_##name,
#include "wire/wire.def"
#undef VERB
};

enum { VERBS = sizeof ALL / sizeof ALL[0], ROUNDS = 20000 };

/*  A legal value for a type's letter, different for every `salt`.  */
static void put_arg (plv_buf_t *buf, char type, uint64_t salt)
{
    char text[40];
    snprintf (text, sizeof text, "text %llu", (unsigned long long) salt);
    switch (type | 0x20) {
    case 'u':
        plv_mp_put_u64 (buf, salt);
        break;
    case 't':
        plv_mp_put_bool (buf, salt & 1);
        break;
    case 's':
        plv_mp_put_text (buf, text);
        break;
    case 'b':
        plv_mp_put_bin (buf, plv_view_str (text));
        break;
    case 'm':
        plv_mp_put_map (buf, 1);
        plv_mp_put_text (buf, text);
        plv_mp_put_u64 (buf, salt);
        break;
    default:
        plv_mp_put_array (buf, 2);
        plv_mp_put_u64 (buf, salt);
        plv_mp_put_text (buf, text);
    }
}

static void put_frame (plv_buf_t *buf, plv_verb_t verb, uint64_t salt)
{
    const plv_verb_info_t *info = plv_verb_info ((unsigned) verb);
    size_t mark = plv_frame_begin (buf, verb);
    for (unsigned i = 0; i < info->args; i++)
        put_arg (buf, info->types[i], salt + i);
    plv_frame_end (buf, mark);
}

/*  The packet in a block of just its size.  */
static plv_buf_t tight (const plv_buf_t *packet, size_t size)
{
    plv_buf_t copy = {.data = malloc (size ? size : 1), .size = size, .capacity = size};
    assert_non_null (copy.data);
    memcpy (copy.data, packet->data, size);
    return copy;
}

static plv_err_t read_all (plv_view_t packet, unsigned *ret_frames, plv_fail_t *fail)
{
    plv_packet_reader_t reader;
    plv_err_t err = plv_packet_open (packet, &reader, fail);
    plv_frame_t frame;
    *ret_frames = 0;
    while (!err) {
        err = plv_packet_next (&reader, &frame, fail);
        *ret_frames += !err;
    }
    return err;
}

static void check_arg (const plv_arg_t *arg, char type, uint64_t salt)
{
    plv_buf_t wanted = {0};
    put_arg (&wanted, type, salt);
    assert_false (arg->nil);
    plv_mp_t at = plv_mp (plv_buf_view (&wanted));
    plv_view_t bytes = plv_buf_view (&wanted);
    if ((type | 0x20) == 'u')
        assert_true (arg->number == salt);
    else if ((type | 0x20) == 't')
        assert_true (arg->number == (salt & 1));
    else if ((type | 0x20) == 's')
        assert_true (plv_mp_str (&at, &bytes) && plv_view_equal (arg->bytes, bytes));
    else if ((type | 0x20) == 'b')
        assert_true (plv_mp_bin (&at, &bytes) && plv_view_equal (arg->bytes, bytes));
    else
        assert_true (plv_view_equal (arg->bytes, bytes));
    plv_buf_free (&wanted);
}

static void every_verb_survives_the_round_trip (void **state)
{
    (void) state;
    plv_buf_t buf = {0};
    plv_packet_begin (&buf);
    for (unsigned i = 0; i < VERBS; i++)
        put_frame (&buf, ALL[i], i * 1000);

    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    assert_int_equal (plv_packet_open (plv_buf_view (&buf), &reader, &fail), ERR_OK);
    assert_int_equal (reader.minor, PLV_WIRE_MINOR);
    for (unsigned i = 0; i < VERBS; i++) {
        const plv_verb_info_t *info = plv_verb_info ((unsigned) ALL[i]);
        assert_int_equal (plv_packet_next (&reader, &frame, &fail), ERR_OK);
        assert_int_equal (frame.verb, ALL[i]);
        for (unsigned k = 0; k < info->args; k++)
            check_arg (&frame.arg[k], info->types[k], i * 1000 + k);
    }
    assert_int_equal (plv_packet_next (&reader, &frame, &fail), ERR_NOENT);
    plv_buf_free (&buf);
}

/*  A capital letter allows nil; a small one does not.  */
static void nil_is_taken_only_where_the_table_says_so (void **state)
{
    (void) state;
    for (unsigned i = 0; i < VERBS; i++) {
        const plv_verb_info_t *info = plv_verb_info ((unsigned) ALL[i]);
        for (unsigned nil = 0; nil < info->args; nil++) {
            plv_buf_t buf = {0};
            plv_packet_begin (&buf);
            size_t mark = plv_frame_begin (&buf, ALL[i]);
            for (unsigned k = 0; k < info->args; k++) {
                if (k == nil)
                    plv_mp_put_nil (&buf);
                else
                    put_arg (&buf, info->types[k], k);
            }
            plv_frame_end (&buf, mark);

            plv_packet_reader_t reader;
            plv_frame_t frame;
            plv_fail_t fail;
            assert_int_equal (plv_packet_open (plv_buf_view (&buf), &reader, &fail), ERR_OK);
            bool may = info->types[nil] < 'a';
            plv_err_t err = plv_packet_next (&reader, &frame, &fail);
            assert_int_equal (err, may ? ERR_OK : ERR_PROTOCOL);
            if (may)
                assert_true (frame.arg[nil].nil);
            else
                assert_non_null (strstr (fail.text, "argument"));
            plv_buf_free (&buf);
        }
    }
}

/*  From a peer of an earlier minor version: what may be nil may be missing at the end, and nothing else.  */
static void missing_arguments_count_as_nil (void **state)
{
    (void) state;
    for (unsigned i = 0; i < VERBS; i++) {
        const plv_verb_info_t *info = plv_verb_info ((unsigned) ALL[i]);
        for (unsigned given = 0; given < info->args; given++) {
            plv_buf_t buf = {0};
            plv_packet_reader_t reader;
            plv_frame_t frame;
            plv_fail_t fail;
            plv_packet_begin (&buf);
            size_t mark = plv_frame_begin (&buf, ALL[i]);
            buf.data[buf.size - 1] = (uint8_t) (0x90 | given);
            for (unsigned k = 0; k < given; k++)
                put_arg (&buf, info->types[k], k);
            plv_frame_end (&buf, mark);
            assert_int_equal (plv_packet_open (plv_buf_view (&buf), &reader, &fail), ERR_OK);
            bool may = strcspn (info->types + given, "utsbma") == info->args - given;
            assert_int_equal (plv_packet_next (&reader, &frame, &fail),
                              may ? ERR_OK : ERR_PROTOCOL);
            for (unsigned k = given; may && k < info->args; k++)
                assert_true (frame.arg[k].nil && frame.arg[k].bytes.size == 0);
            plv_buf_free (&buf);
        }
    }
}

/*  Each argument in turn is an extension value, which no letter stands for.  */
static void a_wrong_type_is_named (void **state)
{
    (void) state;
    static const uint8_t EXTENSION[] = {0xd4, 0x01, 0x02};
    for (unsigned i = 0; i < VERBS; i++) {
        const plv_verb_info_t *info = plv_verb_info ((unsigned) ALL[i]);
        for (unsigned wrong = 0; wrong < info->args; wrong++) {
            plv_buf_t buf = {0};
            plv_packet_begin (&buf);
            size_t mark = plv_frame_begin (&buf, ALL[i]);
            for (unsigned k = 0; k < info->args; k++) {
                if (k == wrong)
                    plv_buf_add (&buf, EXTENSION, sizeof EXTENSION);
                else
                    put_arg (&buf, info->types[k], k);
            }
            plv_frame_end (&buf, mark);
            unsigned frames;
            plv_fail_t fail;
            char words[32];
            snprintf (words, sizeof words, "(argument %u)", wrong + 1);
            assert_int_equal (read_all (plv_buf_view (&buf), &frames, &fail), ERR_PROTOCOL);
            assert_non_null (strstr (fail.text, info->name));
            assert_non_null (strstr (fail.text, words));
            assert_non_null (strstr (fail.text, "byte 4"));
            plv_buf_free (&buf);
        }
    }
}

static void a_packet_cut_anywhere_is_refused (void **state)
{
    (void) state;
    for (unsigned i = 0; i < VERBS; i++) {
        plv_buf_t whole = {0};
        plv_packet_begin (&whole);
        put_frame (&whole, ALL[i], 77777);
        for (size_t size = 0; size < whole.size; size++) {
            plv_buf_t part = tight (&whole, size);
            unsigned frames;
            plv_fail_t fail;
            plv_err_t err = read_all (plv_buf_view (&part), &frames, &fail);
            assert_int_equal (err, size == PLV_PACKET_HEAD_BYTES ? ERR_NOENT : ERR_PROTOCOL);
            assert_int_equal (frames, 0);
            plv_buf_free (&part);
        }
        plv_buf_free (&whole);
    }
}

static void later_arguments_are_ignored_but_checked (void **state)
{
    (void) state;
    static const uint8_t GOOD[] = {'P', 'V', 1, 9, VERB_CREDIT, 0, 0, 0, 4, 0x93, 5, 0x91, 1};
    static const uint8_t BAD[] = {'P', 'V', 1, 9, VERB_CREDIT, 0, 0, 0, 3, 0x93, 5, 0x91};
    static const uint8_t MORE[] = {'P', 'V', 1, 9, VERB_CREDIT, 0, 0, 0, 3, 0x91, 5, 6};
    uint8_t good[sizeof GOOD + 1];
    memcpy (good, GOOD, sizeof GOOD);
    good[sizeof GOOD] = 0xc0;
    good[8] = 5;

    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    unsigned frames;
    assert_int_equal (plv_packet_open (plv_view (good, sizeof good), &reader, &fail), ERR_OK);
    assert_int_equal (reader.minor, 9);
    assert_int_equal (plv_packet_next (&reader, &frame, &fail), ERR_OK);
    assert_int_equal (frame.arg[0].number, 5);
    assert_int_equal (read_all (plv_view (GOOD, sizeof GOOD), &frames, &fail), ERR_PROTOCOL);
    assert_int_equal (read_all (plv_view (BAD, sizeof BAD), &frames, &fail), ERR_PROTOCOL);
    assert_int_equal (read_all (plv_view (MORE, sizeof MORE), &frames, &fail), ERR_PROTOCOL);
    assert_non_null (strstr (fail.text, "1 bytes too many"));
}

static void another_major_version_says_who_upgrades (void **state)
{
    (void) state;
    plv_packet_reader_t reader;
    plv_fail_t fail;
    assert_int_equal (plv_packet_open (plv_view ("PV\2\3", 4), &reader, &fail), ERR_VERSION);
    assert_non_null (strstr (fail.text, "2.3"));
    assert_non_null (strstr (fail.text, "upgrade this side"));
    assert_int_equal (plv_packet_open (plv_view ("PV\0\0", 4), &reader, &fail), ERR_VERSION);
    assert_non_null (strstr (fail.text, "upgrade the peer"));
    assert_int_equal (plv_packet_open (plv_view ("GET /", 5), &reader, &fail), ERR_PROTOCOL);
    assert_int_equal (plv_packet_open (plv_view (NULL, 0), &reader, &fail), ERR_PROTOCOL);
}

static void sizes_beyond_the_table_are_refused (void **state)
{
    (void) state;
    for (unsigned i = 0; i < VERBS; i++) {
        const plv_verb_info_t *info = plv_verb_info ((unsigned) ALL[i]);
        uint8_t head[] = {'P', 'V', 1, 0, (uint8_t) ALL[i], 0, 0, 0, 0};
        plv_put_u32 (head + 5, info->bytes_max + 1);
        plv_fail_t fail;
        unsigned frames;
        assert_int_equal (read_all (plv_view (head, sizeof head), &frames, &fail), ERR_PROTOCOL);
        assert_non_null (strstr (fail.text, "are allowed"));
        plv_put_u32 (head + 5, info->bytes_max);
        assert_int_equal (read_all (plv_view (head, sizeof head), &frames, &fail), ERR_PROTOCOL);
        assert_non_null (strstr (fail.text, "the packet has 0 left"));
    }
    plv_packet_reader_t reader;
    plv_fail_t fail;
    assert_int_equal (plv_packet_open (plv_view ("PV\1", PACKET_BYTES_MAX + 1), &reader, &fail),
                      ERR_PROTOCOL);
}

/*  Random damage: never a crash, never more frames than were written, and a failure stays.  */
static void damaged_packets_fail_and_stay_failed (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (5);
    for (int round = 0; round < ROUNDS; round++) {
        plv_buf_t whole = {0};
        plv_packet_begin (&whole);
        for (uint64_t n = 1 + plv_rng_below (&rng, 3); n; n--)
            put_frame (&whole, ALL[plv_rng_below (&rng, VERBS)], plv_rng_next (&rng) >> 20);
        plv_buf_t part = tight (&whole, whole.size);
        for (uint64_t n = 1 + plv_rng_below (&rng, 3); n; n--)
            part.data[plv_rng_below (&rng, part.size)] = (uint8_t) plv_rng_next (&rng);

        plv_packet_reader_t reader;
        plv_frame_t frame;
        plv_fail_t fail;
        if (!plv_packet_open (plv_buf_view (&part), &reader, &fail)) {
            plv_err_t err = ERR_OK;
            while (!err)
                err = plv_packet_next (&reader, &frame, &fail);
            assert_int_equal (plv_packet_next (&reader, &frame, &fail), err);
        }
        plv_buf_free (&part);
        plv_buf_free (&whole);
    }
}

static void texts_must_be_utf8 (void **state)
{
    (void) state;
    static const uint8_t BYE[] = {'P', 'V', 1, 0, VERB_BYE, 0, 0, 0, 4, 0x91, 0xa2, 0xc3, 0x28};
    unsigned frames;
    plv_fail_t fail;
    assert_int_equal (read_all (plv_view (BYE, sizeof BYE), &frames, &fail), ERR_PROTOCOL);
    assert_non_null (strstr (fail.text, "reason (argument 1) is not a text in UTF-8"));
}

static void the_table_says_who_may_say_what_when (void **state)
{
    (void) state;
    assert_true (plv_verb_legal (VERB_HELLO, FROM_WORKER, STATE_NEW));
    assert_false (plv_verb_legal (VERB_HELLO, FROM_WORKER, STATE_READY));
    assert_false (plv_verb_legal (VERB_HELLO, FROM_BROKER, STATE_NEW));
    assert_true (plv_verb_legal (VERB_PUBLISH, FROM_ADAPTER, STATE_READY));
    assert_false (plv_verb_legal (VERB_PUBLISH, FROM_WORKER, STATE_READY));
    assert_false (plv_verb_legal (VERB_PUBLISH, FROM_ADAPTER, STATE_NEW));
    assert_true (plv_verb_legal (VERB_BYE, FROM_TOOL, STATE_NEW));
    assert_true (plv_verb_legal (VERB_CONTROL, FROM_TOOL, STATE_READY));
    assert_true (plv_verb_legal (VERB_CONTROL, FROM_ADAPTER, STATE_READY));
    assert_false (plv_verb_legal (VERB_CONTROL, FROM_WORKER, STATE_READY));
    assert_true (plv_verb_legal (VERB_BYE, FROM_BROKER, STATE_READY));
    assert_false (plv_verb_legal ((plv_verb_t) 0, FROM_ANY, STATE_READY));
    assert_false (plv_verb_legal ((plv_verb_t) 255, FROM_ANY, STATE_READY));
    assert_string_equal (plv_verb_name (VERB_JOB), "JOB");
    assert_string_equal (plv_verb_name (9), "?");
    assert_null (plv_verb_info (1000));
}

/*  As many names as letters: the error texts and PROTOCOL.md count on it.  */
static void every_argument_has_a_name (void **state)
{
    (void) state;
    for (unsigned i = 0; i < VERBS; i++) {
        const plv_verb_info_t *info = plv_verb_info ((unsigned) ALL[i]);
        unsigned names = info->arguments[0] ? 1 : 0;
        for (const char *at = info->arguments; (at = strstr (at, ", ")); at += 2)
            names++;
        assert_int_equal (names, info->args);
        assert_int_equal (strspn (info->types, "utsbmaUTSBMA"), info->args);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (every_verb_survives_the_round_trip),
        cmocka_unit_test (nil_is_taken_only_where_the_table_says_so),
        cmocka_unit_test (missing_arguments_count_as_nil),
        cmocka_unit_test (a_wrong_type_is_named),
        cmocka_unit_test (a_packet_cut_anywhere_is_refused),
        cmocka_unit_test (later_arguments_are_ignored_but_checked),
        cmocka_unit_test (another_major_version_says_who_upgrades),
        cmocka_unit_test (sizes_beyond_the_table_are_refused),
        cmocka_unit_test (damaged_packets_fail_and_stay_failed),
        cmocka_unit_test (texts_must_be_utf8),
        cmocka_unit_test (the_table_says_who_may_say_what_when),
        cmocka_unit_test (every_argument_has_a_name),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
