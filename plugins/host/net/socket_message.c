#include "host/net/socket_message.h"

#include "base/utf8.h"

void socket_message_free (socket_message_t *self)
{
    plv_buf_free (&self->parts);
    self->parts = (plv_buf_t){0};
}

/*  How much of it is UTF-8, from its beginning.  */
static size_t good_bytes (pal_text_t text)
{
    size_t at = 0, size;
    while ((size = plv_utf8_size ((const uint8_t *) text.data + at, text.size - at)))
        at += size;
    return at;
}

pal_text_t socket_reason_good (pal_text_t reason)
{
    reason.size = reason.size < SOCKET_REASON_BYTES_MAX ? reason.size : SOCKET_REASON_BYTES_MAX;
    return (pal_text_t){reason.data, good_bytes (reason)};
}

uint32_t socket_message_add (socket_message_t *self, struct lws *wsi, const void *bytes,
                             size_t size, size_t bytes_max, pal_text_t *ret_message)
{
    pal_text_t message = {bytes, size};
    bool first = lws_is_first_fragment (wsi), last = lws_is_final_fragment (wsi);
    *ret_message = (pal_text_t){NULL, 0};
    if (first)
        socket_message_free (self);
    if (self->parts.size + size + lws_remaining_packet_payload (wsi) > bytes_max)
        return SOCKET_TOO_LARGE;
    if (!first || !last) {
        plv_buf_add (&self->parts, bytes, size);
        plv_buf_check (&self->parts);
        message = (pal_text_t){(const char *) self->parts.data, self->parts.size};
    }
    if (!last)
        return 0;
    if (!lws_frame_is_binary (wsi) && good_bytes (message) < message.size)
        return SOCKET_NOT_UTF8;
    *ret_message = message.data ? message : pal_text ("");
    return 0;
}

uint32_t socket_code_good (uint32_t code)
{
    bool good = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
                || (code >= 3000 && code <= 4999);
    return good ? code : 1000;
}
