/*  dead_list -- a page of dead letters: begins, takes rows, and goes on when all have come
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_LIST_H
#define CORE_DEAD_LIST_H

#include "core/ask/ask.h"
#include "core/core.h"

void list_go_on (core_t *self, ask_t *ask);
void list_take (core_t *self, ask_t *ask, const input_t *input);
void list_next (core_t *self, ask_t *ask);
void list_answer (core_t *self, const ask_t *ask);
const char *list_service (core_t *self, plv_view_t route); /* that the route leads to; "": none */
void list_routes_of (core_t *self, plv_view_t service, plv_buf_t *hashes); /* uint32_t each */

#endif
