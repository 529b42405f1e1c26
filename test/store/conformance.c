#include "conformance.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "store/table.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static char text[8192];

static void a_new_store_holds_its_identity_and_nothing_else (void **state)
{
    subject_t *self = *state;
    recovered_t *found = subject_recover (self->store);
    assert_int_equal (found->schema, STORE_SCHEMA);
    assert_int_equal (found->secret_bytes, 32);
    assert_int_equal (found->next_seq, 1);
    assert_int_equal (found->row_count, 0);
    assert_int_equal (found->journal_count, 0);
    free (found);
}

static void what_was_stored_comes_back_in_order (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    subject_put (&ops, VIEW_DEDUP, "d", "seen");
    subject_put (&ops, VIEW_ENTRIES, "e2", "two");
    subject_put (&ops, VIEW_ENTRIES, "e1", "one");
    subject_put (&ops, VIEW_TURNS, "t", "turn");
    subject_put (&ops, VIEW_SESSIONS, "s", "head");
    subject_put (&ops, VIEW_DEAD, "x", "letter");
    subject_put (&ops, VIEW_KV, "k", "cursor");
    subject_commit (self, plv_view_str ("first"), &ops, 0);
    subject_commit_text (self, "second");
    plv_buf_free (&ops);

    self->kind->restart (self);
    recovered_t *found = subject_recover (self->store);
    assert_string_equal (
        found->rows,
        "sessions/s=head turns/t=turn entries/e1=one entries/e2=two dedup/d=seen kv/k=cursor");
    assert_string_equal (found->journal, "1=first 2=second");
    assert_int_equal (found->next_seq, 3);
    free (found);

    plv_buf_t rows = subject_scan (self, VIEW_DEAD, "", "", 0, NULL);
    assert_string_equal (subject_text (plv_buf_view (&rows), false, text, sizeof text), "x=letter");
    plv_buf_free (&rows);
    rows = subject_scan (self, VIEW_KV, "", "", 0, NULL);
    assert_string_equal (subject_text (plv_buf_view (&rows), false, text, sizeof text), "k=cursor");
    plv_buf_free (&rows);
}

static void operations_of_a_batch_act_in_their_order (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    subject_put (&ops, VIEW_KV, "a", "old");
    subject_put (&ops, VIEW_KV, "b", "kept");
    subject_put (&ops, VIEW_KV, "c", "gone");
    plv_row_delete (&ops, VIEW_KV, plv_view_str ("c"));
    plv_row_delete (&ops, VIEW_KV, plv_view_str ("never there"));
    plv_row_delete (&ops, VIEW_KV, plv_view_str ("a"));
    subject_put (&ops, VIEW_KV, "a", "new");
    subject_commit (self, plv_view (NULL, 0), &ops, 0);
    plv_buf_clear (&ops);
    plv_row_delete (&ops, VIEW_KV, plv_view_str ("b"));
    subject_put (&ops, VIEW_KV, "empty", "");
    subject_commit (self, plv_view (NULL, 0), &ops, 0);
    plv_buf_free (&ops);

    for (int round = 0; round < 2; round++) {
        plv_buf_t rows = subject_scan (self, VIEW_KV, "", "", 0, NULL);
        assert_string_equal (subject_text (plv_buf_view (&rows), false, text, sizeof text),
                             "a=new empty=");
        plv_buf_free (&rows);
        self->kind->restart (self);
    }
}

static void what_the_views_reflect_is_not_given_again (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    subject_commit_text (self, "one");
    subject_commit_text (self, "two");
    subject_put_number (&ops, VIEW_META, STORE_META_REFLECTED, 2);
    subject_commit (self, plv_view_str ("three"), &ops, 0);
    subject_commit_text (self, "four");
    plv_buf_free (&ops);
    self->kind->restart (self);
    recovered_t *found = subject_recover (self->store);
    assert_string_equal (found->journal, "3=three 4=four");
    assert_int_equal (found->next_seq, 5);
    free (found);
}

