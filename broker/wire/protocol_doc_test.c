/*  Run at the top of the tree. With --write it makes PROTOCOL.md and the fuzz dictionaries anew.  */

#include "wire/protocol_doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char TEMPLATE[] = "broker/wire/PROTOCOL.md.in";
static const char PAGE[] = "broker/wire/PROTOCOL.md";
static const char FRAMES[] = "test/fuzz/frame.dict";
static const char EVENTS[] = "test/fuzz/event.dict";

static plv_buf_t read_file (const char *path)
{
    plv_buf_t buf = {0};
    char part[4096];
    size_t size;
    FILE *file = fopen (path, "rb");
    if (!file)
        fail_msg ("%s: cannot be read; run this at the top of the tree", path);
    while ((size = fread (part, 1, sizeof part, file)) > 0)
        plv_buf_add (&buf, part, size);
    fclose (file);
    return buf;
}

static plv_buf_t make_page (void)
{
    plv_buf_t template = read_file (TEMPLATE);
    plv_buf_t page = {0};
    plv_fail_t fail;
    if (plv_protocol_doc (plv_buf_view (&template), &page, &fail))
        fail_msg ("%s", fail.text);
    plv_buf_free (&template);
    return page;
}

static plv_buf_t make_dictionary (void (*make) (plv_buf_t *))
{
    plv_buf_t dictionary = {0};
    make (&dictionary);
    return dictionary;
}

static void compare (const char *path, plv_buf_t made)
{
    plv_buf_t kept = read_file (path);
    if (!plv_view_equal (plv_buf_view (&kept), plv_buf_view (&made)))
        fail_msg ("%s is stale: run protocol_doc_test --write", path);
    plv_buf_free (&kept);
    plv_buf_free (&made);
}

static void protocol_md_is_fresh (void **state)
{
    (void) state;
    compare (PAGE, make_page ());
}

static void the_fuzz_dictionaries_are_fresh (void **state)
{
    (void) state;
    compare (FRAMES, make_dictionary (plv_protocol_frame_dictionary));
    compare (EVENTS, make_dictionary (plv_protocol_event_dictionary));
}

static void an_unknown_name_is_refused (void **state)
{
    (void) state;
    plv_buf_t page = {0};
    plv_fail_t fail;
    assert_int_equal (plv_protocol_doc (plv_view_str ("a {NO_SUCH} b"), &page, &fail), ERR_SYNTAX);
    assert_non_null (strstr (fail.text, "NO_SUCH"));
    plv_buf_free (&page);
}

static void write_file (const char *path, plv_buf_t made)
{
    FILE *file = fopen (path, "wb");
    if (!file || fwrite (made.data, 1, made.size, file) != made.size || fclose (file)) {
        perror (path);
        exit (1);
    }
    plv_buf_free (&made);
}

int main (int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (protocol_md_is_fresh),
        cmocka_unit_test (the_fuzz_dictionaries_are_fresh),
        cmocka_unit_test (an_unknown_name_is_refused),
    };
    if (argc == 2 && !strcmp (argv[1], "--write")) {
        write_file (PAGE, make_page ());
        write_file (FRAMES, make_dictionary (plv_protocol_frame_dictionary));
        write_file (EVENTS, make_dictionary (plv_protocol_event_dictionary));
        return 0;
    }
    return cmocka_run_group_tests (tests, NULL, NULL);
}
