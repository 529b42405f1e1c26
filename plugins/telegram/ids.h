/*  ids -- a map from chat ids to numbers
    OWNS    its table
    THREAD  any, one at a time
    FAILS   ids_put when memory runs out
    COST    O(1); 16 bytes a pair, at most half full  */

#ifndef TELEGRAM_IDS_H
#define TELEGRAM_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t key; /* 0: free; no chat has this id */
    int64_t value;
} id_pair_t;

typedef struct {
    id_pair_t *pairs;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} ids_t;

/*  False: no memory, or the key is 0.  */
bool ids_put (ids_t *self, int64_t key, int64_t value);
/*  `ret_value` may be NULL.  */
bool ids_get (const ids_t *self, int64_t key, int64_t *ret_value);
void ids_remove (ids_t *self, int64_t key);
void ids_free (ids_t *self);

#endif
