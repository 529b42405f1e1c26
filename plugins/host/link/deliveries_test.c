#include "host/link/deliveries.h"

#include "wire/frame.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static plv_id_t id (uint32_t number)
{
    plv_id_t id = {{7}};
    memcpy (id.bytes + 8, &number, sizeof number);
    return id;
}

static bool take (deliveries_t *self, uint64_t number, uint32_t reply)
{
    plv_id_t of = id (reply);
    return deliveries_take (self, number, &of);
}

static bool finish (deliveries_t *self, uint64_t number, const char *outcome)
{
    return deliveries_finish (self, number, outcome, plv_view_str ("p7"), 0, plv_view (NULL, 0));
}

/*  What is said to the broker now: "NUMBER OUTCOME PLATFORM_ID; ..."  */
static const char *said (deliveries_t *self)
{
    static char text[512];
    plv_buf_t packet = {0};
    plv_packet_reader_t reader;
    plv_frame_t frame;
    size_t size = 0;
    text[0] = '\0';
    plv_packet_begin (&packet);
    deliveries_pack (self, &packet, 1024 * 1024);
    assert_int_equal (plv_packet_open (plv_buf_view (&packet), &reader, NULL), ERR_OK);
    while (!plv_packet_next (&reader, &frame, NULL)) {
        assert_int_equal (frame.verb, VERB_DELIVERED);
        size += (size_t) snprintf (
            text + size, sizeof text - size, "%llu " PLV_VIEW_FMT " " PLV_VIEW_FMT "; ",
            (unsigned long long) frame.arg[0].number, PLV_VIEW_ARG (frame.arg[1].bytes),
            PLV_VIEW_ARG (frame.arg[2].bytes));
    }
    plv_buf_free (&packet);
    return text;
}

static int begin (void **state)
{
    *state = deliveries_new ();
    return 0;
}

static int end (void **state)
{
    deliveries_destroy ((deliveries_t **) state);
    return 0;
}

static void one_is_tried_said_and_forgotten (void **state)
{
    deliveries_t *self = *state;
    assert_true (take (self, 1, 1));
    assert_int_equal (deliveries_tried (self), 1);
    assert_string_equal (said (self), "");
    deliveries_settled (self, 1); /* not finished: nothing to settle */
    assert_true (finish (self, 1, "sent"));
    assert_false (finish (self, 1, "sent"));
    assert_int_equal (deliveries_tried (self), 0);
    assert_int_equal (deliveries_unsettled (self), 1);
    assert_string_equal (said (self), "1 sent p7; ");
    assert_string_equal (said (self), "");
    deliveries_rewind (self);
    assert_string_equal (said (self), "1 sent p7; ");
    deliveries_settled (self, 1);
    assert_int_equal (deliveries_unsettled (self), 0);
    deliveries_rewind (self);
    assert_string_equal (said (self), "");
}

static void the_same_number_again_is_the_same_delivery (void **state)
{
    deliveries_t *self = *state;
    assert_true (take (self, 1, 1));
    assert_false (take (self, 1, 1));
    finish (self, 1, "refused");
    said (self);
    assert_false (take (self, 1, 1));
    assert_string_equal (said (self), "1 refused p7; ");
}

static void another_number_while_it_is_tried_is_adopted (void **state)
{
    deliveries_t *self = *state;
    plv_buf_t holding = {0};
    assert_true (take (self, 1, 1));
    assert_false (take (self, 9, 1));
    assert_int_equal (deliveries_tried (self), 1);
    deliveries_put_holding (self, &holding, 10);
    assert_int_equal (holding.size, 2);
    assert_memory_equal (holding.data, "\x91\x09", 2);
    plv_buf_free (&holding);
    assert_true (finish (self, 1, "sent")); /* the plugin knows it by the first number */
    assert_string_equal (said (self), "9 sent p7; ");
    deliveries_settled (self, 1);
    assert_int_equal (deliveries_unsettled (self), 1);
    deliveries_settled (self, 9);
    assert_int_equal (deliveries_unsettled (self), 0);
}

