#include "core/effects.h"

#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ONE = 1, OTHER = 2 };

/*  What the core does when a turn begins.  */
static void begin (effects_t *effects, uint64_t turn)
{
    effects->held.turn = turn;
    effects->prompt.turn = turn + 1000;
}

static void put_frame (plv_buf_t *buf, size_t bytes)
{
    size_t mark = plv_frame_begin (buf, VERB_BYE);
    plv_mp_put_str (buf, plv_view_str (""));
    plv_buf_reserve (buf, bytes);
    memset (buf->data + buf->size, 0, bytes); /* arguments that nobody knows yet */
    buf->size += bytes;
    plv_frame_end (buf, mark);
}

/*  Numbers that a packet acknowledges with this verb, in order, as a decimal; and how many frames it has.  */
static uint64_t acknowledged (const effects_packet_t *packet, plv_verb_t verb, unsigned *ret_frames)
{
    plv_packet_reader_t reader;
    plv_frame_t frame;
    uint64_t digits = 0;
    *ret_frames = 0;
    assert_int_equal (plv_packet_open (plv_buf_view (&packet->bytes), &reader, NULL), ERR_OK);
    while (!plv_packet_next (&reader, &frame, NULL)) {
        ++*ret_frames;
        if (frame.verb != verb)
            continue;
        plv_mp_t list = plv_mp (frame.arg[0].bytes);
        uint32_t count;
        uint64_t number;
        assert_true (plv_mp_array (&list, &count));
        while (count-- && plv_mp_u64 (&list, &number))
            digits = digits * 10 + number;
    }
    return digits;
}

static void test_one_packet_a_peer_and_turn (void **state)
{
    effects_t effects;
    effects_slot_t one = {0}, other = {0};
    (void) state;
    effects_init (&effects);
    begin (&effects, 1);
    effects_packet_t *packet = effects_packet (&effects.held, ONE, &one);
    assert_int_equal (packet->peer, ONE);
    assert_ptr_equal (effects_packet (&effects.held, ONE, &one), packet);
    assert_int_equal (effects_packet (&effects.held, OTHER, &other)->peer, OTHER);
    assert_int_equal (effects.held.count, 2);
    effects_clear (&effects);
    assert_int_equal (effects.held.count, 0);
    begin (&effects, 2);
    assert_int_equal (effects_packet (&effects.held, OTHER, &other)->peer,
                      OTHER); /* its old place is nobody's */
    assert_int_equal (effects_packet (&effects.held, ONE, &one)->peer, ONE);
    assert_int_equal (effects.held.count, 2);
    effects_free (&effects);
}

static void test_a_full_packet_is_followed_by_another (void **state)
{
    effects_t effects;
    effects_slot_t slot = {0};
    size_t frames = 0;
    (void) state;
    effects_init (&effects);
    begin (&effects, 1);
    while (effects.held.count < 4) {
        effects_packet_t *packet = effects_packet (&effects.held, ONE, &slot);
        assert_true (packet->bytes.size < PACKET_BYTES_FULL);
        plv_frame_end (&packet->bytes, plv_frame_begin (&packet->bytes, VERB_PING));
        frames++;
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal (effects.held.items[i].peer, ONE);
        assert_true (effects.held.items[i].bytes.size >= PACKET_BYTES_FULL);
        assert_true (effects.held.items[i].bytes.size < PACKET_BYTES_FULL + 64);
    }
    assert_true (frames > 3 * PACKET_BYTES_FULL / 64);
    effects_free (&effects);
}

/*  However much one commit makes durable, no frame of acknowledgements is beyond what the wire allows.  */
static void test_acknowledgements_fill_packets_too (void **state)
{
    enum { ACKS = 300000 };
    effects_t effects;
    effects_slot_t slot = {0};
    (void) state;
    effects_init (&effects);
    begin (&effects, 1);
    for (uint64_t i = 0; i < ACKS; i++)
        effects_ack (effects_packet (&effects.held, ONE, &slot), ACK_STORED, UINT64_MAX - i);
    effects_seal (&effects);
    assert_int_equal (effects.held.count, ACKS * 9 / PACKET_BYTES_FULL + 1);
    for (size_t i = 0; i < effects.held.count; i++) {
        unsigned frames;
        acknowledged (&effects.held.items[i], VERB_STORED, &frames);
        assert_int_equal (frames, 1); /* it was read: not too large */
    }
    effects_free (&effects);
}

/*  A frame is never divided, however large: the packet ends behind it.  */
static void test_a_large_frame_stays_whole (void **state)
{
    effects_t effects;
    effects_slot_t slot = {0};
    (void) state;
    effects_init (&effects);
    begin (&effects, 1);
    put_frame (&effects_packet (&effects.held, ONE, &slot)->bytes, 3 * PACKET_BYTES_FULL);
    put_frame (&effects_packet (&effects.held, ONE, &slot)->bytes, 10);
    assert_int_equal (effects.held.count, 2);
    assert_true (effects.held.items[0].bytes.size > 3 * PACKET_BYTES_FULL);
    effects_free (&effects);
}

static void test_acknowledgements_are_gathered (void **state)
{
    effects_t effects;
    effects_slot_t slot = {0};
    unsigned frames;
    (void) state;
    effects_init (&effects);
    begin (&effects, 1);
    for (uint64_t number = 1; number <= 4; number++)
        effects_ack (effects_packet (&effects.held, ONE, &slot),
                     number % 2 ? ACK_STORED : ACK_COMMITTED, number);
    effects_ack (effects_packet (&effects.held, ONE, &slot), ACK_SETTLED, 9);
    effects_seal (&effects);
    const effects_packet_t *packet = &effects.held.items[0];
    assert_int_equal (acknowledged (packet, VERB_STORED, &frames), 13);
    assert_int_equal (acknowledged (packet, VERB_COMMITTED, &frames), 24);
    assert_int_equal (acknowledged (packet, VERB_SETTLED, &frames), 9);
    assert_int_equal (frames, 3);
    assert_true (packet->only_acks);
    effects_seal (&effects); /* once is enough */
    acknowledged (packet, VERB_STORED, &frames);
    assert_int_equal (frames, 3);
    assert_true (packet->only_acks);
    effects_free (&effects);
}

