#include "host/kit/kv_line.h"

#include "base/rng.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { KEYS = 600, ASKED = 512, VALUE_BYTES = 16 };

/*  A broker: keys k000, k001, ... with short values; what it was asked it answers when the test says so.  */
typedef struct {
    kv_line_t *line;
    bool connected;
    uint64_t last;
    bool has[KEYS];
    char value[KEYS][VALUE_BYTES];
    struct {
        uint64_t request;
        char command[16];
        plv_buf_t arguments;
    } asked[ASKED];
    size_t first, count;
    unsigned wakes;
    char said[4096]; /* what the plugin was told */
} broker_t;

static plv_view_t bytes (plv_view_t map, const char *key)
{
    plv_mp_t at;
    plv_view_t found = {0};
    if (plv_mp_find (map, key, &at))
        plv_mp_bin (&at, &found);
    return found;
}

static uint64_t take (void *arg, const char *command, plv_view_t arguments)
{
    broker_t *self = arg;
    if (!self->connected)
        return 0;
    size_t at = (self->first + self->count++) % ASKED;
    assert_true (self->count <= ASKED);
    self->asked[at].request = ++self->last;
    snprintf (self->asked[at].command, sizeof self->asked[at].command, "%s", command);
    plv_buf_clear (&self->asked[at].arguments);
    plv_buf_add_view (&self->asked[at].arguments, arguments);
    return self->last;
}

static void wake (void *arg)
{
    broker_t *self = arg;
    self->wakes++;
}

static size_t key_number (plv_view_t key)
{
    char digits[4] = {0};
    assert_int_equal (key.size, 4);
    memcpy (digits, key.data + 1, 3);
    return strtoul (digits, NULL, 10);
}

static void put_page (broker_t *self, plv_view_t arguments, plv_buf_t *body)
{
    plv_view_t after = bytes (arguments, "after");
    plv_buf_t items = {0};
    char last[8] = "";
    uint32_t count = 0;
    size_t at = after.size ? key_number (after) + 1 : 0;
    /*  Small pages: there is more than one.  */
    for (; at < KEYS && count < 7; at++) {
        if (!self->has[at])
            continue;
        snprintf (last, sizeof last, "k%03zu", at);
        plv_mp_put_map (&items, 2);
        plv_mp_put_text (&items, "key");
        plv_mp_put_bin (&items, plv_view_str (last));
        plv_mp_put_text (&items, "value");
        plv_mp_put_bin (&items, plv_view_str (self->value[at]));
        count++;
    }
    plv_mp_put_map (body, 2);
    plv_mp_put_text (body, "items");
    plv_mp_put_array (body, count);
    plv_buf_add_view (body, plv_buf_view (&items));
    plv_mp_put_text (body, "next");
    if (at < KEYS && count)
        plv_mp_put_bin (body, plv_view_str (last));
    else
        plv_mp_put_nil (body);
    plv_buf_free (&items);
}

static void carry_out (broker_t *self, const char *command, plv_view_t arguments, plv_buf_t *body)
{
    if (strcmp (command, "kv.list") == 0) {
        put_page (self, arguments, body);
        return;
    }
    size_t key = key_number (bytes (arguments, "key"));
    plv_view_t value = bytes (arguments, "value");
    bool found = self->has[key], is_get = strcmp (command, "kv.get") == 0;
    plv_mp_put_map (body, is_get && found ? 2 : 1);
    plv_mp_put_text (body, "found");
    plv_mp_put_bool (body, found);
    if (is_get && found) {
        plv_mp_put_text (body, "value");
        plv_mp_put_bin (body, plv_view_str (self->value[key]));
    } else if (strcmp (command, "kv.put") == 0) {
        self->has[key] = true;
        snprintf (self->value[key], VALUE_BYTES, PLV_VIEW_FMT, PLV_VIEW_ARG (value));
    } else if (!is_get) {
        self->has[key] = false;
    }
}

/*  The oldest question; `heard`: the answer arrives.  */
static void answer_one (broker_t *self, bool heard)
{
    plv_buf_t body = {0};
    size_t at = self->first;
    assert_true (self->count > 0);
    carry_out (self, self->asked[at].command, plv_buf_view (&self->asked[at].arguments), &body);
    self->first = (self->first + 1) % ASKED;
    self->count--;
    if (heard)
        assert_true (kv_line_result (self->line, self->asked[at].request, plv_view_str ("ok"),
                                     plv_buf_view (&body)));
    plv_buf_free (&body);
}

