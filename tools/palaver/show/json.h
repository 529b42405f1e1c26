/*  json -- msgpack as JSON text
    OWNS    nothing: appends to the caller's buffer
    THREAD  any
    FAILS   never: what is no msgpack becomes null
    COST    one walk

    Bytes become base64. Keys of maps that are no texts are shown as one. Infinity and NaN, which JSON does not have,
    become null. Control characters, also those above 7F, are escaped: a line of JSON does nothing to a terminal.  */

#ifndef PALAVER_JSON_H
#define PALAVER_JSON_H

#include "base/buf.h"

/*  The value as it is.  */
void json_put (plv_buf_t *out, plv_view_t value);

/*  The value as users see it in every tool: times (keys that end in _us, and `timestamp`) become RFC 3339 texts under
    the key without _us, or null when there is none. Inside body, state and metadata nothing is changed.  */
void json_put_shown (plv_buf_t *out, plv_view_t value);

void json_put_text (plv_buf_t *out, plv_view_t text);

#endif
