#include "palaver/call_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 16 };

/*  Splits `line` at blanks; "_" stands for an empty word.  */
static plv_err_t parse (const char *line, call_t *call, plv_fail_t *fail, char *room)
{
    char *argv[WORDS_MAX] = {"palaver"};
    int argc = 1;
    strcpy (room, line);
    for (char *at = room; *at;) {
        char *end = strchrnul (at, ' ');
        bool last = *end == '\0';
        *end = '\0';
        argv[argc++] = strcmp (at, "_") == 0 ? (char *) "" : at;
        at = last ? end : end + 1;
    }
    return call_parse (argc, argv, call, fail);
}

static call_t good (const char *line, char *room)
{
    call_t call;
    plv_fail_t fail;
    if (parse (line, &call, &fail, room))
        fail_msg ("%s: %s", line, fail.text);
    return call;
}

static void bad (const char *line, const char *words)
{
    call_t call;
    plv_fail_t fail;
    char room[256];
    assert_int_equal (parse (line, &call, &fail, room), ERR_ARG);
    if (!strstr (fail.text, words))
        fail_msg ("%s: \"%s\" does not say \"%s\"", line, fail.text, words);
}

static void commands_of_one_and_two_words (void **state)
{
    char room[256];
    (void) state;
    call_t call = good ("status", room);
    assert_string_equal (call.command->words, "status");
    call_free (&call);
    call = good ("dead replay 7 8", room);
    assert_string_equal (call.command->words, "dead replay");
    assert_int_equal (call.operand_count, 2);
    assert_string_equal (call.operands[1], "8");
    call_free (&call);
}

static void options_stand_anywhere (void **state)
{
    char room[256];
    (void) state;
    call_t call = good ("--run here dead --json list -n5 --after=3", room);
    assert_string_equal (call.command->words, "dead list");
    assert_string_equal (call_text (&call, OPTION_RUN, "?"), "here");
    assert_true (call_has (&call, OPTION_JSON));
    assert_int_equal (call_number (&call, OPTION_LIMIT, 1), 5);
    assert_string_equal (call_text (&call, OPTION_AFTER, "?"), "3");
    call_free (&call);
}

static void letters_go_together (void **state)
{
    char room[256];
    (void) state;
    call_t call = good ("dead discard -ay", room);
    assert_true (call_has (&call, OPTION_ALL) && call_has (&call, OPTION_YES));
    call_free (&call);
}

static void behind_two_dashes_there_are_no_options (void **state)
{
    char room[256];
    (void) state;
    call_t call = good ("send -- --json -y", room);
    assert_int_equal (call.operand_count, 2);
    assert_string_equal (call.operands[0], "--json");
    assert_false (call_has (&call, OPTION_JSON));
    call_free (&call);
    call = good ("send -", room);
    assert_string_equal (call.operands[0], "-");
    call_free (&call);
}

static void times_are_microseconds (void **state)
{
    char room[256];
    (void) state;
    call_t call = good ("status --timeout 0.25", room);
    assert_int_equal (call_timeout_us (&call, 10), 250000);
    call_free (&call);
    call = good ("status --timeout 0.0000001", room);
    assert_int_equal (call_timeout_us (&call, 10), 1);
    call_free (&call);
    call = good ("status", room);
    assert_int_equal (call_timeout_us (&call, 10), 10000000);
    call_free (&call);
}

static void help_needs_no_operands (void **state)
{
    char room[256];
    (void) state;
    call_t call = good ("dead show --help", room);
    assert_string_equal (call.command->words, "dead show");
    call_free (&call);
    call = good ("dead --help", room);
    assert_null (call.command);
    assert_string_equal (call.group, "dead");
    call_free (&call);
    call = good ("help dead list", room);
    assert_true (call_has (&call, OPTION_HELP));
    assert_string_equal (call.command->words, "dead list");
    call_free (&call);
    call = good ("help dead", room);
    assert_string_equal (call.group, "dead");
    call_free (&call);
    call = good ("help", room);
    assert_true (call_has (&call, OPTION_HELP));
    assert_null (call.command);
    call_free (&call);
    call = good ("--help", room);
    assert_null (call.command);
    assert_null (call.group);
    call_free (&call);
}

static void what_is_wrong_is_named (void **state)
{
    (void) state;
    bad ("", "what is to be done");
    bad ("statsu", "status perhaps");
    bad ("xyzzy", "xyzzy is no command");
    bad ("help xyzzy", "xyzzy is no command");
    bad ("dead", "list, show, stats, replay, discard");
    bad ("dead lst", "dead list perhaps?");
    bad ("adapters restart", "adapters reload perhaps?");
    bad ("dead retry", "dead replay perhaps?");
    bad ("agents stop", "agents drain perhaps?");
    bad ("adapters rm", "adapters does one of: list");
    bad ("dead", "list, show, stats, replay, discard");
    bad ("status --jsno", "--json perhaps");
    bad ("status --yes", "palaver status has no option --yes");
    bad ("status -q", "-q is no option");
    bad ("status now", "what is \"now\"");
    bad ("sessions show", "needs SESSION");
    bad ("sessions show a b", "what is \"b\"");
    bad ("status --run", "--run needs its DIR");
    bad ("status --run _", "its DIR is empty");
    bad ("dead list --text a\xff", "--text: its TEXT is not UTF-8");
    bad ("routes pause all --who \xff", "--who: its NAME is not UTF-8");
    bad ("status --json=yes", "--json takes no value");
    bad ("dead list --limit 0", "from 1 to");
    bad ("dead list --limit 5x", "5x: not a number");
    bad ("dead list --limit 99999999999999999999", "not a number");
    bad ("status --timeout nan", "not a number of seconds");
    bad ("status --timeout 0", "not a number of seconds");
    bad ("status --timeout -1", "not a number of seconds");
    bad ("send hi --platform a/b", "a name has");
    bad ("status --json --table", "exclude each other");
}

static void every_command_can_be_named (void **state)
{
    const command_t *command;
    (void) state;
    for (size_t i = 0; (command = command_at (i)); i++) {
        char room[256], line[128];
        snprintf (line, sizeof line, "%s --help", command->words);
        call_t call = good (line, room);
        assert_ptr_equal (call.command, command);
        call_free (&call);
    }
}

static void examples_can_be_parsed (void **state)
{
    const example_t *example;
    (void) state;
    for (size_t i = 0; (example = example_at (i)); i++) {
        char room[256];
        call_t call = good (example->line + strlen ("palaver "), room);
        assert_string_equal (call.command->words, example->words);
        call_free (&call);
    }
}

static void names_and_letters_of_options_are_unique (void **state)
{
    (void) state;
    for (int a = 0; a < OPTION_COUNT_; a++)
        for (int b = 0; b < a; b++) {
            assert_string_not_equal (option_rows[a].name, option_rows[b].name);
            if (option_rows[a].letter)
                assert_int_not_equal (option_rows[a].letter, option_rows[b].letter);
        }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (commands_of_one_and_two_words),
        cmocka_unit_test (options_stand_anywhere),
        cmocka_unit_test (letters_go_together),
        cmocka_unit_test (behind_two_dashes_there_are_no_options),
        cmocka_unit_test (times_are_microseconds),
        cmocka_unit_test (help_needs_no_operands),
        cmocka_unit_test (what_is_wrong_is_named),
        cmocka_unit_test (every_command_can_be_named),
        cmocka_unit_test (examples_can_be_parsed),
        cmocka_unit_test (names_and_letters_of_options_are_unique),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
