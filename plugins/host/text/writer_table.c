#include "base/alloc.h"
#include "host/text/grapheme.h"
#include "host/text/writer.h"

#include <stdlib.h>

enum { ROOM_FIRST = 64 };

/*  Platforms that have tables get one; the others get lines in a fence, padded so that columns stand.  */
static bool has_tables (const writer_t *self)
{
    return self->is_page || self->flavour->id == PAL_MARKDOWN_COMMON;
}

/* ------------------------------------------------------------------ tables as such */

static void open_cell (writer_t *self)
{
    if (!self->is_page) {
        layout_text (self->layout, plv_view_str ("| "), FORM_URL);
        return;
    }
    layout_frame_t frame = {.open = plv_view_str (self->is_head ? "<th>" : "<td>"),
                            .again = plv_view_str ("<td>"),
                            .close = plv_view_str (self->is_head ? "</th>" : "</td>")};
    frame.again = frame.open;
    layout_open (self->layout, &frame);
    layout_mark (self->layout, STEP_TOUCH);
}

static void close_cell (writer_t *self)
{
    if (self->is_page) {
        layout_close (self->layout);
        layout_break (self->layout, CUT_WORD, 0, NULL);
    } else {
        layout_text (self->layout, plv_view_str (" "), FORM_URL);
    }
}

/*  Empty cells are written when one with something in it follows: rows that are filled up by the parser do
    not make a small table a large one.  */
void writer_begin_cell (writer_t *self)
{
    if (!self->cell_waits)
        return;
    self->cell_waits = false;
    for (; self->cells_due; self->cells_due--) {
        open_cell (self);
        close_cell (self);
    }
    open_cell (self);
}

static void leave_cell (writer_t *self)
{
    if (self->cell_waits)
        self->cells_due++;
    else
        close_cell (self);
    self->cell_waits = false;
}

static void enter_part (writer_t *self, const char *open, const char *close)
{
    layout_frame_t frame = {
        .open = plv_view_str (open), .again = plv_view_str (open), .close = plv_view_str (close)};
    if (self->is_page)
        layout_open (self->layout, &frame);
}

static void leave_part (writer_t *self)
{
    if (self->is_page)
        layout_close (self->layout);
}

/*  |---|---|  */
static void head_line (writer_t *self, unsigned columns)
{
    layout_break (self->layout, CUT_NONE, 1, NULL);
    for (unsigned at = 0; at < columns; at++)
        layout_text (self->layout, plv_view_str ("|---"), FORM_URL);
    layout_text (self->layout, plv_view_str ("|"), FORM_URL);
}

static void leave_row (writer_t *self)
{
    leave_part (self);
    if (!self->is_page) {
        for (; self->is_head && self->cells_due; self->cells_due--)
            layout_text (self->layout, plv_view_str ("| "), FORM_URL);
        layout_text (self->layout, plv_view_str ("|"), FORM_URL);
        if (self->is_head)
            head_line (self, self->columns);
    }
    self->cells_due = 0;
    layout_break (self->layout, CUT_LINE, self->is_page ? 0 : 1, NULL);
}

/* ------------------------------------------------------------------ tables as lines */

static void *room (void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : ROOM_FIRST;
    return plv_realloc (items, *capacity * size);
}

static void add_cell (writer_t *self, MD_ALIGN align)
{
    self->grid = room (self->grid, self->grid_count, &self->grid_capacity, sizeof *self->grid);
    uint32_t at = (uint32_t) self->cells.size;
    self->grid[self->grid_count++] = (writer_cell_t){.from = at, .to = at, .align = align};
}

static size_t row_begin (const writer_t *self, size_t row)
{
    return row ? self->rows[row - 1] : 0;
}

static void end_row (writer_t *self)
{
    size_t begin = row_begin (self, self->row_count);
    while (self->grid_count > begin
           && self->grid[self->grid_count - 1].from == self->grid[self->grid_count - 1].to)
        self->grid_count--;
    self->rows = room (self->rows, self->row_count, &self->row_capacity, sizeof *self->rows);
    self->rows[self->row_count++] = self->grid_count;
}

static plv_view_t cell_text (const writer_t *self, size_t at)
{
    const writer_cell_t *cell = &self->grid[at];
    return cell->to > cell->from ? plv_view (self->cells.data + cell->from, cell->to - cell->from)
                                 : plv_view (NULL, 0);
}

typedef struct {
    size_t columns;
    size_t width[WRITER_COLUMNS_MAX];
    size_t *sizes; /* of the cells, as a reader counts */
} grid_t;

