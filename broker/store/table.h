/*  table -- the rows of one view in memory, sorted by key
    OWNS    copies of keys and values
    THREAD  that of its owner
    FAILS   never: out of memory stops the program
    COST    find: O(log n); put of a new key and remove: O(n) pointers moved  */

#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include "base/view.h"

typedef struct {
    plv_view_t key; /* key and value lie in one block, which begins at key.data */
    plv_view_t value;
} table_row_t;

typedef struct {
    table_row_t *rows;
    size_t count;
    size_t capacity;
} table_t;

void table_free (table_t *self);
/*  The first row that is not below `key`.  */
size_t table_seek (const table_t *self, plv_view_t key);
const table_row_t *table_get (const table_t *self, plv_view_t key);
void table_put (table_t *self, plv_view_t key, plv_view_t value);
void table_remove (table_t *self, plv_view_t key);
void table_copy (table_t *self, const table_t *from);

/*  <0, 0, >0: bytes as unsigned numbers, a prefix before what it begins.  */
int table_compare (plv_view_t a, plv_view_t b);

#endif
