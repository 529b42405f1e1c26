#include "advisor/claude/sse.h"

void sse_free (sse_t *self)
{
    plv_buf_free (&self->line);
    plv_buf_free (&self->event);
    plv_buf_free (&self->data);
}

static void dispatch (sse_t *self, sse_take_t *take, void *arg)
{
    plv_view_t event = self->event.size ? plv_buf_view (&self->event) : plv_view_str ("message");
    if (self->has_data && self->data.size)
        take (arg, event, plv_buf_view (&self->data));
    plv_buf_clear (&self->event);
    plv_buf_clear (&self->data);
    self->has_data = false;
}

static void take_field (sse_t *self, plv_view_t name, plv_view_t value)
{
    if (plv_view_is (name, "event")) {
        plv_buf_clear (&self->event);
        plv_buf_add_view (&self->event, value);
    } else if (plv_view_is (name, "data")) {
        if (self->has_data)
            plv_buf_add_u8 (&self->data, '\n');
        plv_buf_add_view (&self->data, value);
        self->has_data = true;
    }
}

static void end_line (sse_t *self, sse_take_t *take, void *arg)
{
    plv_view_t line = plv_buf_view (&self->line);
    if (!self->begun && line.size >= 3 && memcmp (line.data, "\xef\xbb\xbf", 3) == 0)
        line = plv_view (line.data + 3, line.size - 3);
    self->begun = true;
    if (line.size == 0) {
        dispatch (self, take, arg);
        return;
    }
    const uint8_t *colon = memchr (line.data, ':', line.size);
    size_t size = colon ? (size_t) (colon - line.data) : line.size;
    plv_view_t value = plv_view (line.data + size, 0);
    if (colon) {
        value = plv_view (colon + 1, line.size - size - 1);
        if (value.size && *value.data == ' ')
            value = plv_view (value.data + 1, value.size - 1);
    }
    take_field (self, plv_view (line.data, size), value);
}

static size_t until_line_end (plv_view_t bytes)
{
    size_t size = 0;
    while (size < bytes.size && bytes.data[size] != '\n' && bytes.data[size] != '\r')
        size++;
    return size;
}

void sse_feed (sse_t *self, plv_view_t bytes, sse_take_t *take, void *arg)
{
    while (bytes.size && !self->failed) {
        if (self->after_cr && *bytes.data == '\n')
            bytes = plv_view (bytes.data + 1, bytes.size - 1);
        self->after_cr = false;
        size_t size = until_line_end (bytes);
        plv_buf_add (&self->line, bytes.data, size);
        self->failed |= self->line.failed;
        if (size < bytes.size) {
            self->after_cr = bytes.data[size] == '\r';
            end_line (self, take, arg);
            plv_buf_clear (&self->line);
            size++;
        }
        bytes = plv_view (bytes.data + size, bytes.size - size);
        self->failed |= self->data.failed || self->event.failed
                        || self->line.size + self->data.size > SSE_EVENT_BYTES_MAX;
    }
}
