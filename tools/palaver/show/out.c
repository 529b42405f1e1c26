#include "palaver/show/out.h"

#include "palaver/interrupt.h"
#include "palaver/show/json.h"
#include "palaver/show/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t terminal_columns (void)
{
    struct winsize size = {0};
    return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool out_is_dumb (void)
{
    const char *kind = getenv ("TERM");
    return kind && strcmp (kind, "dumb") == 0;
}

out_t out_begin (bool json, bool table)
{
    bool terminal = isatty (STDOUT_FILENO);
    const char *no_colour = getenv ("NO_COLOR");
    bool plain = (no_colour && no_colour[0]) || out_is_dumb ();
    return (out_t){
        .json = json || (!terminal && !table),
        .terminal = terminal,
        .colours = terminal && !plain,
        .columns = terminal ? terminal_columns () : 0,
    };
}

/*  Said once, where it happens: later nobody knows why.  */
static void check_stdout (bool failed_before)
{
    if (!failed_before && ferror (stdout) && !interrupt_by_pipe ())
        fprintf (stderr, "palaver: stdout: %s\n", strerror (errno));
}

void out_push (void)
{
    bool failed_before = ferror (stdout);
    fflush (stdout);
    check_stdout (failed_before);
}

bool out_end (void)
{
    out_push ();
    return !ferror (stdout);
}

void out_flush (plv_buf_t *buffer)
{
    plv_buf_check (buffer);
    bool failed_before = ferror (stdout);
    if (buffer->size)
        fwrite (buffer->data, 1, buffer->size, stdout);
    check_stdout (failed_before);
    plv_buf_clear (buffer);
}

void out_json (plv_view_t map)
{
    plv_buf_t line = {0};
    json_put_shown (&line, map);
    plv_buf_add_u8 (&line, '\n');
    out_flush (&line);
    plv_buf_free (&line);
}

void say (const char *format, ...)
{
    plv_buf_t line = {0};
    char text[2048];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    text_put (&line, "palaver: ");
    text_put_lines (&line, plv_view_str (text), 2);
    out_push ();
    fprintf (stderr, PLV_VIEW_FMT "\n", PLV_VIEW_ARG (plv_buf_view (&line)));
    plv_buf_free (&line);
}

void out_colour (const out_t *self, plv_buf_t *buffer, const char *code)
{
    if (self->colours)
        text_putf (buffer, "\033[%sm", code);
}
