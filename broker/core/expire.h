/*  expire -- what happens when a timer is due
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_EXPIRE_H
#define CORE_EXPIRE_H

#include "core/core.h"

void expire_due (core_t *self);

#endif
