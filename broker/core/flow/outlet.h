/*  outlet -- where replies for one adapter wait, whether it is connected or not
    OWNS    its name; sessions and replies belong to the core
    THREAD  core only
    FAILS   never
    COST    O(1)  */

#ifndef CORE_OUTLET_H
#define CORE_OUTLET_H

#include "base/limits.h"
#include "base/list.h"
#include "core/flow/pace.h"
#include "core/state/label.h"

struct peer;

typedef struct outlet {
    char name[NAME_BYTES_MAX + 1];
    label_t *label;     /* the same */
    struct peer *peer;  /* NULL: not connected */
    uint32_t replies;   /* that are to go through it */
    uint64_t walk;      /* of the core: see outbox_send */
    plv_node_t unsent;  /* replies that are the first of their session for it, and wait */
    pace_t in, out;     /* events accepted, replies sent */
    plv_node_t orphans; /* replies that its process may still have in hand */
} outlet_t;

#endif
