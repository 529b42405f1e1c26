#include "core/flow/mark.h"

#include "core/flow/accept_text.h"
#include "core/text.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/*  What is written into the bodies of events: marks in a response, two messages joined, words cut.  */

static plv_view_t map_in (plv_view_t map, const char *key)
{
    plv_mp_t value;
    plv_view_t raw = {0};
    if (plv_mp_find (map, key, &value))
        plv_mp_skip (&value, &raw);
    return raw;
}

static bool is_true (plv_view_t map, const char *key)
{
    plv_mp_t value;
    bool flag = false;
    return plv_mp_find (map, key, &value) && plv_mp_bool (&value, &flag) && flag;
}

static uint32_t pairs (plv_view_t map)
{
    plv_mp_t reader = plv_mp (map);
    uint32_t count = UINT32_MAX;
    plv_mp_map (&reader, &count);
    return count;
}

static plv_view_t marked (plv_buf_t *buf, const char *body, size_t size, const char *key)
{
    plv_buf_clear (buf);
    mark_body (buf, plv_view (body, size), key);
    return plv_buf_view (buf);
}

#define MARKED(buf, body, key) marked ((buf), (body), sizeof (body) - 1, (key))

static void test_a_mark_is_added (void **state)
{
    plv_buf_t buf = {0};
    (void) state;
    plv_view_t body = MARKED (&buf, "\x81\xadresponse_text\xa2hi", "late");
    assert_true (plv_mp_valid (body, MP_MAP));
    assert_int_equal (pairs (body), 2);
    assert_true (plv_view_is (plv_mp_find_str (body, "response_text"), "hi"));
    assert_true (is_true (map_in (body, "metadata"), "late"));
    plv_buf_free (&buf);
}

static void test_metadata_that_is_there_stays (void **state)
{
    plv_buf_t buf = {0};
    (void) state;
    plv_view_t body =
        MARKED (&buf, "\x82\xa8metadata\x82\xa1k\x07\xa4late\xc2\xadresponse_text\xa2hi", "late");
    plv_view_t metadata = map_in (body, "metadata");
    assert_true (plv_mp_valid (body, MP_MAP));
    assert_int_equal (pairs (body), 2);
    assert_int_equal (pairs (metadata), 2);
    assert_int_equal (map_in (metadata, "k").data[0], 7);
    assert_true (is_true (metadata, "late"));
    body = MARKED (&buf, "\x82\xa8metadata\xa4text\xadresponse_text\xa2hi",
                   "cached"); /* no map: replaced */
    assert_int_equal (pairs (body), 2);
    assert_true (is_true (map_in (body, "metadata"), "cached"));
    body = MARKED (&buf, "\x82\x01\x02\xadresponse_text\xa2hi",
                   "cached"); /* keys that are no texts stay */
    assert_true (plv_mp_valid (body, MP_MAP));
    assert_int_equal (pairs (body), 3);
    plv_buf_free (&buf);
}

static void test_what_is_no_map_is_copied (void **state)
{
    plv_buf_t buf = {0};
    (void) state;
    assert_true (plv_view_is (MARKED (&buf, "\xa2hi", "late"), "\xa2hi"));
    assert_true (plv_view_is (MARKED (&buf, "\x81\xa1", "late"), "\x81\xa1"));
    assert_int_equal (marked (&buf, "", 0, "late").size, 0);
    plv_buf_free (&buf);
}

static plv_view_t joined (plv_buf_t *buf, plv_view_t first, const char *second, const plv_id_t *id)
{
    plv_buf_clear (buf);
    accept_join_texts (buf, first, plv_view_str (second), id);
    assert_true (plv_mp_valid (plv_buf_view (buf), MP_MAP));
    return plv_buf_view (buf);
}