static void test_a_packet_with_work_is_known_from_one_of_acknowledgements (void **state)
{
    effects_t effects;
    effects_slot_t one = {0}, other = {0};
    (void) state;
    effects_init (&effects);
    for (uint64_t turn = 1; turn <= 2; turn++) { /* the second takes the buffers of the first */
        bool first_works = turn == 2;
        begin (&effects, turn);
        effects_ack (effects_packet (&effects.held, ONE, &one), ACK_STORED, 1);
        effects_ack (effects_packet (&effects.held, OTHER, &other), ACK_COMMITTED, 2);
        put_frame (
            &effects_packet (&effects.held, first_works ? ONE : OTHER, first_works ? &one : &other)
                 ->bytes,
            8);
        effects_seal (&effects);
        assert_int_equal (effects.held.items[0].only_acks, !first_works);
        assert_int_equal (effects.held.items[1].only_acks, first_works);
        effects_clear (&effects);
    }
    effects_free (&effects);
}

static void test_prompt_goes_and_held_stays (void **state)
{
    effects_t effects;
    effects_slot_t held = {0}, prompt = {0};
    (void) state;
    effects_init (&effects);
    begin (&effects, 1);
    put_frame (&effects_packet (&effects.held, ONE, &held)->bytes, 1);
    put_frame (&effects_packet (&effects.prompt, ONE, &prompt)->bytes, 1);
    effects_close (&effects, OTHER);
    effects_scan (&effects, 5, VIEW_DEAD, 10);
    effects_log (&effects, LOG_SESSION_CREATED, F_INT ("n", 1));
    plv_buf_add_u8 (&effects.journal, 1);
    effects.sync = true;
    effects_clear_prompt (&effects);
    assert_int_equal (effects.prompt.count, 0);
    assert_int_equal (effects.closes.size, 0);
    assert_int_equal (effects.scan_count, 0);
    assert_int_equal (effects.logs.size, 0);
    assert_int_equal (effects.held.count, 1);
    assert_int_equal (effects.journal.size, 1);
    assert_true (effects.sync);
    effects_clear (&effects);
    assert_int_equal (effects.held.count, 0);
    assert_int_equal (effects.journal.size, 0);
    assert_false (effects.sync);
    effects_free (&effects);
}

static void test_scans_are_used_again_empty (void **state)
{
    effects_t effects;
    (void) state;
    effects_init (&effects);
    for (int round = 0; round < 3; round++) {
        for (uint64_t token = 1; token <= 20; token++) {
            effects_scan_t *scan = effects_scan (&effects, token, VIEW_DEAD, 7);
            assert_int_equal (scan->from.size + scan->to.size, 0);
            plv_buf_add_u8 (&scan->from, 1);
            plv_buf_add_u8 (&scan->to, 2);
        }
        assert_int_equal (effects.scan_count, 20);
        assert_int_equal (effects.scans[19].token, 20);
        effects_clear (&effects);
    }
    effects_free (&effects);
}

static void test_log_lines (void **state)
{
    effects_t effects;
    char words[] = "to be changed";
    plv_field_t fields[EFFECTS_FIELDS_MAX];
    plv_log_id_t id;
    size_t at = 0, count;
    (void) state;
    effects_init (&effects);
    effects_log (&effects, LOG_SESSION_CREATED, F_STR ("words", words),
                 F_VIEW ("view", plv_view ("a\0b", 3)), F_INT ("number", INT64_MIN),
                 F_STR ("none", NULL));
    words[0] = 'X'; /* fields are copied */
    effects_log (&effects, LOG_PEER_GONE, F_INT ("n", 7));
    assert_true (effects_log_next (&effects, &at, &id, fields, &count));
    assert_int_equal (id, LOG_SESSION_CREATED);
    assert_int_equal (count, 4);
    assert_string_equal (fields[0].name, "words");
    assert_true (plv_view_is (fields[0].view, "to be changed"));
    assert_true (plv_view_equal (fields[1].view, plv_view ("a\0b", 3)));
    assert_int_equal (fields[2].type, FIELD_INT);
    assert_int_equal (fields[2].number, INT64_MIN);
    assert_int_equal (fields[3].view.size, 0);
    assert_true (effects_log_next (&effects, &at, &id, fields, &count));
    assert_int_equal (id, LOG_PEER_GONE);
    assert_int_equal (fields[0].number, 7);
    assert_false (effects_log_next (&effects, &at, &id, fields, &count));
    size_t size = effects.logs.size;
    effects.log_least = LOG_ERROR;
    effects_log (&effects, LOG_SESSION_CREATED, F_INT ("n", 1));
    assert_int_equal (effects.logs.size, size);
    effects_free (&effects);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_one_packet_a_peer_and_turn),
        cmocka_unit_test (test_a_full_packet_is_followed_by_another),
        cmocka_unit_test (test_acknowledgements_fill_packets_too),
        cmocka_unit_test (test_a_large_frame_stays_whole),
        cmocka_unit_test (test_acknowledgements_are_gathered),
        cmocka_unit_test (test_a_packet_with_work_is_known_from_one_of_acknowledgements),
        cmocka_unit_test (test_prompt_goes_and_held_stays),
        cmocka_unit_test (test_scans_are_used_again_empty),
        cmocka_unit_test (test_log_lines),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
