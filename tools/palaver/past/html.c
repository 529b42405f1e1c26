#include "palaver/past/html.h"

#include "base/utf8.h"
#include "palaver/show/text.h"

#include <inttypes.h>

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'; form-action 'none'; base-uri 'none'\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --faint: #59636e; --line: #d1d9e0;"
    " --same: #1a7f37; --changed: #9a6700; --failed: #c62828; --box: #f6f8fa; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --ink: #e6edf3; --faint: #9198a1;"
    " --line: #3d444d; --same: #57d364; --changed: #e3b341; --failed: #ff8b82; --box: #151b23; } }\n"
    "body { margin: 0 auto; padding: 1.5rem; max-width: 80rem; background: var(--ground); color: var(--ink);"
    " font: 1rem/1.5 system-ui, sans-serif; display: flex; flex-direction: column; gap: 1rem; }\n"
    "header { order: -1; }\n"
    "article { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }\n"
    "article h2 { margin: 0; font-size: 1rem; }\n"
    ".faint { color: var(--faint); font-size: .875rem; }\n"
    ".same { color: var(--same); } .changed, .new { color: var(--changed); } .failed { color: var(--failed); }\n"
    ".said { margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }\n"
    ".pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }\n"
    "@media (max-width: 45rem) { .pair { grid-template-columns: 1fr; } }\n"
    ".pair > div { background: var(--box); border-radius: .375rem; padding: .5rem .75rem; min-width: 0; }\n"
    ".pair h3 { margin: 0; font-size: .875rem; color: var(--faint); }\n"
    ".pair p { margin: .25rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }\n"
    "dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0; } dt { color: var(--faint); }"
    " dd { margin: 0; font-size: 1.5rem; }\n"
    "</style>\n<title>";

void html_put (html_t *self, const char *markup)
{
    fputs (markup, self->target.file);
}

static bool is_control (const uint8_t *at, size_t bytes)
{
    return (*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f
           || (bytes == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

/*  Marks that turn the direction of what follows could make an answer read as another one.  */
static bool turns (const uint8_t *at, size_t bytes)
{
    return bytes == 3 && at[0] == 0xe2
           && ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae)
               || (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

static const char *entity (uint8_t byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_escape (plv_buf_t *out, plv_view_t text)
{
    for (size_t at = 0; at < text.size;) {
        const uint8_t *byte = text.data + at;
        size_t bytes = plv_utf8_size (byte, text.size - at);
        if (bytes == 0 || is_control (byte, bytes) || turns (byte, bytes))
            text_put (out, "\xef\xbf\xbd");
        else if (bytes == 1 && entity (*byte))
            text_put (out, entity (*byte));
        else
            plv_buf_add (out, byte, bytes);
        at += bytes ? bytes : 1;
    }
}

void html_text (html_t *self, plv_view_t text)
{
    plv_buf_t out = {0};
    html_escape (&out, text);
    plv_buf_check (&out);
    if (out.size)
        fwrite (out.data, 1, out.size, self->target.file);
    plv_buf_free (&out);
}

void html_number (html_t *self, int64_t number)
{
    fprintf (self->target.file, "%" PRId64, number);
}

ending_t html_begin (html_t *self, const char *path, const char *title)
{
    ending_t end = new_file_begin (&self->target, path);
    if (end)
        return end;
    html_put (self, head);
    html_text (self, plv_view_str (title));
    html_put (self, "</title>\n</head>\n<body>\n");
    return END_OK;
}

ending_t html_end (html_t *self)
{
    html_put (self, "</body>\n</html>\n");
    return new_file_end (&self->target, END_OK);
}