static grid_t measure (const writer_t *self)
{
    grid_t grid = {0};
    grapheme_t *graphemes = grapheme_new ();
    grid.sizes = plv_alloc_zero (self->grid_count + 1, sizeof *grid.sizes);
    for (size_t row = 0; row < self->row_count; row++) {
        size_t begin = row_begin (self, row), count = self->rows[row] - begin;
        grid.columns = count > grid.columns ? count : grid.columns;
        for (size_t at = 0; at < count; at++) {
            size_t size = grapheme_count (graphemes, cell_text (self, begin + at));
            grid.sizes[begin + at] = size;
            if (at < WRITER_COLUMNS_MAX && size > grid.width[at])
                grid.width[at] = size < WRITER_WIDTH_MAX ? size : WRITER_WIDTH_MAX;
        }
    }
    grapheme_destroy (&graphemes);
    return grid;
}

static void put_repeat (plv_buf_t *out, uint8_t byte, size_t count)
{
    while (count-- > 0)
        plv_buf_add_u8 (out, byte);
}

static size_t padding (const grid_t *grid, size_t column, size_t size)
{
    size_t width = column < WRITER_COLUMNS_MAX ? grid->width[column] : 0;
    return width > size ? width - size : 0;
}

static void put_row (const writer_t *self, plv_buf_t *out, const grid_t *grid, size_t row)
{
    size_t begin = row_begin (self, row), count = self->rows[row] - begin;
    for (size_t at = 0; at < count; at++) {
        size_t space = padding (grid, at, grid->sizes[begin + at]);
        bool is_right = self->grid[begin + at].align == MD_ALIGN_RIGHT;
        if (at)
            plv_buf_add_view (out, plv_view_str (" | "));
        if (is_right)
            put_repeat (out, ' ', space);
        plv_buf_add_view (out, cell_text (self, begin + at));
        if (!is_right && at + 1 < count)
            put_repeat (out, ' ', space);
    }
    plv_buf_add_u8 (out, '\n');
}

static void put_head_line (plv_buf_t *out, const grid_t *grid)
{
    for (size_t at = 0; at < grid->columns && at < WRITER_COLUMNS_MAX; at++) {
        if (at)
            plv_buf_add_view (out, plv_view_str ("-|-"));
        put_repeat (out, '-', grid->width[at] ? grid->width[at] : 1);
    }
    plv_buf_add_u8 (out, '\n');
}

static void put_table (writer_t *self)
{
    plv_buf_t text = {0};
    grid_t grid = measure (self);
    for (size_t row = 0; row < self->row_count; row++) {
        put_row (self, &text, &grid, row);
        if (row == 0)
            put_head_line (&text, &grid);
    }
    writer_fence (self, plv_buf_view (&text), plv_view (NULL, 0));
    plv_buf_free (&text);
    free (grid.sizes);
}

/* ------------------------------------------------------------------ the parser's calls */

static void enter_cell (writer_t *self, MD_ALIGN align)
{
    self->in_cell = true;
    if (self->in_table)
        add_cell (self, align);
    else
        self->cell_waits = true;
}

static void enter_table (writer_t *self, const MD_BLOCK_TABLE_DETAIL *detail)
{
    self->columns = detail->col_count;
    self->in_table = !has_tables (self);
    self->grid_count = self->row_count = 0;
    self->cells_due = 0;
    plv_buf_clear (&self->cells);
    if (!self->in_table)
        enter_part (self, "<table>", "</table>");
}

void writer_enter_table (writer_t *self, MD_BLOCKTYPE type, const void *detail)
{
    const MD_BLOCK_TD_DETAIL *cell = detail;
    if (type == MD_BLOCK_TABLE)
        enter_table (self, detail);
    else if (type == MD_BLOCK_TH || type == MD_BLOCK_TD)
        enter_cell (self, cell->align);
    else if (self->in_table)
        return;
    else if (type == MD_BLOCK_THEAD)
        enter_part (self, "<thead>", "</thead>");
    else if (type == MD_BLOCK_TBODY)
        enter_part (self, "<tbody>", "</tbody>");
    else if (type == MD_BLOCK_TR)
        enter_part (self, "<tr>", "</tr>");
    self->is_head = type == MD_BLOCK_THEAD || (self->is_head && type != MD_BLOCK_TBODY);
}

static void leave_line_cell (writer_t *self)
{
    self->grid[self->grid_count - 1].to = (uint32_t) self->cells.size;
}

void writer_leave_table (writer_t *self, MD_BLOCKTYPE type)
{
    bool is_cell = type == MD_BLOCK_TH || type == MD_BLOCK_TD;
    if (is_cell && self->in_table)
        leave_line_cell (self);
    else if (is_cell)
        leave_cell (self);
    else if (type == MD_BLOCK_TR && self->in_table)
        end_row (self);
    else if (type == MD_BLOCK_TR)
        leave_row (self);
    else if (type == MD_BLOCK_TABLE && self->in_table)
        put_table (self);
    else if (!self->in_table && type != MD_BLOCK_DOC && type != MD_BLOCK_HTML)
        leave_part (self);
    self->in_cell = self->in_cell && !is_cell;
    self->in_table = self->in_table && type != MD_BLOCK_TABLE;
}
