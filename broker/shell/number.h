/*  number -- the numbers by which peers are known
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one hash lookup

    A peer that is refused has another one with its next packet: who does nothing else comes to the end of them within
    days. Then they begin anew, but for those of peers that are there: whoever got such a one would be taken for it.  */

#ifndef SHELL_NUMBER_H
#define SHELL_NUMBER_H

#include "base/map.h"

/*  Never 0. Peers that are there are few: one of their numbers is followed by a free one soon.  */
static inline uint32_t number_after (uint32_t last, const plv_map_u64_t *taken)
{
    do
        last++;
    while (last == 0 || plv_map_u64_get (taken, last));
    return last;
}

#endif
