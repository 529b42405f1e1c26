#include "web/names.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_own (const char *host, const char *others, bool expected)
{
    if (names_own (pal_text (host), pal_text (others)) != expected)
        fail_msg ("%s with \"%s\" is %s", host, others, expected ? "own" : "foreign");
}

static void numbers_and_localhost_are_of_the_machine (void **state)
{
    static const char *const OWN[] = {"127.0.0.1",   "127.0.0.1:8080", "[::1]:8080",
                                      "10.0.0.1:80", "localhost",      "LocalHost:8080",
                                      "a.localhost", "a.localhost:1"};
    (void) state;
    for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++)
        assert_own (OWN[i], "", true);
}

static void other_names_are_of_others (void **state)
{
    static const char *const FOREIGN[] = {
        "evil.example",      "evil.example:8080",  "127.0.0.1.evil", "localhost.evil.example",
        "notlocalhost:8080", "127.0.0.1evil:8080", "1.2.3.4.nip.io", ".localhost"};
    (void) state;
    for (size_t i = 0; i < sizeof FOREIGN / sizeof *FOREIGN; i++)
        assert_own (FOREIGN[i], "chat.example", false);
}

static void names_of_the_configuration_are_own (void **state)
{
    (void) state;
    assert_own ("chat.example:443", "a.example chat.example", true);
    assert_own ("Chat.Example", "a.example, chat.example", true);
    assert_own ("chat.example.evil", "a.example chat.example", false);
    assert_own ("evil.example", "*", true);
}

static void loopback_addresses_are_known (void **state)
{
    (void) state;
    assert_true (names_loopback (pal_text ("127.0.0.1")));
    assert_true (names_loopback (pal_text ("127.1.2.3")));
    assert_true (names_loopback (pal_text ("::1")));
    assert_true (names_loopback (pal_text ("localhost")));
    assert_false (names_loopback (pal_text ("0.0.0.0")));
    assert_false (names_loopback (pal_text ("::")));
    assert_false (names_loopback (pal_text ("10.127.0.1")));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (numbers_and_localhost_are_of_the_machine),
        cmocka_unit_test (other_names_are_of_others),
        cmocka_unit_test (names_of_the_configuration_are_own),
        cmocka_unit_test (loopback_addresses_are_known),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
