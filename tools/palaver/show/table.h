/*  table -- rows of a listing: columns on a terminal, a line of JSON each off it
    OWNS    its cells, freed by table_free
    THREAD  main
    FAILS   never
    COST    the rows of a page are in memory until table_flush; widths are those of the first page

    table_t table = table_new (&call->out, columns, count); table_add (&table, map); table_flush (&table);  */

#ifndef PALAVER_TABLE_H
#define PALAVER_TABLE_H

#include "palaver/show/out.h"

typedef enum {
    COLUMN_TEXT,
    COLUMN_NUMBER,
    COLUMN_LETTER, /* the number of a dead letter; 0, which none has, is shown as nothing */
    COLUMN_TIME,   /* microseconds since 1970 */
    COLUMN_EXACT,  /* the same, to the microsecond */
    COLUMN_SPAN,   /* seconds that went by: shown in the units that suit */
    COLUMN_MS,     /* milliseconds that went by: shown in the unit that suits */
    COLUMN_LIST,   /* an array of texts */
} column_kind_t;

typedef struct {
    const char *title;
    const char *key;
    column_kind_t kind;
    size_t
        most; /* columns that it takes at most, and fewer where the terminal is narrow; 0: no bound, never cut */
    bool below;     /* of the last one: on a terminal that is too narrow it stands under its row */
    unsigned spare; /* on a terminal that is too narrow 1 is left out first, then 2 ...; 0: never */
} column_t;

enum { TABLE_COLUMNS_MAX = 16 };

typedef struct {
    const out_t *out;
    const column_t *columns;
    size_t count;
    size_t widths[TABLE_COLUMNS_MAX];
    bool left_out[TABLE_COLUMNS_MAX];
    bool narrowed[TABLE_COLUMNS_MAX]; /* cut to their widths */
    plv_buf_t cells;                  /* each ended by NUL */
    size_t rows;                      /* in `cells` */
    size_t total;
    bool
        folds; /* the last column stands under its row, and what is before it in as many lines as it takes */
    bool begun; /* the titles are printed */
} table_t;

table_t table_new (const out_t *out, const column_t *columns, size_t count);
void table_add (table_t *self, plv_view_t map);
void table_flush (table_t *self);
void table_free (table_t *self);

/*  Appends what stands in `map` under the key of `column`, as text.  */
void table_cell (plv_buf_t *out, const column_t *column, plv_view_t map);

#endif