static void reconnect (broker_t *self)
{
    self->connected = false;
    kv_line_up (self->line, false);
    self->count = 0;
    self->connected = true;
    kv_line_up (self->line, true);
}

static broker_t *broker_new (void)
{
    broker_t *self = calloc (1, sizeof *self);
    assert_non_null (self);
    kv_line_owner_t owner = {.send = take, .wake = wake, .arg = self};
    self->line = kv_line_new (&owner);
    return self;
}

static void broker_free (broker_t *self)
{
    kv_line_destroy (&self->line);
    for (size_t at = 0; at < ASKED; at++)
        plv_buf_free (&self->asked[at].arguments);
    free (self);
}

static void finish (broker_t *self)
{
    kv_line_turn (self->line);
    while (self->count)
        answer_one (self, true);
}

/* ------------------------------------------------------------------ the plugin */

static void note (void *arg, const pal_kv_result_t *result)
{
    broker_t *self = arg;
    size_t size = strlen (self->said);
    snprintf (self->said + size, sizeof self->said - size, "%.*s%s%.*s%s%.*s; ",
              PAL_ARG (result->key), result->found ? "=" : "", PAL_ARG (result->value),
              result->ok ? "" : "!", PAL_ARG (result->reason));
}

static void ask (broker_t *self, kv_line_what_t what, const char *key, const char *value)
{
    kv_line_ask (self->line, what, false, pal_text (key), pal_text (value), note, self);
}

static void test_answers (void **state)
{
    broker_t *self = broker_new ();
    (void) state;
    ask (self, KV_LINE_PUT, "k001", "one");
    ask (self, KV_LINE_GET, "k001", NULL);
    ask (self, KV_LINE_REMOVE, "k001", NULL);
    ask (self, KV_LINE_GET, "k001", NULL);
    assert_int_equal (self->wakes, 4);
    assert_string_equal (self->said, "");
    kv_line_turn (self->line);
    assert_int_equal (self->count, 0); /* nobody is there */
    assert_int_equal (kv_line_pending (self->line), 2);
    reconnect (self);
    assert_int_equal (self->count, 4);
    finish (self);
    assert_string_equal (self->said, "k001; k001=one; k001=; k001; ");
    assert_int_equal (kv_line_pending (self->line), 0);
    broker_free (self);
}

static void test_asked_again (void **state)
{
    broker_t *self = broker_new ();
    (void) state;
    reconnect (self);
    ask (self, KV_LINE_PUT, "k001", "a");
    ask (self, KV_LINE_PUT, "k001", "b");
    ask (self, KV_LINE_GET, "k001", NULL);
    kv_line_turn (self->line);
    answer_one (self, false); /* stored, but nobody heard of it */
    answer_one (self, false);
    uint64_t old = self->last;
    reconnect (self);
    assert_false (kv_line_result (self->line, old, plv_view_str ("ok"), plv_view (NULL, 0)));
    finish (self);
    assert_string_equal (self->said, "k001=; k001=; k001=b; ");
    broker_free (self);
}

static void test_list (void **state)
{
    broker_t *self = broker_new ();
    (void) state;
    reconnect (self);
    for (int at = 0; at < 20; at++) {
        char key[16];
        snprintf (key, sizeof key, "k%03d", at);
        kv_line_ask (self->line, KV_LINE_PUT, false, pal_text (key), pal_text ("v"), NULL, NULL);
    }
    ask (self, KV_LINE_LIST, "", NULL);
    ask (self, KV_LINE_PUT, "k019", "later");
    kv_line_turn (self->line);
    assert_int_equal (self->count, 20); /* the list waits for what was asked before it */
    while (self->count > 1 || strcmp (self->asked[self->first].command, "kv.list") != 0)
        answer_one (self, true);
    answer_one (self, true);
    reconnect (self); /* between two pages */
    finish (self);
    assert_string_equal (self->said, "k000=v; k001=v; k002=v; k003=v; k004=v; k005=v; k006=v; "
                                     "k007=v; k008=v; k009=v; k010=v; k011=v; k012=v; k013=v; "
                                     "k014=v; k015=v; k016=v; k017=v; k018=v; k019=v; ; k019=; ");
    broker_free (self);
}

