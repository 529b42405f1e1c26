/*  json -- between JSON text, as plugins and programs speak it, and the wire's msgpack
    OWNS    nothing: both directions append to the caller's buffer
    THREAD  any
    FAILS   plv_json_to_mp with ERR_SYNTAX, ERR_RANGE or ERR_NOMEM, and nothing appended; plv_json_from_mp with
            false on bytes that are not one well-formed value, and nothing appended
    COST    one walk; a small tree in the direction of the wire

    Bytes become base64 text, an extension null, a number that is no number null.  */

#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/buf.h"
#include "base/err.h"

typedef enum { PLV_JSON_OBJECT, PLV_JSON_ARRAY, PLV_JSON_ANY } plv_json_kind_t;

/*  `text` must be one value of that kind; an error's text names the line.  */
plv_err_t plv_json_to_mp (plv_buf_t *out, plv_view_t text, plv_json_kind_t kind,
                          plv_fail_t *ret_fail);

/*  The pairs of an object, without the map's head; adds their number to `*count`.  */
plv_err_t plv_json_pairs_to_mp (plv_buf_t *out, plv_view_t text, uint32_t *count,
                                plv_fail_t *ret_fail);

/*  jansson's value; false when it is nested deeper than the wire allows, and nothing appended.  */
struct json_t;
bool plv_json_put_value (plv_buf_t *out, const struct json_t *value);

bool plv_json_from_mp (plv_buf_t *out, plv_view_t value);

/*  A quoted JSON text; bytes that are not UTF-8 become U+FFFD.  */
void plv_json_put_text (plv_buf_t *out, plv_view_t text);

#endif
