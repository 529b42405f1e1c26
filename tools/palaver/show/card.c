#include "palaver/show/card.h"

#include "palaver/show/text.h"
#include "wire/mp.h"

static size_t widest (const column_t *fields, size_t count)
{
    size_t widest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t width = text_width (plv_view_str (fields[i].title));
        widest = width > widest ? width : widest;
    }
    return widest;
}

void card_put (const out_t *out, plv_buf_t *buffer, const column_t *fields, size_t count,
               plv_view_t map)
{
    size_t width = widest (fields, count);
    plv_buf_t cell = {0};
    for (size_t i = 0; i < count; i++) {
        plv_buf_clear (&cell);
        table_cell (&cell, &fields[i], map);
        if (cell.size == 0)
            continue;
        out_colour (out, buffer, "1");
        text_putf (buffer, "%-*s", (int) width, fields[i].title);
        out_colour (out, buffer, "0");
        text_put (buffer, "  ");
        plv_buf_add_view (buffer, plv_buf_view (&cell));
        plv_buf_add_u8 (buffer, '\n');
    }
    plv_buf_free (&cell);
}

void card_title (const out_t *out, plv_buf_t *buffer, const char *title)
{
    plv_buf_add_u8 (buffer, '\n');
    out_colour (out, buffer, "1");
    text_put (buffer, title);
    out_colour (out, buffer, "0");
    plv_buf_add_u8 (buffer, '\n');
}

void card_table (const out_t *out, plv_buf_t *buffer, const char *title, plv_view_t map,
                 const char *key, const column_t *columns, size_t count)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t left;
    if (!plv_mp_find (map, key, &items) || !plv_mp_array (&items, &left) || left == 0)
        return;
    card_title (out, buffer, title);
    out_flush (buffer);
    table_t table = table_new (out, columns, count);
    while (left-- && plv_mp_skip (&items, &item))
        table_add (&table, item);
    table_flush (&table);
    table_free (&table);
}
