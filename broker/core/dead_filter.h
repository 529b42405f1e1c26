/*  dead_filter -- which dead letters are meant, by the arguments of dead.list
    OWNS    nothing: views point into the arguments, which must outlive it
    THREAD  core only
    FAILS   never: an argument of another type asks for nothing
    COST    a few compares a letter; `text` is searched in the message  */

#ifndef CORE_DEAD_FILTER_H
#define CORE_DEAD_FILTER_H

#include "core/dead.h"

typedef struct {
    plv_view_t platform, adapter, session, user, route, type; /* empty: any */
    plv_view_t reason, outcome, code, text;
    uint64_t since_us; /* dead at this time or later, wall clock; 0: any */
    uint64_t until_us; /* dead before this time; 0: any */
    uint64_t attempts; /* at least so many */
} dead_filter_t;

void dead_filter_read (plv_view_t arguments, dead_filter_t *ret_filter);
bool dead_filter_takes (const dead_filter_t *self, const dead_t *dead, const entry_t *entry);

#endif
