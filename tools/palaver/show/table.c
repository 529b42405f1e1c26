#include "palaver/show/table.h"

#include "base/check.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <stdio.h>

enum { LAST_LEAST = 20, NARROWED_LEAST = 12, CUT_LEAST = 4 };

table_t table_new (const out_t *out, const column_t *columns, size_t count)
{
    CHECK (count <= TABLE_COLUMNS_MAX, "%zu columns", count);
    return (table_t){.out = out, .columns = columns, .count = count};
}

void table_free (table_t *self)
{
    plv_buf_free (&self->cells);
}

static void put_list (plv_buf_t *out, plv_mp_t *value, size_t most)
{
    plv_buf_t whole = {0};
    plv_view_t text;
    uint32_t count;
    if (!plv_mp_array (value, &count))
        return;
    for (uint32_t i = 0; i < count && plv_mp_str (value, &text); i++) {
        if (i)
            text_put (&whole, ", ");
        plv_buf_add_view (&whole, text);
    }
    text_put_line (out, plv_buf_view (&whole), most);
    plv_buf_free (&whole);
}

/*  "+0.25 ms", "+3.1 s", "+2.0 h".  */
static void put_ms (plv_buf_t *out, double ms)
{
    static const struct {
        double below, divisor;
        const char *unit;
    } units[] = {{1e3, 1, "ms"}, {120e3, 1e3, "s"}, {7200e3, 60e3, "min"}, {1e300, 3600e3, "h"}};
    size_t unit = 0;
    double size = ms < 0 ? -ms : ms;
    while (unit + 1 < sizeof units / sizeof *units && size >= units[unit].below)
        unit++;
    text_putf (out, "%+.*f %s", unit ? 1 : 2, ms / units[unit].divisor, units[unit].unit);
}

void table_cell (plv_buf_t *out, const column_t *column, plv_view_t map)
{
    char time[TEXT_TIME_BYTES];
    plv_view_t text;
    plv_mp_t value;
    int64_t number;
    double ms;
    if (!plv_mp_find (map, column->key, &value))
        return;
    if (column->kind == COLUMN_LIST) {
        put_list (out, &value, column->most);
    } else if (plv_mp_str (&value, &text)) {
        text_put_line (out, text, column->most);
    } else if (column->kind == COLUMN_MS && plv_mp_double (&value, &ms)) {
        put_ms (out, ms);
    } else if (plv_mp_i64 (&value, &number)) {
        if (column->kind == COLUMN_LETTER && number == 0)
            return;
        if (column->kind == COLUMN_SPAN) {
            text_put_span (out, number);
            return;
        }
        if (column->kind == COLUMN_TIME || column->kind == COLUMN_EXACT)
            text_time (number, column->kind == COLUMN_EXACT, time);
        else
            snprintf (time, sizeof time, "%" PRId64, number);
        text_put (out, time);
    }
}

void table_add (table_t *self, plv_view_t map)
{
    self->total++;
    if (self->out->json) {
        out_json (map);
        return;
    }
    self->rows++;
    for (size_t i = 0; i < self->count; i++) {
        size_t from = self->cells.size;
        table_cell (&self->cells, &self->columns[i], map);
        plv_buf_check (&self->cells);
        size_t width = text_width (plv_view (self->cells.data + from, self->cells.size - from));
        if (!self->begun && width > self->widths[i])
            self->widths[i] = width;
        plv_buf_add_u8 (&self->cells, '\0');
    }
}

static void put_blanks (plv_buf_t *line, size_t count)
{
    while (count--)
        plv_buf_add_u8 (line, ' ');
}

/*  The last column takes what the terminal leaves, and those that were narrowed their width.  */
static void put_cell (const table_t *self, size_t column, plv_view_t text, plv_buf_t *line,
                      size_t *used)
{
    bool last = column + 1 == self->count, right = self->columns[column].kind == COLUMN_NUMBER
                                                   || self->columns[column].kind == COLUMN_LETTER
                                                   || self->columns[column].kind == COLUMN_MS;
    size_t width = text_width (text), wanted = self->widths[column];
    bool cut = self->narrowed[column] && width > wanted;
    size_t blanks = width < wanted ? wanted - width : 0;
    if (right)
        put_blanks (line, blanks);
    if (cut)
        text_put_line (line, text, wanted);
    else if (last && self->out->columns && *used + width > self->out->columns
             && *used + CUT_LEAST <= self->out->columns)
        text_put_line (line, text, self->out->columns - *used);
    else
        plv_buf_add_view (line, text);
    if (!last)
        put_blanks (line, (right ? 0 : blanks) + 2);
    *used += (cut ? wanted : width) + blanks + 2;
}

/*  The column that takes what the terminal leaves.  */
static size_t last_of (const table_t *self)
{
    return self->count - 1 - self->folds;
}

