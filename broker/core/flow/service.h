/*  service -- what workers offer and routes ask for, by name
    OWNS    its name and cache keys; workers and lanes belong to others
    THREAD  core only
    FAILS   never
    COST    pick: O(1)  */

#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"

typedef struct service {
    char name[NAME_BYTES_MAX + 1];
    plv_node_t idle;  /* servings of workers with credit, the one served least recently first */
    plv_node_t lanes; /* routes that lead here; the next to be asked first */
    plv_node_t calls; /* that wait, the next one first */
    plv_node_t trials;
    uint32_t open; /* calls and trials, with those that workers have */
    uint32_t workers;
    int64_t left_us; /* monotonic: when the last worker of it went away */
    plv_buf_t
        cache_keys; /* of the session's state, as the worker that came last declared: NUL-terminated texts */
} service_t;

#endif
