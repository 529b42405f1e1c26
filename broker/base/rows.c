#include "base/rows.h"

#include "base/bytes.h"
#include "base/check.h"

enum { ROW_HEAD_BYTES = 10 };

static const char *const names[VIEW_COUNT_] = {
#define VIEW(name, text, meaning) [VIEW_##name] = text,
#include "base/views.def"
#undef VIEW
};

const char *plv_row_view_name (plv_row_view_t view)
{
    return (unsigned) view < VIEW_COUNT_ ? names[view] : "unknown";
}

static void add (plv_buf_t *ops, plv_row_op_t op, plv_row_view_t view, plv_view_t key,
                 plv_view_t value)
{
    CHECK (key.size <= UINT32_MAX && value.size <= UINT32_MAX, "a row of %zu and %zu bytes",
           key.size, value.size);
    /*  All the room at once, so that a failure leaves no half operation.  */
    if (!plv_buf_reserve (ops, ROW_HEAD_BYTES + key.size + value.size))
        return;
    uint8_t *head = ops->data + ops->size;
    head[0] = (uint8_t) op;
    head[1] = (uint8_t) view;
    plv_put_u32 (head + 2, (uint32_t) key.size);
    plv_put_u32 (head + 6, (uint32_t) value.size);
    ops->size += ROW_HEAD_BYTES;
    plv_buf_add_view (ops, key);
    plv_buf_add_view (ops, value);
}

void plv_row_put (plv_buf_t *ops, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    add (ops, ROW_PUT, view, key, value);
}

void plv_row_delete (plv_buf_t *ops, plv_row_view_t view, plv_view_t key)
{
    add (ops, ROW_DELETE, view, key, plv_view (NULL, 0));
}

bool plv_row_next (plv_view_t ops, size_t *at, plv_row_t *ret_row)
{
    if (*at > ops.size || ops.size - *at < ROW_HEAD_BYTES)
        return false;
    const uint8_t *head = ops.data + *at;
    size_t room = ops.size - *at - ROW_HEAD_BYTES;
    size_t key_size = plv_get_u32 (head + 2);
    size_t value_size = plv_get_u32 (head + 6);
    bool known =
        (head[0] == ROW_PUT || (head[0] == ROW_DELETE && !value_size)) && head[1] < VIEW_COUNT_;
    if (!known || key_size > room || value_size > room - key_size)
        return false;
    *ret_row = (plv_row_t){.op = (plv_row_op_t) head[0],
                           .view = (plv_row_view_t) head[1],
                           .key = plv_view (head + ROW_HEAD_BYTES, key_size),
                           .value = plv_view (head + ROW_HEAD_BYTES + key_size, value_size)};
    *at += ROW_HEAD_BYTES + key_size + value_size;
    return true;
}
