/*  pairs -- the pairs of an encoded map, copied as they are
    OWNS    nothing
    THREAD  any
    FAILS   never: what cannot be read ends the copy
    COST    one walk over the map  */

#ifndef CORE_PAIRS_H
#define CORE_PAIRS_H

#include "base/buf.h"

/*  Appends the pairs of `map` but those named `one` and `other`; returns how many. What is no map has none.  */
uint32_t pairs_copy_but (plv_buf_t *buf, plv_view_t map, const char *one, const char *other);

#endif
