/*  json -- between the plugin's JSON text and the wire's msgpack
    OWNS    nothing: both directions append to the caller's buffer
    THREAD  any
    FAILS   json_to_msgpack with ERR_SYNTAX, ERR_RANGE or ERR_NOMEM, and nothing appended; msgpack_to_json with
            false on bytes that are not one well-formed value, and nothing appended
    COST    one walk; a small tree in the direction of the wire

    Bytes become base64 text, an extension null, a number that is no number null.  */

#ifndef HOST_JSON_H
#define HOST_JSON_H

#include "base/buf.h"
#include "base/err.h"

typedef enum { JSON_IS_OBJECT, JSON_IS_ARRAY } json_kind_t;

/*  `text` must be one object or one array; an error's text names the line.  */
plv_err_t json_to_msgpack (plv_buf_t *out, plv_view_t text, json_kind_t kind, plv_fail_t *ret_fail);

/*  The pairs of an object, without the map's head; adds their number to `*count`.  */
plv_err_t json_pairs_to_msgpack (plv_buf_t *out, plv_view_t text, uint32_t *count,
                                 plv_fail_t *ret_fail);

bool json_from_msgpack (plv_buf_t *out, plv_view_t value);

/*  A quoted JSON text; bytes that are not UTF-8 become U+FFFD.  */
void json_put_text (plv_buf_t *out, plv_view_t text);

#endif
