/*  mask -- what people and agents wrote, with what looks like a secret taken out
    OWNS    nothing
    THREAD  any
    FAILS   never: what is no msgpack is passed over
    COST    one copy

    A value under a key that names a secret (password, token, ...) is masked whole, and so is, inside a text, what
    stands behind such a word and : or =, behind "Bearer ", and what begins as keys of well-known services do. It is a
    help against shoulders and logs, no promise: what people write may be secret in ways that no table knows.  */

#ifndef PLV_WIRE_MASK_H
#define PLV_WIRE_MASK_H

#include "base/buf.h"

/*  Appends `value`, masked.  */
void plv_mask_put (plv_buf_t *out, plv_view_t value);

/*  Appends `text`, masked.  */
void plv_mask_put_text (plv_buf_t *out, plv_view_t text);

#endif
