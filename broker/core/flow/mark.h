/*  mark -- a word of the broker's in a response's metadata
    OWNS    nothing
    THREAD  any
    FAILS   never; a body that is no map is copied as it is
    COST    one walk over the top-level keys, one copy of the body  */

#ifndef CORE_MARK_H
#define CORE_MARK_H

#include "base/buf.h"

/*  Appends `body` with metadata.KEY = true, whatever stood there before.  */
void mark_body (plv_buf_t *buf, plv_view_t body, const char *key);

#endif