static void a_batch_without_journal_takes_a_position_all_the_same (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    subject_commit_text (self, "one");
    subject_put (&ops, VIEW_KV, "k", "v");
    subject_commit (self, plv_view (NULL, 0), &ops, 0);
    plv_buf_free (&ops);
    self->kind->restart (self);
    recovered_t *found = subject_recover (self->store);
    assert_string_equal (found->journal, "1=one");
    assert_int_equal (found->next_seq, 3);
    self->next_seq = found->next_seq;
    free (found);

    subject_commit_text (self, "three");
    plv_buf_t rows = subject_scan_journal (self, 1, UINT64_MAX, 0, NULL);
    assert_string_equal (subject_text (plv_buf_view (&rows), true, text, sizeof text),
                         "1=one 3=three");
    plv_buf_free (&rows);
}

static void scans_keep_to_their_bounds (void **state)
{
    static const struct {
        const char *from, *to;
        uint32_t limit;
        const char *expected;
        bool more;
    } cases[] = {
        {"", "", 0, "a=1 b=2 bb=3 c=4", false},
        {"b", "", 0, "b=2 bb=3 c=4", false},
        {"b", "c", 0, "b=2 bb=3", false},
        {"aa", "bb", 0, "b=2", false},
        {"", "", 4, "a=1 b=2 bb=3 c=4", false},
        {"", "", 3, "a=1 b=2 bb=3", true},
        {"", "c", 3, "a=1 b=2 bb=3", false},
        {"c", "a", 0, "", false},
        {"d", "", 0, "", false},
        {"b", "b", 0, "", false},
        {"bb", "", 1, "bb=3", true},
        {"", "a", 0, "", false},
    };
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    subject_put (&ops, VIEW_DEAD, "bb", "3");
    subject_put (&ops, VIEW_DEAD, "a", "1");
    subject_put (&ops, VIEW_DEAD, "c", "4");
    subject_put (&ops, VIEW_DEAD, "b", "2");
    subject_put (&ops, VIEW_KV, "b", "of another view");
    subject_commit (self, plv_view (NULL, 0), &ops, 0);
    plv_buf_free (&ops);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool more;
        plv_buf_t rows =
            subject_scan (self, VIEW_DEAD, cases[i].from, cases[i].to, cases[i].limit, &more);
        assert_string_equal (subject_text (plv_buf_view (&rows), false, text, sizeof text),
                             cases[i].expected);
        assert_int_equal (more, cases[i].more);
        plv_buf_free (&rows);
    }
}

static void a_large_scan_comes_in_pieces (void **state)
{
    enum { ROWS = 40, VALUE_BYTES = 512 * 1024 };
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    char *value = plv_alloc (VALUE_BYTES);
    memset (value, 'v', VALUE_BYTES);
    for (uint8_t i = 0; i < ROWS; i++)
        plv_row_put (&ops, VIEW_DEAD, plv_view (&i, 1), plv_view (value, VALUE_BYTES));
    subject_commit (self, plv_view (NULL, 0), &ops, 0);
    plv_buf_free (&ops);
    free (value);

    char from[2] = "";
    size_t found = 0;
    int answers = 0;
    for (bool more = true; more; answers++) {
        plv_buf_t rows = subject_scan (self, VIEW_DEAD, from, "", 0, &more);
        plv_row_t row;
        for (size_t at = 0; plv_row_next (plv_buf_view (&rows), &at, &row); found++) {
            assert_int_equal (row.key.data[0], found);
            assert_int_equal (row.value.size, VALUE_BYTES);
        }
        from[0] = (char) found;
        plv_buf_free (&rows);
    }
    assert_int_equal (found, ROWS);
    assert_true (answers > 1);
}

