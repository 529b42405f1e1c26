/*  dead_list -- a page of dead letters
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_LIST_H
#define CORE_DEAD_LIST_H

#include "core/ask/ask.h"
#include "core/core.h"
#include "core/peer/peer.h"

extern const ask_kind_t ask_dead_list;

void list_answer (core_t *self, peer_t *peer,
                  const ask_t *ask); /* with the letters of ask->items */

#endif
