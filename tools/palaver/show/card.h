/*  card -- one thing with its fields, a line each: what `show` and `status` print on a terminal
    OWNS    nothing: appends to the caller's buffer
    THREAD  main
    FAILS   never
    COST    one walk over the fields  */

#ifndef PALAVER_CARD_H
#define PALAVER_CARD_H

#include "palaver/show/table.h"

/*  The fields in this order, those that `map` does not have left out; titles are aligned.  */
void card_put (const out_t *out, plv_buf_t *buffer, const column_t *fields, size_t count,
               plv_view_t map);

/*  A title of its own line, above what follows.  */
void card_title (const out_t *out, plv_buf_t *buffer, const char *title);

/*  The array under `key` as a table; nothing when it is empty.  */
void card_table (const out_t *out, plv_buf_t *buffer, const char *title, plv_view_t map,
                 const char *key, const column_t *columns, size_t count);

#endif
