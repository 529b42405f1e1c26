#include "store/table.h"

#include "base/alloc.h"

#include <stdlib.h>

static void row_free (table_row_t *row)
{
    free ((void *) row->key.data);
}

static table_row_t row_of (plv_view_t key, plv_view_t value)
{
    uint8_t *block = plv_alloc (key.size + value.size + 1);
    if (key.size)
        memcpy (block, key.data, key.size);
    if (value.size)
        memcpy (block + key.size, value.data, value.size);
    return (table_row_t){.key = plv_view (block, key.size),
                         .value = plv_view (block + key.size, value.size)};
}

void table_free (table_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        row_free (&self->rows[i]);
    free (self->rows);
    *self = (table_t){.rows = NULL};
}

int table_compare (plv_view_t a, plv_view_t b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp (a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

size_t table_seek (const table_t *self, plv_view_t key)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table_compare (self->rows[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const table_row_t *table_get (const table_t *self, plv_view_t key)
{
    size_t at = table_seek (self, key);
    return at < self->count && plv_view_equal (self->rows[at].key, key) ? &self->rows[at] : NULL;
}

static void insert (table_t *self, size_t at, table_row_t row)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 16;
        self->rows = plv_realloc (self->rows, self->capacity * sizeof *self->rows);
    }
    memmove (self->rows + at + 1, self->rows + at, (self->count - at) * sizeof *self->rows);
    self->rows[at] = row;
    self->count++;
}

void table_put (table_t *self, plv_view_t key, plv_view_t value)
{
    size_t at = table_seek (self, key);
    table_row_t row = row_of (key, value);
    if (at < self->count && plv_view_equal (self->rows[at].key, key)) {
        row_free (&self->rows[at]);
        self->rows[at] = row;
    } else {
        insert (self, at, row);
    }
}

void table_remove (table_t *self, plv_view_t key)
{
    size_t at = table_seek (self, key);
    if (at == self->count || !plv_view_equal (self->rows[at].key, key))
        return;
    row_free (&self->rows[at]);
    self->count--;
    memmove (self->rows + at, self->rows + at + 1, (self->count - at) * sizeof *self->rows);
}

void table_copy (table_t *self, const table_t *from)
{
    for (size_t i = 0; i < from->count; i++)
        insert (self, i, row_of (from->rows[i].key, from->rows[i].value));
}
