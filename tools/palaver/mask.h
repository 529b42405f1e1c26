/*  mask -- what a dead letter holds, with what looks like a secret taken out
    OWNS    nothing
    THREAD  any
    FAILS   never: what is no msgpack is passed over
    COST    one copy

    A value under a key that names a secret (password, token, ...) is masked whole, and so is, inside a text, what
    stands behind such a word and : or =, behind "Bearer ", and what begins as keys of well-known services do. It is a
    help against shoulders and logs, no promise: what people write may be secret in ways that no table knows.  */

#ifndef PALAVER_MASK_H
#define PALAVER_MASK_H

#include "base/buf.h"

/*  Appends `value`, masked.  */
void mask_put (plv_buf_t *out, plv_view_t value);

/*  Appends `text`, masked.  */
void mask_put_text (plv_buf_t *out, plv_view_t text);

#endif
