/*  shelf -- things found by a text, the least recently used one first to go
    OWNS    its buckets; the things belong to their makers, who embed an entry_t
    THREAD  the host's loop
    FAILS   never, once shelf_init has returned true
    COST    O(1); keys are hashed with a secret, so that no client can choose keys that collide  */

#ifndef WEB_SHELF_H
#define WEB_SHELF_H

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
} shelf_t;

/*  Room for about `expected` things; more only make it slower.  */
bool shelf_init (shelf_t *self, const pal_host_t *host, size_t expected);
void shelf_free (shelf_t *self);

entry_t *shelf_get (const shelf_t *self, pal_text_t key);
/*  The next one behind `entry` with the same key; NULL: there is none.  */
entry_t *shelf_next (const entry_t *entry);
/*  `entry->key` is set, and in no shelf. The newest of one key is the one that is got.  */
void shelf_put (shelf_t *self, entry_t *entry);
void shelf_remove (shelf_t *self, entry_t *entry);
/*  It was used now.  */
void shelf_touch (shelf_t *self, entry_t *entry);
/*  NULL: the shelf is empty.  */
entry_t *shelf_oldest (const shelf_t *self);

/*  The struct of type `type` whose member `member` is `entry`.  */
#define ENTRY_OF(entry, type, member)                                                              \
    ((type *) (void *) ((char *) (entry) -offsetof (type, member)))

#endif
