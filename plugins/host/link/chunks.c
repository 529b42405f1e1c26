#include "host/link/chunks.h"

enum { DIGITS_MAX = 15, SPARE_BYTES_MAX = 8192 };

static int digit_of (uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/*  Behind the line that says a chunk's size.  */
static chunks_state_t chunk_begins (chunks_t *self)
{
    self->line = 0;
    return self->digits == 0 ? CHUNKS_BROKEN : self->left ? CHUNKS_DATA : CHUNKS_TRAILER;
}

static chunks_state_t in_size (chunks_t *self, uint8_t byte)
{
    int digit = digit_of (byte);
    if (digit >= 0 && self->digits < DIGITS_MAX) {
        self->left = self->left * 16 + (uint64_t) digit;
        self->digits++;
        return CHUNKS_SIZE;
    }
    if (byte == '\n')
        return chunk_begins (self);
    if (!self->digits)
        return CHUNKS_BROKEN;
    return byte == '\r'                                 ? CHUNKS_SIZE_LF
           : byte == ';' || byte == ' ' || byte == '\t' ? CHUNKS_EXTENSION
                                                        : CHUNKS_BROKEN;
}

static chunks_state_t in_extension (chunks_t *self, uint8_t byte)
{
    if (byte == '\n')
        return chunk_begins (self);
    return ++self->spare > SPARE_BYTES_MAX ? CHUNKS_BROKEN
           : byte == '\r'                  ? CHUNKS_SIZE_LF
                                           : CHUNKS_EXTENSION;
}

/*  An empty line ends the body.  */
static chunks_state_t in_trailer (chunks_t *self, uint8_t byte)
{
    if (byte == '\n') {
        bool is_empty = self->line == 0;
        self->line = 0;
        return is_empty ? CHUNKS_OVER : CHUNKS_TRAILER;
    }
    self->line += byte != '\r';
    return ++self->spare > SPARE_BYTES_MAX ? CHUNKS_BROKEN
           : byte == '\r'                  ? CHUNKS_TRAILER_LF
                                           : CHUNKS_TRAILER;
}

static chunks_state_t next_size (chunks_t *self)
{
    self->digits = 0;
    self->left = 0;
    return CHUNKS_SIZE;
}

static chunks_state_t after (chunks_t *self, uint8_t byte)
{
    switch (self->state) {
    case CHUNKS_SIZE:
        return in_size (self, byte);
    case CHUNKS_EXTENSION:
        return in_extension (self, byte);
    case CHUNKS_SIZE_LF:
        return byte == '\n' ? chunk_begins (self) : CHUNKS_BROKEN;
    case CHUNKS_DATA_CR:
        return byte == '\r' ? CHUNKS_DATA_LF : byte == '\n' ? next_size (self) : CHUNKS_BROKEN;
    case CHUNKS_DATA_LF:
        return byte == '\n' ? next_size (self) : CHUNKS_BROKEN;
    case CHUNKS_TRAILER:
        return in_trailer (self, byte);
    case CHUNKS_TRAILER_LF:
        return byte == '\n' ? in_trailer (self, byte) : CHUNKS_BROKEN;
    default:
        return CHUNKS_BROKEN;
    }
}

chunks_end_t chunks_take (chunks_t *self, plv_view_t bytes, plv_buf_t *body, size_t *ret_used)
{
    size_t at = 0;
    while (at < bytes.size && self->state != CHUNKS_OVER && self->state != CHUNKS_BROKEN) {
        if (self->state != CHUNKS_DATA) {
            self->state = after (self, bytes.data[at++]);
            continue;
        }
        size_t size = bytes.size - at < self->left ? bytes.size - at : (size_t) self->left;
        plv_buf_add (body, bytes.data + at, size);
        at += size;
        self->left -= size;
        if (!self->left)
            self->state = CHUNKS_DATA_CR;
    }
    *ret_used = at;
    return self->state == CHUNKS_OVER     ? CHUNKS_DONE
           : self->state == CHUNKS_BROKEN ? CHUNKS_BAD
                                          : CHUNKS_MORE;
}