static void the_journal_is_scanned_by_position (void **state)
{
    subject_t *self = *state;
    char word[16];
    for (int i = 1; i <= 300; i++) {
        snprintf (word, sizeof word, "v%d", i);
        subject_commit_text (self, word);
    }
    bool more;
    plv_buf_t rows = subject_scan_journal (self, 254, 259, 0, &more);
    assert_string_equal (subject_text (plv_buf_view (&rows), true, text, sizeof text),
                         "254=v254 255=v255 256=v256 257=v257 258=v258");
    assert_false (more);
    plv_buf_free (&rows);
    rows = subject_scan_journal (self, 299, 1000, 1, &more);
    assert_string_equal (subject_text (plv_buf_view (&rows), true, text, sizeof text), "299=v299");
    assert_true (more);
    plv_buf_free (&rows);
}

/*  A piece of the journal from `*from` on, which moves behind it; every value says where it stands.  */
static bool read_piece (subject_t *self, uint64_t *from, uint32_t limit)
{
    plv_row_t row;
    char word[16];
    bool more;
    plv_buf_t rows = subject_scan_journal (self, *from, UINT64_MAX, limit, &more);
    for (size_t at = 0; plv_row_next (plv_buf_view (&rows), &at, &row);) {
        uint64_t seq = plv_get_u64 (row.key.data);
        assert_true (seq >= *from && seq <= *from + 1); /* one value in eight is none */
        snprintf (word, sizeof word, "v%d", (int) seq);
        assert_true (plv_view_is (row.value, word));
        *from = seq + 1;
    }
    plv_buf_free (&rows);
    return more;
}

/*  Who reads on where he stopped misses nothing and sees nothing twice, whatever is written or read meanwhile.  */
static void the_journal_is_read_on_in_pieces (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    char word[16];
    uint64_t from = 1, elsewhere = 1;
    plv_row_put (&ops, VIEW_KV, plv_view_str ("k"), plv_view_str ("v"));
    for (int i = 1; i <= 400; i++) {
        snprintf (word, sizeof word, "v%d", i);
        if (i % 8)
            subject_commit_text (self, word);
        else
            subject_commit (self, plv_view (NULL, 0), &ops, 0);
        if (i > 100)
            read_piece (self, &from, 1 + (uint32_t) i % 5);
        if (i % 50 == 49)
            read_piece (self, &elsewhere, 7);
    }
    while (read_piece (self, &from, 5))
        ;
    assert_int_equal (from, 400);
    plv_buf_free (&ops);
}

static uint64_t first_seq (subject_t *self)
{
    uint64_t bytes, first;
    self->store->vtable->usage (self->store, &bytes, &first);
    assert_true (bytes > 0);
    return first;
}

static void forgotten_values_stay_forgotten (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    for (int i = 1; i <= 5; i++)
        subject_commit_text (self, "old");
    assert_int_equal (first_seq (self), 1);
    subject_put_number (&ops, VIEW_META, STORE_META_REFLECTED, 5);
    subject_commit (self, plv_view_str ("new"), &ops, 4);
    plv_buf_free (&ops);
    for (int round = 0; round < 2; round++) {
        assert_int_equal (first_seq (self), 4);
        plv_buf_t rows = subject_scan_journal (self, 0, UINT64_MAX, 0, NULL);
        assert_string_equal (subject_text (plv_buf_view (&rows), true, text, sizeof text),
                             "4=old 5=old 6=new");
        plv_buf_free (&rows);
        self->kind->restart (self);
    }
    subject_commit (self, plv_view_str ("newer"), NULL, 2);
    assert_int_equal (first_seq (self), 4);
}

static void what_the_views_do_not_hold_is_never_forgotten (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    subject_commit_text (self, "one");
    subject_commit (self, plv_view_str ("two"), NULL, 3);
    assert_int_equal (first_seq (self), 1);
    subject_put_number (&ops, VIEW_META, STORE_META_REFLECTED, 1);
    subject_commit (self, plv_view_str ("three"), &ops, 100);
    assert_int_equal (first_seq (self), 2);
    plv_buf_clear (&ops);
    subject_put_number (&ops, VIEW_META, STORE_META_REFLECTED, 4);
    subject_commit (self, plv_view_str ("four"), &ops, 100);
    assert_int_equal (first_seq (self), 4);
    plv_buf_free (&ops);
    self->kind->restart (self);
    recovered_t *found = subject_recover (self->store);
    assert_int_equal (found->next_seq, 5);
    assert_int_equal (found->journal_count, 0);
    free (found);
}

