#include "base/log/log.h"

#include "base/log/log_line.h"
#include "base/utf8.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const plv_log_head_t head = {.time_us = INT64_C (1700000000123456),
                                    .level = LOG_INFO,
                                    .id = "session.created",
                                    .program = "palaverd"};

static const char *json (const plv_field_t *fields, size_t count)
{
    static plv_log_line_t line;
    plv_log_line_json (&line, &head, fields, count);
    line.data[line.size] = 0;
    return line.data;
}

static const char *text (const plv_field_t *fields, size_t count)
{
    static plv_log_line_t line;
    plv_log_line_text (&line, &head, false, fields, count);
    line.data[line.size] = 0;
    return line.data;
}

static void a_json_line_is_one_object (void **state)
{
    (void) state;
    plv_field_t fields[] = {F_STR ("session", "web_42"), F_VIEW ("platform", plv_view ("webx", 3)),
                            F_INT ("count", -3), F_NONE, F_STR ("none", NULL)};
    assert_string_equal (
        json (fields, 5),
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\",\"id\":\"session.created\","
        "\"program\":\"palaverd\",\"session\":\"web_42\",\"platform\":\"web\",\"count\":-3,"
        "\"none\":\"\"}\n");
}

static void a_text_line_is_for_people (void **state)
{
    (void) state;
    plv_field_t fields[] = {F_STR ("session", "web_42"),    F_INT ("count", 3),
                            F_STR ("why", "no space left"), F_STR ("empty", ""),
                            F_STR ("sum", "a=b"),           F_NONE};
    assert_string_equal (text (fields, 6),
                         "22:13:20.123 info  session.created  session=web_42 count=3 "
                         "why=\"no space left\" empty=\"\" sum=\"a=b\"\n");
    assert_string_equal (text (fields, 0), "22:13:20.123 info  session.created\n");
}

static void nothing_in_a_value_can_break_a_line (void **state)
{
    (void) state;
    plv_field_t field =
        F_VIEW ("x", plv_view ("a\nb\tc\033[31m\"\\\x7f\0\xc2\x9b\xff\xe2\x82\xc3\xa4", 21));
    assert_non_null (strstr (json (&field, 1),
                             ",\"x\":\"a\\nb\\tc\\u001b[31m\\\"\\\\\\u007f\\u0000\\u009b"
                             "\\ufffd\\ufffd\\ufffd\xc3\xa4\"}\n"));
    assert_non_null (strstr (text (&field, 1), " x=\"a\\nb\\tc\\x1b[31m\\\"\\\\\\x7f\\x00\\x9b"
                                               "\\xff\\xe2\\x82\xc3\xa4\"\n"));
}

/*  Quotes and braces pair up, and the line ends once: no JSON library is needed to see that.  */
static bool is_whole (const char *line, size_t size)
{
    bool quoted = false;
    for (size_t at = 0; at < size; at++) {
        if (quoted && line[at] == '\\')
            at++;
        else if (line[at] == '"')
            quoted = !quoted;
        else if (line[at] == '\n')
            return !quoted && at == size - 1 && line[at - 1] == '}';
    }
    return false;
}

static void a_long_line_is_cut_and_says_so (void **state)
{
    (void) state;
    static const char *const units[] = {"a", "\n", "\xff", "\xf0\x9f\x98\x80", "\""};
    char value[3 * LOG_LINE_BYTES_MAX];
    for (size_t unit = 0; unit < 5; unit++)
        for (size_t size = LOG_LINE_BYTES_MAX - 250; size < LOG_LINE_BYTES_MAX + 50; size++) {
            size_t used = 0;
            while (used < size) {
                strcpy (value + used, units[unit]);
                used += strlen (units[unit]);
            }
            plv_field_t fields[] = {F_VIEW ("x", plv_view (value, used)), F_STR ("y", "z"),
                                    F_INT ("n", 7)};
            plv_log_line_t line;
            plv_log_line_json (&line, &head, fields, 3);
            assert_true (line.size <= sizeof line.data);
            assert_true (is_whole (line.data, line.size));
            assert_int_equal (line.cut, memmem (line.data, line.size, "\"n\":7}", 6) == NULL);
            assert_int_equal (line.cut,
                              memmem (line.data, line.size, ",\"cut\":true}\n", 13) != NULL);
            for (size_t at = 0, step; at < line.size; at += step) {
                step = plv_utf8_size ((const uint8_t *) line.data + at, line.size - at);
                assert_true (step > 0);
            }
            plv_log_line_text (&line, &head, true, fields, 3);
            assert_true (line.size <= sizeof line.data);
            assert_int_equal (line.cut, memmem (line.data, line.size, " cut=true\n", 10) != NULL);
        }
}

static size_t read_all (int fd, char *to, size_t room)
{
    ssize_t size = read (fd, to, room - 1);
    to[size > 0 ? size : 0] = 0;
    return size > 0 ? (size_t) size : 0;
}

