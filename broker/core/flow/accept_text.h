/*  accept_text -- two messages joined into one body (overlap merge)
    OWNS    nothing
    THREAD  any
    FAILS   never: both bodies were checked when they were accepted
    COST    one copy of both  */

#ifndef CORE_ACCEPT_TEXT_H
#define CORE_ACCEPT_TEXT_H

#include "base/buf.h"
#include "base/id.h"

/*  Appends the body of `first` with the message_text of `second` below its own. Everything else that came with
    `second` is a map in the list metadata.merged: its id as text, and its metadata, attachments and what
    more it has.  */
void accept_join_texts (plv_buf_t *buf, plv_view_t first, plv_view_t second, const plv_id_t *id);

#endif
