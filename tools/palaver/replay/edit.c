#include "palaver/replay/edit.h"

#include "base/limits.h"
#include "wire/mp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool write_whole (int fd, const plv_buf_t *text)
{
    return write (fd, text->data, text->size) == (ssize_t) text->size && write (fd, "\n", 1) == 1;
}

/*  Without the newline that editors end a file with.  */
static bool read_whole (const char *path, plv_buf_t *text)
{
    char block[4096];
    size_t size;
    FILE *file = fopen (path, "re");
    if (!file)
        return false;
    while (text->size <= BODY_BYTES_MAX && (size = fread (block, 1, sizeof block, file)) > 0)
        plv_buf_add (text, block, size);
    fclose (file);
    while (text->size && text->data[text->size - 1] == '\n')
        text->size--;
    plv_buf_check (text);
    return true;
}

/*  The variable may hold options too: a shell takes it apart, which outlives the Ctrl-C that the editor may heed.  */
static void become (const char *command, const char *path)
{
    char script[4096];
    snprintf (script, sizeof script, "trap : INT QUIT; %s \"$1\"", command);
    execl ("/bin/sh", "sh", "-c", script, "sh", path, (char *) NULL);
    _exit (127);
}

/*  Ctrl-C is a key of the editor's while it has the terminal.  */
static bool run_editor (const char *path)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction on_int, on_quit;
    const char *visual = getenv ("VISUAL"), *editor = getenv ("EDITOR");
    const char *command = visual && *visual ? visual : editor && *editor ? editor : "vi";
    int status = 0;
    sigaction (SIGINT, &ignore, &on_int);
    sigaction (SIGQUIT, &ignore, &on_quit);
    pid_t child = fork (), ended = child;
    while (child > 0 && (ended = waitpid (child, &status, 0)) < 0 && errno == EINTR)
        continue;
    sigaction (SIGINT, &on_int, NULL);
    sigaction (SIGQUIT, &on_quit, NULL);
    if (child == 0)
        become (command, path);
    if (ended > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0)
        return true;
    say ("the editor (%s) failed; nothing was done", command);
    return false;
}

ending_t edit_text (plv_buf_t *text)
{
    const char *dir = getenv ("TMPDIR");
    char path[4096];
    plv_buf_t edited = {0};
    ending_t end = END_PARTLY;
    snprintf (path, sizeof path, "%s/palaver-XXXXXX", dir && *dir ? dir : "/tmp");
    int fd = mkstemp (path);
    if (fd < 0) {
        say ("%s: cannot be written: %s", path, strerror (errno));
        return END_PARTLY;
    }
    bool good = write_whole (fd, text);
    close (fd);
    if (!good) {
        say ("%s: cannot be written: %s; nothing was done", path, strerror (errno));
    } else if (run_editor (path)) {
        if (!read_whole (path, &edited))
            say ("%s: cannot be read: %s; nothing was done", path, strerror (errno));
        else if (edited.size == 0 || plv_view_equal (plv_buf_view (&edited), plv_buf_view (text)))
            say ("the text is %s; nothing was done", edited.size ? "as it was" : "empty");
        else if (!plv_utf8_valid (plv_buf_view (&edited)))
            say ("the text is not UTF-8; nothing was done");
        else if (memchr (edited.data, 0, edited.size))
            say ("there is a NUL in the text; nothing was done");
        else
            end = END_OK;
    }
    unlink (path);
    if (!end) {
        plv_buf_add_u8 (&edited, 0);
        plv_buf_clear (text);
        plv_buf_add_view (text, plv_buf_view (&edited));
    }
    plv_buf_free (&edited);
    return end;
}