static void levels_and_formats_are_kept (void **state)
{
    (void) state;
    int ends[2];
    char said[LOG_LINE_BYTES_MAX];
    assert_int_equal (pipe2 (ends, O_NONBLOCK), 0);
    plv_log_t *log = plv_log_new ("test", ends[1], LOG_WARN, LOG_AUTO);
    plv_log (log, LOG_BROKER_READY, F_NONE);
    assert_int_equal (read_all (ends[0], said, sizeof said), 0);
    plv_log (log, LOG_STORE_SLOW, F_INT ("ms", 1200));
    read_all (ends[0], said, sizeof said);
    assert_non_null (strstr (
        said, "\"level\":\"warn\",\"id\":\"store.slow\",\"program\":\"test\",\"ms\":1200}\n"));
    plv_log_set (log, LOG_DEBUG, LOG_TEXT);
    plv_log (log, LOG_BROKER_STOPPED, F_NONE);
    read_all (ends[0], said, sizeof said);
    assert_non_null (strstr (said, " info  broker.stopped\n"));
    assert_null (strchr (said, '\033'));
    plv_log (NULL, LOG_BROKER_STOPPED, F_NONE);

    /*  A pipe that nobody reads fills up: lines are lost, counted, and nothing waits.  */
    assert_int_equal (plv_log_lost (log), 0);
    while (plv_log_lost (log) == 0)
        plv_log (log, LOG_BROKER_STOPPED, F_NONE);
    plv_log_destroy (&log);
    assert_null (log);
    plv_log_destroy (&log);
    close (ends[0]);
    close (ends[1]);
}

static void read_terminal (plv_log_format_t format, char said[LOG_LINE_BYTES_MAX])
{
    int keyboard = posix_openpt (O_RDWR | O_NOCTTY);
    assert_true (keyboard >= 0 && grantpt (keyboard) == 0 && unlockpt (keyboard) == 0);
    int screen = open (ptsname (keyboard), O_RDWR | O_NOCTTY);
    plv_log_t *log = plv_log_new ("test", screen, LOG_DEBUG, format);
    plv_log (log, LOG_STORE_FAILED, F_STR ("why", "full"));
    read_all (keyboard, said, LOG_LINE_BYTES_MAX);
    plv_log_destroy (&log);
    close (screen);
    close (keyboard);
}

static void a_terminal_gets_text_in_colours (void **state)
{
    (void) state;
    char said[LOG_LINE_BYTES_MAX];
    setenv ("TERM", "xterm", 1);
    unsetenv ("NO_COLOR");
    read_terminal (LOG_AUTO, said);
    assert_non_null (strstr (said, " \033[31merror\033[0m store.failed     why=full"));
    setenv ("NO_COLOR", "1", 1);
    read_terminal (LOG_AUTO, said);
    assert_non_null (strstr (said, " error store.failed     why=full"));
    read_terminal (LOG_JSON, said);
    assert_non_null (strstr (said, "\"id\":\"store.failed\""));
}

enum { THREADS = 4, LINES = 2000 };

static void *write_lines (void *argument)
{
    for (int at = 0; at < LINES; at++)
        plv_log (argument, LOG_PEER_GONE, F_STR ("name", "some name"), F_INT ("held", at));
    return NULL;
}

static void threads_do_not_mix_their_lines (void **state)
{
    (void) state;
    char name[] = "/tmp/palaver-log-XXXXXX";
    int fd = mkstemp (name);
    assert_int_equal (fcntl (fd, F_SETFL, O_APPEND), 0);
    plv_log_t *log = plv_log_new ("test", fd, LOG_DEBUG, LOG_JSON);
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        assert_int_equal (pthread_create (&threads[at], NULL, write_lines, log), 0);
    for (int at = 0; at < THREADS; at++)
        pthread_join (threads[at], NULL);
    assert_int_equal (plv_log_lost (log), 0);
    FILE *in = fopen (name, "r");
    char line[LOG_LINE_BYTES_MAX + 1];
    int lines = 0;
    for (; fgets (line, sizeof line, in); lines++)
        assert_true (line[0] == '{' && is_whole (line, strlen (line)));
    assert_int_equal (lines, THREADS * LINES);
    fclose (in);
    plv_log_destroy (&log);
    close (fd);
    unlink (name);
}

static void ids_are_unique_and_named (void **state)
{
    (void) state;
    for (int id = 0; id < LOG_COUNT_; id++) {
        const char *name = plv_log_id_text ((plv_log_id_t) id);
        assert_int_equal (strspn (name, "abcdefghijklmnopqrstuvwxyz_."), strlen (name));
        assert_true ((int) plv_log_id_level ((plv_log_id_t) id) <= LOG_ERROR);
        for (int other = 0; other < id; other++)
            assert_string_not_equal (name, plv_log_id_text ((plv_log_id_t) other));
    }
    assert_string_equal (plv_log_id_text (LOG_COUNT_), "unknown");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_json_line_is_one_object),
        cmocka_unit_test (a_text_line_is_for_people),
        cmocka_unit_test (nothing_in_a_value_can_break_a_line),
        cmocka_unit_test (a_long_line_is_cut_and_says_so),
        cmocka_unit_test (levels_and_formats_are_kept),
        cmocka_unit_test (a_terminal_gets_text_in_colours),
        cmocka_unit_test (threads_do_not_mix_their_lines),
        cmocka_unit_test (ids_are_unique_and_named),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
