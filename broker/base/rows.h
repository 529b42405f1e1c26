/*  rows -- row operations on the views, as the core writes them and the store keeps them
    OWNS    nothing: writers append to the caller's buffer, the reader walks borrowed bytes
    THREAD  any
    FAILS   a reader that meets bytes that no writer wrote stops
    COST    one copy of key and value

    One operation is: u8 op, u8 view, u32 key bytes, u32 value bytes, key, value.  */

#ifndef PLV_BASE_ROWS_H
#define PLV_BASE_ROWS_H

#include "base/buf.h"

typedef enum {
#define VIEW(name, text, meaning) VIEW_##name,
#include "base/views.def"
#undef VIEW
    VIEW_COUNT_
} plv_row_view_t;

typedef enum { ROW_PUT = 1, ROW_DELETE = 2 } plv_row_op_t;

typedef struct {
    plv_row_op_t op;
    plv_row_view_t view;
    plv_view_t key;
    plv_view_t value;
} plv_row_t;

const char *plv_row_view_name (plv_row_view_t view);

void plv_row_put (plv_buf_t *ops, plv_row_view_t view, plv_view_t key, plv_view_t value);
void plv_row_delete (plv_buf_t *ops, plv_row_view_t view, plv_view_t key);

/*  The operation at `*at`, which moves behind it; false at the end, where `*at` is ops.size, and at bytes
    that no writer wrote, where it is less.  */
bool plv_row_next (plv_view_t ops, size_t *at, plv_row_t *ret_row);

#endif
