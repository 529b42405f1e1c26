/*  correct -- a message with another text, that says which one it corrects
    OWNS    nothing
    THREAD  any
    FAILS   with false when `body` is no map
    COST    one walk over the top-level keys, one copy of the body  */

#ifndef CORE_CORRECT_H
#define CORE_CORRECT_H

#include "base/buf.h"

/*  Appends `body` with message_text = `text` and metadata.copy_of = `original`, an id as text.  */
bool correct_body (plv_buf_t *buf, plv_view_t body, plv_view_t text, const char *original);

/*  metadata.copy_of; empty: it corrects none.  */
plv_view_t correct_of (plv_view_t body);

#endif