static void test_messages_are_joined (void **state)
{
    static const char first[] = "\x83\xacmessage_text\xa3one\xa8metadata\x81\xa1k\x07\xa1x\x01";
    plv_id_t ids[2] = {plv_id_make (1, 1), plv_id_make (2, 2)};
    char id[PLV_ID_TEXT_BYTES];
    plv_buf_t two = {0}, three = {0};
    plv_view_t value;
    uint32_t count;
    (void) state;
    static const char second[] = "\x82\xacmessage_text\xa3two\xab"
                                 "attachments\x91\x05";
    plv_view_t body = joined (&two, plv_view_str (first), second, &ids[0]);
    body = joined (&three, body, "\x81\xacmessage_text\xa5three", &ids[1]);
    assert_true (plv_view_is (plv_mp_find_str (body, "message_text"), "one\ntwo\nthree"));
    assert_int_equal (pairs (body), 3);
    assert_int_equal (map_in (body, "x").data[0], 1);
    plv_view_t metadata = map_in (body, "metadata");
    assert_int_equal (pairs (metadata), 2);
    assert_int_equal (map_in (metadata, "k").data[0], 7);
    plv_mp_t merged = plv_mp (map_in (metadata, "merged"));
    assert_true (plv_mp_array (&merged, &count));
    assert_int_equal (count, 2);
    for (int i = 0; i < 2; i++) {
        plv_id_format (&ids[i], id);
        assert_true (plv_mp_skip (&merged, &value));
        assert_true (plv_view_is (plv_mp_find_str (value, "id"), id));
        assert_int_equal (pairs (value), i == 0 ? 2 : 1);
        assert_true (i > 0 || map_in (value, "attachments").data[1] == 5);
    }
    plv_buf_free (&two);
    plv_buf_free (&three);
}

static void test_joining_bare_messages (void **state)
{
    plv_id_t id = plv_id_make (1, 1);
    plv_buf_t buf = {0};
    (void) state;
    plv_view_t body =
        joined (&buf, plv_view_str ("\x81\xacmessage_text\xa0"), "\x81\xacmessage_text\xa0", &id);
    assert_true (plv_view_is (plv_mp_find_str (body, "message_text"), "\n"));
    body = joined (&buf,
                   plv_view_str ("\x82\xacmessage_text\xa1"
                                 "a\xa8metadata\xa1m"),
                   "\x81\xacmessage_text\xa1"
                   "b",
                   &id);
    assert_true (plv_view_is (plv_mp_find_str (body, "message_text"), "a\nb"));
    assert_int_equal (pairs (map_in (body, "metadata")), 1);
    plv_buf_free (&buf);
}

static size_t cut (const char *text, size_t bytes_max)
{
    plv_view_t kept = text_cut (plv_view_str (text), bytes_max);
    assert_true (plv_utf8_valid (kept) && kept.size <= bytes_max);
    return kept.size;
}

static void test_words_are_cut_between_characters (void **state)
{
    (void) state;
    assert_int_equal (cut ("plain", 99), 5);
    assert_int_equal (cut ("plain", 3), 3);
    assert_int_equal (cut ("plain", 0), 0);
    assert_int_equal (cut ("", 9), 0);
    assert_int_equal (cut ("a\xc3\xa4\xc3\xa4", 4), 3);
    assert_int_equal (cut ("\xe2\x82\xac\xe2\x82\xac", 5), 3);
    assert_int_equal (cut ("\xf0\x9f\x98\x80", 3), 0);
    assert_int_equal (cut ("good\xffrest", 99), 4);
    assert_int_equal (cut ("cut \xc3", 99), 4);
    assert_int_equal (text_cut (plv_view (NULL, 0), 9).size, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_mark_is_added),
        cmocka_unit_test (test_metadata_that_is_there_stays),
        cmocka_unit_test (test_what_is_no_map_is_copied),
        cmocka_unit_test (test_messages_are_joined),
        cmocka_unit_test (test_joining_bare_messages),
        cmocka_unit_test (test_words_are_cut_between_characters),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
