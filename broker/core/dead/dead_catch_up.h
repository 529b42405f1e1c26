/*  dead_catch_up -- letters that an older release left without a brief
    OWNS    nothing
    THREAD  core only
    FAILS   never: what cannot be read has none
    COST    every letter is read once, in pieces  */

#ifndef CORE_DEAD_CATCH_UP_H
#define CORE_DEAD_CATCH_UP_H

#include "core/core.h"

void catch_up_start (core_t *self);

#endif