/*  What the columns need; the last one is cut or folded where the terminal ends, but not to nothing.  */
static size_t width_of (const table_t *self)
{
    size_t last = last_of (self);
    size_t width = self->widths[last] < LAST_LEAST ? self->widths[last] : LAST_LEAST;
    for (size_t i = 0; i < last; i++)
        width += self->left_out[i] ? 0 : self->widths[i] + 2;
    return width;
}

static size_t most_spare (const table_t *self)
{
    size_t found = self->count;
    for (size_t i = 0; i < last_of (self); i++)
        if (self->columns[i].spare && !self->left_out[i]
            && (found == self->count || self->columns[i].spare < self->columns[found].spare))
            found = i;
    return found;
}

static void leave_out (table_t *self)
{
    plv_buf_t names = {0};
    size_t spare;
    while (self->out->columns && width_of (self) > self->out->columns
           && (spare = most_spare (self)) < self->count) {
        self->left_out[spare] = true;
        text_putf (&names, "%s%s", names.size ? ", " : "", self->columns[spare].title);
    }
    if (names.size)
        say ("this terminal is too narrow for " PLV_VIEW_FMT "; --json has them",
             PLV_VIEW_ARG (plv_buf_view (&names)));
    plv_buf_free (&names);
}

/*  The widest text that may be cut, before the last column; none: the number of columns.  */
static size_t widest_text (const table_t *self)
{
    size_t found = self->count, most = NARROWED_LEAST;
    for (size_t i = 0; i < last_of (self); i++) {
        bool text = self->columns[i].kind == COLUMN_TEXT || self->columns[i].kind == COLUMN_LIST;
        if (text && self->columns[i].most && !self->left_out[i] && self->widths[i] > most) {
            found = i;
            most = self->widths[i];
        }
    }
    return found;
}

/*  Where nothing can be spared any more, texts are cut.  */
static void narrow (table_t *self)
{
    size_t widest;
    while (self->out->columns && width_of (self) > self->out->columns
           && (widest = widest_text (self)) < self->count) {
        self->narrowed[widest] = true;
        self->widths[widest]--;
    }
}

/*  Is the last column to stand below, since it is too wide to stand behind?  */
static bool must_fold (const table_t *self)
{
    size_t last = self->count - 1, width = self->widths[last];
    for (size_t i = 0; i < last; i++)
        width += self->widths[i] + 2;
    return self->columns[last].below && self->out->columns && width > self->out->columns;
}

static void put_titles (table_t *self)
{
    plv_buf_t line = {0};
    size_t used = 0;
    for (size_t i = 0; i < self->count; i++) {
        size_t width = text_width (plv_view_str (self->columns[i].title));
        if (width > self->widths[i])
            self->widths[i] = width;
    }
    self->folds = must_fold (self);
    self->left_out[self->count - 1] = self->folds;
    leave_out (self);
    narrow (self);
    out_colour (self->out, &line, "1");
    for (size_t i = 0; i < self->count; i++)
        if (self->folds && i + 2 == self->count)
            text_put (&line, self->columns[i].title);
        else if (!self->left_out[i])
            put_cell (self, i, plv_view_str (self->columns[i].title), &line, &used);
    out_colour (self->out, &line, "0");
    plv_buf_add_u8 (&line, '\n');
    out_flush (&line);
    plv_buf_free (&line);
    self->begun = true;
}

/*  Of a row whose columns are in `cells`, the last two.  */
static void put_folded (const table_t *self, const char *cell, plv_buf_t *lines, size_t used)
{
    const char *below = cell + strlen (cell) + 1;
    size_t half = self->out->columns / 2;
    text_put_folded (lines, plv_view_str (cell), used, self->out->columns);
    if (!*below)
        return;
    if (half >= LAST_LEAST && used > half) /* it has half the terminal at least */
        used = half;
    text_putf (lines, "\n%*s-> ", (int) used, "");
    text_put_folded (lines, plv_view_str (below), used + 3, self->out->columns);
}

void table_flush (table_t *self)
{
    plv_buf_t lines = {0};
    if (self->rows && !self->begun)
        put_titles (self);
    const char *cell = (const char *) self->cells.data;
    for (size_t row = 0; row < self->rows; row++) {
        size_t used = 0;
        for (size_t i = 0; i < self->count; i++) {
            if (self->folds && i + 2 == self->count)
                put_folded (self, cell, &lines, used);
            else if (!self->left_out[i])
                put_cell (self, i, plv_view_str (cell), &lines, &used);
            cell += strlen (cell) + 1;
        }
        plv_buf_add_u8 (&lines, '\n');
    }
    out_flush (&lines);
    plv_buf_free (&lines);
    plv_buf_clear (&self->cells);
    self->rows = 0;
}
