/*  mp -- msgpack, by hand: a bounded reader and small writers for the hot path
    OWNS    nothing: readers walk borrowed bytes, writers append to the caller's buffer
    THREAD  any
    FAILS   a reader that meets anything unexpected returns false and does not move; a writer whose
            buffer cannot grow sets the buffer's `failed`
    COST    a few nanoseconds a value; no allocation

    msgpack-c serves wherever this speed is not needed; the two are tested against each other.  */

#ifndef PLV_WIRE_MP_H
#define PLV_WIRE_MP_H

#include "base/buf.h"
#include "base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} plv_mp_t;

typedef enum {
    MP_NIL,
    MP_BOOL,
    MP_UINT,
    MP_INT,
    MP_FLOAT,
    MP_STR,
    MP_BIN,
    MP_ARRAY,
    MP_MAP,
    MP_EXT,
    MP_NONE,
} plv_mp_type_t;

static inline plv_mp_t plv_mp (plv_view_t bytes)
{
    plv_mp_t self = {bytes.data, bytes.size ? bytes.data + bytes.size : bytes.data};
    return self;
}

static inline bool plv_mp_done (const plv_mp_t *self)
{
    return self->at == self->end;
}

plv_mp_type_t plv_mp_peek (const plv_mp_t *self); /* MP_NONE at the end or on 0xc1 */
bool plv_mp_nil (plv_mp_t *self);                 /* consumes a nil if one is next */
bool plv_mp_bool (plv_mp_t *self, bool *ret_value);
bool plv_mp_u64 (plv_mp_t *self, uint64_t *ret_value); /* any non-negative integer */
bool plv_mp_i64 (plv_mp_t *self, int64_t *ret_value);
bool plv_mp_double (plv_mp_t *self, double *ret_value); /* any number */
bool plv_mp_str (plv_mp_t *self, plv_view_t *ret_text); /* does not check UTF-8 */
bool plv_mp_bin (plv_mp_t *self, plv_view_t *ret_bytes);
bool plv_mp_array (plv_mp_t *self, uint32_t *ret_count);
bool plv_mp_map (plv_mp_t *self, uint32_t *ret_count); /* pairs */

/*  Skips one whole value; `ret_raw` (may be NULL) gets its encoded bytes. Refuses nesting deeper than
    MSGPACK_DEPTH_MAX and counts that cannot fit into the bytes left. Does not check UTF-8.  */
bool plv_mp_skip (plv_mp_t *self, plv_view_t *ret_raw);

/*  Is `bytes` exactly one well-formed value of `type`, with UTF-8 in every text?  */
bool plv_mp_valid (plv_view_t bytes, plv_mp_type_t type);

/*  Looks `key` up in an encoded map (the first one wins); `ret_value` stands at the value.  */
bool plv_mp_find (plv_view_t map, const char *key, plv_mp_t *ret_value);
/*  The same for a text value; an empty view when there is none.  */
plv_view_t plv_mp_find_str (plv_view_t map, const char *key);

/*  RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF.  */
bool plv_utf8_valid (plv_view_t text);

/*  Numbers and headers take the shortest form that holds them.  */
void plv_mp_put_u64_long (plv_buf_t *self, uint64_t value); /* the forms longer than one byte */
void plv_mp_put_i64 (plv_buf_t *self, int64_t value);
void plv_mp_put_double (plv_buf_t *self, double value);
void plv_mp_put_text (plv_buf_t *self, const char *text); /* NUL-terminated; NULL: nil */
/*  Words that a plugin or the system wrote: a byte that is not part of a character of UTF-8 becomes '?'.  */
void plv_mp_put_words (plv_buf_t *self, plv_view_t words);
void plv_mp_put_array (plv_buf_t *self, uint32_t count);
void plv_mp_put_map (plv_buf_t *self, uint32_t count);
void plv_mp_put_head_long (plv_buf_t *self, uint8_t tag8, uint64_t size); /* tag8: 0xd9 or 0xc4 */

static inline void plv_mp_put_nil (plv_buf_t *self)
{
    plv_buf_add_u8 (self, 0xc0);
}

static inline void plv_mp_put_bool (plv_buf_t *self, bool value)
{
    plv_buf_add_u8 (self, value ? 0xc3 : 0xc2);
}

static inline void plv_mp_put_u64 (plv_buf_t *self, uint64_t value)
{
    if (value < 0x80)
        plv_buf_add_u8 (self, (uint8_t) value);
    else
        plv_mp_put_u64_long (self, value);
}

static inline void plv_mp_put_str (plv_buf_t *self, plv_view_t text)
{
    if (text.size < 32)
        plv_buf_add_u8 (self, (uint8_t) (0xa0 | text.size));
    else
        plv_mp_put_head_long (self, 0xd9, text.size);
    plv_buf_add_view (self, text);
}

static inline void plv_mp_put_bin (plv_buf_t *self, plv_view_t bytes)
{
    plv_mp_put_head_long (self, 0xc4, bytes.size);
    plv_buf_add_view (self, bytes);
}

/*  A key of a map, and its value.  */
static inline void plv_mp_pair_text (plv_buf_t *self, const char *key, const char *text)
{
    plv_mp_put_text (self, key);
    plv_mp_put_text (self, text);
}

static inline void plv_mp_pair_words (plv_buf_t *self, const char *key, const char *words)
{
    plv_mp_put_text (self, key);
    plv_mp_put_words (self, plv_view_str (words));
}

static inline void plv_mp_pair_str (plv_buf_t *self, const char *key, plv_view_t text)
{
    plv_mp_put_text (self, key);
    plv_mp_put_str (self, text);
}

static inline void plv_mp_pair_bin (plv_buf_t *self, const char *key, plv_view_t bytes)
{
    plv_mp_put_text (self, key);
    plv_mp_put_bin (self, bytes);
}

static inline void plv_mp_pair_i64 (plv_buf_t *self, const char *key, int64_t number)
{
    plv_mp_put_text (self, key);
    plv_mp_put_i64 (self, number);
}

static inline void plv_mp_pair_u64 (plv_buf_t *self, const char *key, uint64_t number)
{
    plv_mp_put_text (self, key);
    plv_mp_put_u64 (self, number);
}

static inline void plv_mp_pair_bool (plv_buf_t *self, const char *key, bool value)
{
    plv_mp_put_text (self, key);
    plv_mp_put_bool (self, value);
}

static inline void plv_mp_pair_double (plv_buf_t *self, const char *key, double number)
{
    plv_mp_put_text (self, key);
    plv_mp_put_double (self, number);
}

#ifdef __cplusplus
}
#endif

#endif
