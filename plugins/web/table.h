/*  table -- things found by a text, the least recently used one first to go
    OWNS    its buckets; the things belong to their makers, who embed an entry_t
    THREAD  the host's loop
    FAILS   never, once table_init has returned true
    COST    O(1); keys are hashed with a secret, so that no client can choose keys that collide  */

#ifndef WEB_TABLE_H
#define WEB_TABLE_H

#include "sdk/adapter.h"

typedef struct entry {
    struct entry *chain;
    struct entry *older, *newer; /* by use */
    pal_text_t key;              /* points into the thing */
} entry_t;

typedef struct {
    entry_t **buckets;
    size_t mask;
    size_t count;
    entry_t ends; /* .newer is the oldest, .older the newest */
    uint8_t secret[16];
} table_t;

/*  Room for about `expected` things; more only make it slower.  */
bool table_init (table_t *self, const pal_host_t *host, size_t expected);
void table_free (table_t *self);

entry_t *table_get (const table_t *self, pal_text_t key);
/*  `entry->key` is set, and in no table.  */
void table_put (table_t *self, entry_t *entry);
void table_remove (table_t *self, entry_t *entry);
/*  It was used now.  */
void table_touch (table_t *self, entry_t *entry);
/*  NULL: the table is empty.  */
entry_t *table_oldest (const table_t *self);

/*  The struct of type `type` whose member `member` is `entry`.  */
#define ENTRY_OF(entry, type, member)                                                              \
    ((type *) (void *) ((char *) (entry) -offsetof (type, member)))

#endif
