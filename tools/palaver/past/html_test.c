#include "palaver/past/html.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void check (const char *text, size_t size, const char *expected)
{
    plv_buf_t out = {0};
    html_escape (&out, plv_view (text, size));
    plv_buf_add_u8 (&out, 0);
    assert_false (out.failed);
    assert_string_equal ((const char *) out.data, expected);
    plv_buf_free (&out);
}

static void test_what_means_something_to_a_browser (void **state)
{
    (void) state;
    check ("<b a='1' c=\"2\">&amp;", 20, "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;");
    check ("plain\n\tlines", 12, "plain\n\tlines");
    check ("", 0, "");
}

/*  No terminal codes, no half characters, nothing that turns the direction of a line.  */
static void test_what_is_no_text (void **state)
{
    (void) state;
    check ("a\0b", 3,
           "a\xef\xbf\xbd"
           "b");
    check ("\x1b[2J", 4, "\xef\xbf\xbd[2J");
    check ("\xff<", 2, "\xef\xbf\xbd&lt;");
    check ("\xe2\x80\xaegnp.exe", 10, "\xef\xbf\xbdgnp.exe");
    check ("\xe2\x80\x93", 3, "\xe2\x80\x93");
    check ("\xc2\x85", 2, "\xef\xbf\xbd");
}

static void test_a_page_that_exists_is_left_alone (void **state)
{
    html_t html;
    struct stat info;
    char path[] = "/tmp/html_test_XXXXXX";
    int fd = mkstemp (path);
    (void) state;
    assert_true (fd >= 0);
    assert_int_equal (html_begin (&html, path, "title"), END_PARTLY);
    assert_int_equal (fstat (fd, &info), 0);
    assert_int_equal (info.st_size, 0);
    close (fd);
    unlink (path);
}

/*  Whoever is killed while it grows leaves no half of it.  */
static void test_a_page_has_its_name_when_it_is_whole (void **state)
{
    html_t html;
    char path[] = "/tmp/html_test_XXXXXX";
    close (mkstemp (path));
    unlink (path);
    (void) state;
    assert_int_equal (html_begin (&html, path, "<title>"), END_OK);
    html_text (&html, plv_view_str ("<i>"));
    html_text (&html, plv_view (NULL, 0)); /* an answer without a text */
    assert_int_equal (access (path, F_OK), -1);
    assert_int_equal (html_end (&html), END_OK);
    assert_int_equal (access (path, F_OK), 0);
    unlink (path);
}

static void test_a_page_that_does_not_fit_is_gone_again (void **state)
{
    html_t html;
    struct rlimit before, small;
    char path[] = "/tmp/html_test_XXXXXX";
    close (mkstemp (path));
    unlink (path);
    (void) state;
    signal (SIGXFSZ, SIG_IGN);
    getrlimit (RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 1024, .rlim_max = before.rlim_max};
    assert_int_equal (html_begin (&html, path, "title"), END_OK);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
    ending_t end = html_end (&html);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    assert_int_equal (end, END_PARTLY);
    assert_int_equal (access (path, F_OK), -1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_means_something_to_a_browser),
        cmocka_unit_test (test_what_is_no_text),
        cmocka_unit_test (test_a_page_that_exists_is_left_alone),
        cmocka_unit_test (test_a_page_has_its_name_when_it_is_whole),
        cmocka_unit_test (test_a_page_that_does_not_fit_is_gone_again),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
