/*  buf -- a growing run of bytes
    OWNS    its memory, freed by plv_buf_free
    THREAD  that of its owner
    FAILS   when memory runs out: `failed` is set and stays set, and every later append is ignored, so
            that a writer checks once, at the end. Daemons call plv_buf_check.
    COST    amortised O(1) a byte  */

#ifndef PLV_BASE_BUF_H
#define PLV_BASE_BUF_H

#include "base/view.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
} plv_buf_t;

void plv_buf_free (plv_buf_t *self);

/*  Makes room for `more` bytes behind the end; false when memory ran out.  */
bool plv_buf_grow (plv_buf_t *self, size_t more);

/*  Stops the daemon if an append failed (see alloc.h).  */
void plv_buf_check (const plv_buf_t *self);

static inline void plv_buf_clear (plv_buf_t *self)
{
    self->size = 0;
    self->failed = false;
}

static inline bool plv_buf_reserve (plv_buf_t *self, size_t more)
{
    return (!self->failed && self->capacity - self->size >= more) || plv_buf_grow (self, more);
}

static inline void plv_buf_add (plv_buf_t *self, const void *data, size_t size)
{
    if (size && plv_buf_reserve (self, size)) {
        memcpy (self->data + self->size, data, size);
        self->size += size;
    }
}

static inline void plv_buf_add_view (plv_buf_t *self, plv_view_t view)
{
    plv_buf_add (self, view.data, view.size);
}

static inline void plv_buf_add_u8 (plv_buf_t *self, uint8_t value)
{
    plv_buf_add (self, &value, 1);
}

static inline plv_view_t plv_buf_view (const plv_buf_t *self)
{
    return plv_view (self->data, self->size);
}

#ifdef __cplusplus
}
#endif

#endif