static void another_number_before_the_outcome_is_settled_gets_that_outcome (void **state)
{
    deliveries_t *self = *state;
    static const char *const outcomes[] = {"sent", "refused", "unknown"};
    for (unsigned i = 0; i < 3; i++) {
        char expected[32];
        assert_true (take (self, 10 + i, i));
        finish (self, 10 + i, outcomes[i]);
        said (self);
        assert_false (take (self, 20 + i, i));
        snprintf (expected, sizeof expected, "%u %s p7; ", 20 + i, outcomes[i]);
        assert_string_equal (said (self), expected);
        deliveries_settled (self, 20 + i);
    }
    assert_int_equal (deliveries_unsettled (self), 0);
}

static void what_the_platform_does_not_have_is_tried_again (void **state)
{
    deliveries_t *self = *state;
    assert_true (take (self, 1, 1));
    finish (self, 1, "not_sent");
    assert_true (take (self, 2, 1));
    deliveries_settled (self, 1);
    assert_int_equal (deliveries_tried (self), 1);
    assert_false (finish (self, 1, "sent"));
    assert_true (finish (self, 2, "sent"));
    assert_string_equal (said (self), "2 sent p7; ");
}

static void what_was_sent_is_not_sent_again (void **state)
{
    deliveries_t *self = *state;
    assert_true (take (self, 1, 1));
    finish (self, 1, "sent");
    said (self);
    deliveries_settled (self, 1);
    assert_false (take (self, 2, 1));
    assert_int_equal (deliveries_tried (self), 0);
    assert_string_equal (said (self), "2 sent p7; ");
    deliveries_settled (self, 2);
    for (unsigned other = 0; other < 2; other++) {
        assert_true (take (self, 3 + other, 5));
        finish (self, 3 + other,
                other ? "unknown" : "not_sent"); /* these are no reason not to try */
        deliveries_settled (self, 3 + other);
    }
    assert_true (take (self, 5, 5));
}

static void what_was_sent_long_ago_is_forgotten (void **state)
{
    deliveries_t *self = *state;
    uint64_t number = 1;
    for (uint32_t reply = 1; reply <= DELIVERIES_SENT_MAX + 1; reply++) {
        assert_true (take (self, number, reply));
        finish (self, number, "sent");
        deliveries_settled (self, number++);
    }
    assert_false (take (self, number++, 2));
    assert_false (take (self, number++, DELIVERIES_SENT_MAX + 1));
    assert_true (take (self, number, 1));
}

static void one_without_an_id_is_known_by_its_number_alone (void **state)
{
    deliveries_t *self = *state;
    assert_true (deliveries_take (self, 1, NULL));
    assert_true (deliveries_take (self, 2, NULL));
    finish (self, 1, "refused");
    finish (self, 2, "sent");
    assert_string_equal (said (self), "1 refused p7; 2 sent p7; ");
    assert_true (deliveries_take (self, 3, NULL));
}

/*  What it is about is in most of its letters.  */
static void a_reason_that_is_not_utf8_is_told_as_far_as_it_is (void **state)
{
    deliveries_t *self = *state;
    plv_buf_t packet = {0};
    plv_packet_reader_t reader;
    plv_frame_t frame;
    assert_true (take (self, 1, 1));
    deliveries_finish (self, 1, "refused", plv_view_str ("p\xff"), 0, plv_view_str ("J\xf6rg"));
    plv_packet_begin (&packet);
    deliveries_pack (self, &packet, 1024);
    assert_int_equal (plv_packet_open (plv_buf_view (&packet), &reader, NULL), ERR_OK);
    assert_int_equal (plv_packet_next (&reader, &frame, NULL), ERR_OK);
    assert_int_equal (frame.arg[2].bytes.size, 0); /* another id would be a wrong one */
    assert_true (plv_view_is (frame.arg[4].bytes, "J?rg"));
    plv_buf_free (&packet);
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST (one_is_tried_said_and_forgotten),
        TEST (the_same_number_again_is_the_same_delivery),
        TEST (another_number_while_it_is_tried_is_adopted),
        TEST (another_number_before_the_outcome_is_settled_gets_that_outcome),
        TEST (what_the_platform_does_not_have_is_tried_again),
        TEST (what_was_sent_is_not_sent_again),
        TEST (what_was_sent_long_ago_is_forgotten),
        TEST (one_without_an_id_is_known_by_its_number_alone),
        TEST (a_reason_that_is_not_utf8_is_told_as_far_as_it_is),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
