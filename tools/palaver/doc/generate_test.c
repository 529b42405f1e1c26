/*  Run at the top of the tree. With --write it makes the man pages and completions anew.  */

#include "palaver/doc/generate.h"

#include "palaver/command.h"
#include "palaver/doc/roff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

static void nothing_is_stale (void **state)
{
    const generated_t *file;
    (void) state;
    for (size_t i = 0; (file = generated_at (i)); i++) {
        if (!file->path)
            continue;
        plv_buf_t kept = read_file (file->path), made = {0};
        file->put (&made);
        if (!plv_view_equal (plv_buf_view (&kept), plv_buf_view (&made)))
            fail_msg ("%s is stale: run generate_test --write", file->path);
        plv_buf_free (&kept);
        plv_buf_free (&made);
    }
}

/*  `text` with the dashes as roff wants them.  */
static bool page_has (const plv_buf_t *page, const char *text)
{
    plv_buf_t word = {0};
    roff_put (&word, text);
    bool found = memmem (page->data, page->size, word.data, word.size) != NULL;
    plv_buf_free (&word);
    return found;
}

static void the_man_page_has_every_command_and_option (void **state)
{
    const command_t *command;
    plv_buf_t page = {0};
    char text[128];
    (void) state;
    generate_man (&page);
    for (size_t i = 0; (command = command_at (i)); i++)
        if (page_has (&page, command->summary) == command->hidden)
            fail_msg ("%s", command->words);
    for (int id = 0; id < OPTION_COUNT_; id++) {
        snprintf (text, sizeof text, "--%s", option_rows[id].name);
        if (!page_has (&page, text))
            fail_msg ("%s", text);
    }
    plv_buf_free (&page);
}

static void roff_sees_no_commands_in_texts (void **state)
{
    plv_buf_t out = {0};
    (void) state;
    roff_put (&out, ".x\n'y a-b \\");
    plv_buf_add_u8 (&out, '\0');
    assert_string_equal ((const char *) out.data, "\\&.x\n\\&'y a\\-b \\e");
    plv_buf_free (&out);
}

static int write_all (void)
{
    const generated_t *file;
    for (size_t i = 0; (file = generated_at (i)); i++) {
        if (!file->path)
            continue;
        plv_buf_t made = {0};
        FILE *out = fopen (file->path, "w");
        file->put (&made);
        if (!out || fwrite (made.data, 1, made.size, out) != made.size || fclose (out)) {
            perror (file->path);
            return 1;
        }
        plv_buf_free (&made);
    }
    return 0;
}

int main (int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (nothing_is_stale),
        cmocka_unit_test (the_man_page_has_every_command_and_option),
        cmocka_unit_test (roff_sees_no_commands_in_texts),
    };
    if (argc > 1 && strcmp (argv[1], "--write") == 0)
        return write_all ();
    return cmocka_run_group_tests (tests, NULL, NULL);
}
