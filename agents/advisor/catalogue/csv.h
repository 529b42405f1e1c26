/*  csv -- records out of a comma-separated file (RFC 4180)
    OWNS    one copy of the text; fields are views into it, good until the next record
    THREAD  that of its owner
    FAILS   with ERR_SYNTAX, ERR_UTF8 or ERR_RANGE and "file:line: what is wrong"
    COST    one pass over the text, nothing allocated per record

    Quoted fields may hold commas, doubled quotes and line breaks; lines end in CRLF or LF; a byte order
    mark is skipped, and so are empty lines. The first record names the columns, and every other record
    has as many fields.  */

#ifndef ADVISOR_CSV_H
#define ADVISOR_CSV_H

#include "base/err.h"
#include "base/view.h"

enum { CSV_COLUMNS_MAX = 64, CSV_BYTES_MAX = 64 * 1024 * 1024 };

typedef struct csv csv_t;

/*  Reads `file` whole.  */
plv_err_t csv_open (const char *file, csv_t **ret_csv, plv_fail_t *ret_fail);

/*  From bytes in memory; `name` stands for the file in errors.  */
plv_err_t csv_new (plv_view_t text, const char *name, csv_t **ret_csv, plv_fail_t *ret_fail);
void csv_destroy (csv_t **self_p);

/*  The column of that name (without regard to case), or -1.  */
int csv_column (const csv_t *self, const char *name);
size_t csv_columns (const csv_t *self);

/*  Goes to the next record: ERR_OK, ERR_NOENT at the end, or what is wrong with it.  */
plv_err_t csv_next (csv_t *self, plv_fail_t *ret_fail);

/*  A field of the current record; empty for column -1.  */
plv_view_t csv_field (const csv_t *self, int column);

/*  The line on which the current record begins, from 1, and the name for messages.  */
unsigned csv_line (const csv_t *self);
const char *csv_name (const csv_t *self);

#endif
