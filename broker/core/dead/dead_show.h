/*  dead_show -- one letter, whole
    OWNS    nothing
    THREAD  core only
    FAILS   says why in the answer
    COST    the letter's size  */

#ifndef CORE_DEAD_SHOW_H
#define CORE_DEAD_SHOW_H

#include "core/ask/ask.h"

extern const ask_kind_t ask_dead_show;

#endif