static void the_descriptor_is_readable_while_there_are_answers (void **state)
{
    subject_t *self = *state;
    struct pollfd wait = {.fd = self->store->vtable->fd (self->store), .events = POLLIN};
    store_done_t done;
    assert_int_equal (self->store->vtable->next (self->store, &done), STORE_NOTHING);
    if (wait.fd < 0)
        return;
    assert_int_equal (poll (&wait, 1, 0), 0);
    self->store->vtable->scan (self->store, 1, VIEW_KV, plv_view_str (""), plv_view_str (""), 0);
    self->store->vtable->scan (self->store, 2, VIEW_KV, plv_view_str (""), plv_view_str (""), 0);
    assert_int_equal (subject_wait (self->store).token, 1);
    assert_int_equal (subject_wait (self->store).token, 2);
    assert_int_equal (poll (&wait, 1, 0), 0);
    assert_int_equal (self->store->vtable->next (self->store, &done), STORE_NOTHING);
}

static void a_checkpoint_holds_what_was_stored_before_it (void **state)
{
    subject_t *self = *state;
    char dir[128];
    snprintf (dir, sizeof dir, "%s.backup", self->dir);
    plv_buf_t ops = {.data = NULL};
    subject_put (&ops, VIEW_SESSIONS, "s", "before");
    subject_commit (self, plv_view_str ("one"), &ops, 0);
    self->store->vtable->checkpoint (self->store, 7, dir);
    store_done_t done = subject_wait (self->store);
    assert_int_equal (done.type, STORE_CHECKPOINTED);
    assert_int_equal (done.token, 7);
    assert_int_equal (done.fail.code, ERR_OK);
    plv_buf_clear (&ops);
    subject_put (&ops, VIEW_SESSIONS, "s", "after");
    subject_commit (self, plv_view_str ("two"), &ops, 0);
    plv_buf_free (&ops);

    self->store->vtable->checkpoint (self->store, 8, dir);
    done = subject_wait (self->store);
    assert_int_equal (done.type, STORE_CHECKPOINTED);
    assert_int_equal (done.fail.code, ERR_EXISTS);

    self->kind->restore (self, dir);
    recovered_t *found = subject_recover (self->store);
    assert_string_equal (found->rows, "sessions/s=before");
    assert_string_equal (found->journal, "1=one");
    assert_int_equal (found->next_seq, 2);
    self->next_seq = found->next_seq;
    free (found);
    subject_commit_text (self, "another two");
}

static void large_and_odd_bytes_come_back_as_they_were (void **state)
{
    enum { BYTES = 3 * 1024 * 1024 };
    subject_t *self = *state;
    plv_rng_t rng = plv_rng_seed (1);
    uint8_t *bytes = plv_alloc (BYTES);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t) plv_rng_next (&rng);
    plv_buf_t ops = {.data = NULL};
    plv_row_put (&ops, VIEW_KV, plv_view ("\0\xff\0", 3), plv_view (bytes, BYTES));
    subject_commit (self, plv_view (bytes, BYTES), &ops, 0);
    plv_buf_free (&ops);
    self->kind->restart (self);

    plv_row_t row;
    size_t at = 0;
    plv_buf_t rows = subject_scan (self, VIEW_KV, "", "", 0, NULL);
    assert_true (plv_row_next (plv_buf_view (&rows), &at, &row));
    assert_true (plv_view_equal (row.key, plv_view ("\0\xff\0", 3)));
    assert_true (plv_view_equal (row.value, plv_view (bytes, BYTES)));
    plv_buf_free (&rows);
    at = 0;
    rows = subject_scan_journal (self, 1, 2, 0, NULL);
    assert_true (plv_row_next (plv_buf_view (&rows), &at, &row));
    assert_true (plv_view_equal (row.value, plv_view (bytes, BYTES)));
    plv_buf_free (&rows);
    free (bytes);
}