static void test_refused (void **state)
{
    broker_t *self = broker_new ();
    char large[256] = {0};
    (void) state;
    memset (large, 'x', 255);
    ask (self, KV_LINE_GET, "", NULL);
    ask (self, KV_LINE_PUT, KV_LINE_OWN "k", "v");
    kv_line_ask (self->line, KV_LINE_GET, false, (pal_text_t){large, 256}, pal_text (NULL), NULL,
                 NULL);
    assert_string_equal (self->said, "");
    kv_line_turn (self->line);
    assert_string_equal (self->said, "!a key has at least one byte; "
                                     "\001k!keys that begin with byte 1 are the host's; ");
    for (int at = 0; at < KV_LINE_CALLS_MAX; at++)
        kv_line_ask (self->line, KV_LINE_GET, false, pal_text ("k001"), pal_text (NULL), NULL,
                     NULL);
    self->said[0] = 0;
    ask (self, KV_LINE_GET, "k002", NULL);
    kv_line_turn (self->line);
    assert_string_equal (self->said, "k002!too many calls wait for the broker; ");
    broker_free (self);
}

static void test_failed (void **state)
{
    broker_t *self = broker_new ();
    plv_buf_t body = {0};
    (void) state;
    reconnect (self);
    ask (self, KV_LINE_PUT, "k001", "v");
    kv_line_turn (self->line);
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "text");
    plv_mp_put_text (&body, "no room");
    assert_true (
        kv_line_result (self->line, self->last, plv_view_str ("FULL"), plv_buf_view (&body)));
    assert_string_equal (self->said, "k001!FULL: no room; ");
    assert_int_equal (kv_line_pending (self->line), 0);
    plv_buf_free (&body);
    broker_free (self);
}

/* ------------------------------------------------------------------ at random */

typedef struct {
    char value[VALUE_BYTES];
    bool found;
    unsigned *answers;
} wanted_t;

static void check (void *arg, const pal_kv_result_t *result)
{
    wanted_t *wanted = arg;
    assert_true (result->ok);
    assert_int_equal (result->found, wanted->found);
    if (wanted->found)
        assert_true (pal_text_is (result->value, wanted->value));
    (*wanted->answers)++;
    free (wanted);
}

/*  Whatever is cut off when: a read sees what was written last before it, and everything is answered once.  */
static void test_random (void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        plv_rng_t rng = plv_rng_seed (seed);
        broker_t *self = broker_new ();
        char model[10][VALUE_BYTES] = {{0}};
        unsigned reads = 0, answers = 0;
        for (int at = 0; at < 200; at++) {
            size_t key = plv_rng_below (&rng, 10);
            char name[8], value[VALUE_BYTES];
            snprintf (name, sizeof name, "k%03zu", key);
            snprintf (value, sizeof value, "v%d", at);
            switch (plv_rng_below (&rng, 6)) {
            case 0:
                kv_line_ask (self->line, KV_LINE_PUT, false, pal_text (name), pal_text (value),
                             NULL, NULL);
                memcpy (model[key], value, VALUE_BYTES);
                break;
            case 1:
                kv_line_ask (self->line, KV_LINE_REMOVE, false, pal_text (name), pal_text (NULL),
                             NULL, NULL);
                model[key][0] = 0;
                break;
            case 2: {
                wanted_t *wanted = calloc (1, sizeof *wanted);
                memcpy (wanted->value, model[key], VALUE_BYTES);
                wanted->found = model[key][0] != 0;
                wanted->answers = &answers;
                kv_line_ask (self->line, KV_LINE_GET, false, pal_text (name), pal_text (NULL),
                             check, wanted);
                reads++;
                break;
            }
            case 3:
                if (plv_rng_below (&rng, 4) == 0)
                    reconnect (self);
                break;
            default:
                kv_line_turn (self->line);
                if (self->count)
                    answer_one (self, true);
            }
        }
        reconnect (self);
        finish (self);
        assert_int_equal (answers, reads);
        assert_int_equal (kv_line_pending (self->line), 0);
        broker_free (self);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_answers), cmocka_unit_test (test_asked_again),
        cmocka_unit_test (test_list),    cmocka_unit_test (test_refused),
        cmocka_unit_test (test_failed),  cmocka_unit_test (test_random),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
