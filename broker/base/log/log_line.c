#include "base/log/log_line.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

const char *plv_log_level_text (plv_log_level_t level)
{
    static const char *const texts[] = {"debug", "info", "warn", "error"};
    return (unsigned) level <= LOG_ERROR ? texts[level] : "unknown";
}

/*  Bytes that stay together: all of them or, when the line is full, none and nothing after them.  */
static void add (plv_log_line_t *self, const char *bytes, size_t size)
{
    if (self->cut || self->size + size > sizeof self->data - LINE_END_BYTES) {
        self->cut = true;
        return;
    }
    memcpy (self->data + self->size, bytes, size);
    self->size += size;
}

/*  What closes a line goes into the room that is kept for it.  */
static void add_end (plv_log_line_t *self, const char *bytes)
{
    size_t size = strlen (bytes);
    memcpy (self->data + self->size, bytes, size);
    self->size += size;
}

static void add_format (plv_log_line_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static void add_format (plv_log_line_t *self, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    add (self, text, size < (int) sizeof text ? (size_t) size : sizeof text - 1);
}

/*  The code of a control character at `at` (C0, DEL, C1), -1 for any other.  */
static int control_code (const uint8_t *at, size_t size)
{
    if (size == 1 && (*at < 0x20 || *at == 0x7f))
        return *at;
    if (size == 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return at[1];
    return -1;
}

typedef enum { JSON, TEXT } dialect_t;

static void add_escape (plv_log_line_t *self, dialect_t dialect, int code)
{
    if (code == '\n' || code == '\t')
        add_format (self, "\\%c", code == '\n' ? 'n' : 't');
    else if (dialect == JSON)
        add_format (self, "\\u%04x", (unsigned) code);
    else
        add_format (self, "\\x%02x", (unsigned) code);
}

/*  `view` between quotes that the caller writes.  */
static void add_escaped (plv_log_line_t *self, dialect_t dialect, plv_view_t view)
{
    size_t size;
    for (size_t at = 0; at < view.size && !self->cut; at += size) {
        const uint8_t *from = view.data + at;
        size = plv_utf8_size (from, view.size - at);
        int code = size ? control_code (from, size) : *from;
        if (!size && dialect == JSON)
            add (self, "\\ufffd", 6);
        else if (code >= 0)
            add_escape (self, dialect, code);
        else if (*from == '"' || *from == '\\')
            add_format (self, "\\%c", *from);
        else
            add (self, (const char *) from, size);
        size += !size;
    }
}

static plv_view_t field_view (const plv_field_t *field)
{
    return field->type == FIELD_STR ? plv_view_str (field->text) : field->view;
}

static void add_time (plv_log_line_t *self, int64_t time_us, const char *format)
{
    char text[32];
    struct tm parts;
    time_t seconds = (time_t) (time_us / 1000000);
    gmtime_r (&seconds, &parts);
    strftime (text, sizeof text, format, &parts);
    add_format (self, "%s.%03d", text, (int) (time_us % 1000000 / 1000));
}

static void add_json_field (plv_log_line_t *self, const plv_field_t *field)
{
    if (field->type == FIELD_END)
        return;
    if (field->type == FIELD_INT) {
        add_format (self, ",\"%s\":%" PRId64, field->name, field->number);
        return;
    }
    add_format (self, ",\"%s\":\"", field->name);
    if (self->cut)
        return;
    add_escaped (self, JSON, field_view (field));
    add_end (self, "\"");
}

void plv_log_line_json (plv_log_line_t *self, const plv_log_head_t *head, const plv_field_t *fields,
                        size_t count)
{
    self->size = 0;
    self->cut = false;
    add_format (self, "{\"time\":\"");
    add_time (self, head->time_us, "%Y-%m-%dT%H:%M:%S");
    add_format (self, "Z\",\"level\":\"%s\",\"id\":\"%s\",\"program\":\"",
                plv_log_level_text (head->level), head->id);
    add_escaped (self, JSON, plv_view_str (head->program));
    add_end (self, "\"");
    for (size_t at = 0; at < count && !self->cut; at++)
        add_json_field (self, &fields[at]);
    add_end (self, self->cut ? ",\"cut\":true}\n" : "}\n");
}

/*  Whether a reader of key=value sees where the value ends, and that it is all of it.  */
static bool is_plain (plv_view_t view)
{
    size_t size;
    for (size_t at = 0; at < view.size; at += size) {
        size = plv_utf8_size (view.data + at, view.size - at);
        if (!size || control_code (view.data + at, size) >= 0
            || memchr (" \"\\=", view.data[at], 4))
            return false;
    }
    return view.size > 0;
}

static void add_text_field (plv_log_line_t *self, const plv_field_t *field)
{
    if (field->type == FIELD_END)
        return;
    if (field->type == FIELD_INT) {
        add_format (self, " %s=%" PRId64, field->name, field->number);
        return;
    }
    bool plain = is_plain (field_view (field));
    add_format (self, plain ? " %s=" : " %s=\"", field->name);
    if (self->cut)
        return;
    add_escaped (self, TEXT, field_view (field));
    add_end (self, plain ? "" : "\"");
}

void plv_log_line_text (plv_log_line_t *self, const plv_log_head_t *head, bool colours,
                        const plv_field_t *fields, size_t count)
{
    static const char *const colour[] = {[LOG_DEBUG] = "\033[2m",
                                         [LOG_INFO] = "\033[32m",
                                         [LOG_WARN] = "\033[33m",
                                         [LOG_ERROR] = "\033[31m"};
    self->size = 0;
    self->cut = false;
    add_time (self, head->time_us, "%H:%M:%S");
    add_format (self, " %s%-5s%s %-16s", colours ? colour[head->level] : "",
                plv_log_level_text (head->level), colours ? "\033[0m" : "", head->id);
    for (size_t at = 0; at < count && !self->cut; at++)
        add_text_field (self, &fields[at]);
    while (!self->cut && self->size && self->data[self->size - 1] == ' ')
        self->size--;
    add_end (self, self->cut ? " cut=true\n" : "\n");
}