/*  A random history of batches against a table that cannot be wrong.  */
static void a_random_history_agrees_with_a_model (void **state)
{
    enum { BATCHES = 300, OPS_MAX = 12, KEYS = 40 };
    subject_t *self = *state;
    plv_rng_t rng = plv_rng_seed (20240607);
    table_t model = {.rows = NULL};
    for (int round = 0; round < BATCHES; round++) {
        plv_buf_t ops = {.data = NULL};
        for (uint64_t left = plv_rng_below (&rng, OPS_MAX); left; left--) {
            char key[16], value[32];
            snprintf (key, sizeof key, "key%ju", (uintmax_t) plv_rng_below (&rng, KEYS));
            snprintf (value, sizeof value, "%ju", (uintmax_t) plv_rng_next (&rng));
            if (plv_rng_below (&rng, 3)) {
                subject_put (&ops, VIEW_DEAD, key, value);
                table_put (&model, plv_view_str (key), plv_view_str (value));
            } else {
                plv_row_delete (&ops, VIEW_DEAD, plv_view_str (key));
                table_remove (&model, plv_view_str (key));
            }
        }
        subject_commit (self, plv_view_str ("turn"), &ops, 0);
        plv_buf_free (&ops);
        if (plv_rng_below (&rng, 40) == 0)
            self->kind->restart (self);
    }
    plv_buf_t rows = subject_scan (self, VIEW_DEAD, "", "", 0, NULL);
    plv_row_t row;
    size_t count = 0;
    for (size_t at = 0; plv_row_next (plv_buf_view (&rows), &at, &row); count++) {
        assert_true (count < model.count);
        assert_true (plv_view_equal (row.key, model.rows[count].key));
        assert_true (plv_view_equal (row.value, model.rows[count].value));
    }
    assert_int_equal (count, model.count);
    plv_buf_free (&rows);
    table_free (&model);
}

static int setup (void **state)
{
    subject_t *self = plv_alloc_zero (1, sizeof *self);
    self->kind = *state;
    self->next_seq = 1;
    self->kind->open (self);
    *state = self;
    return 0;
}

static int teardown (void **state)
{
    subject_t *self = *state;
    self->kind->close (self);
    free (self);
    return 0;
}

#define CONFORMS(test_)                                                                            \
    {                                                                                              \
        .name = #test_, .test_func = (test_), .setup_func = setup, .teardown_func = teardown,      \
        .initial_state = (void *) (uintptr_t) kind                                                 \
    }

int conformance_run (const subject_kind_t *kind)
{
    const struct CMUnitTest tests[] = {
        CONFORMS (a_new_store_holds_its_identity_and_nothing_else),
        CONFORMS (what_was_stored_comes_back_in_order),
        CONFORMS (operations_of_a_batch_act_in_their_order),
        CONFORMS (what_the_views_reflect_is_not_given_again),
        CONFORMS (a_batch_without_journal_takes_a_position_all_the_same),
        CONFORMS (scans_keep_to_their_bounds),
        CONFORMS (a_large_scan_comes_in_pieces),
        CONFORMS (the_journal_is_scanned_by_position),
        CONFORMS (the_journal_is_read_on_in_pieces),
        CONFORMS (forgotten_values_stay_forgotten),
        CONFORMS (what_the_views_do_not_hold_is_never_forgotten),
        CONFORMS (the_descriptor_is_readable_while_there_are_answers),
        CONFORMS (a_checkpoint_holds_what_was_stored_before_it),
        CONFORMS (large_and_odd_bytes_come_back_as_they_were),
        CONFORMS (a_random_history_agrees_with_a_model),
    };
    return cmocka_run_group_tests_name (kind->name, tests, NULL, NULL);
}
