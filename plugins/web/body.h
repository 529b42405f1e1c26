/*  body -- what a client sends, a request's body or a message of a WebSocket, as JSON
    OWNS    nothing
    THREAD  the host's loop
    FAILS   with a sentence that says where
    COST    one parse  */

#ifndef WEB_BODY_H
#define WEB_BODY_H

#include "sdk/adapter.h"

enum { BODY_FAULT_BYTES = 256 };

/*  A JSON value (to be released with json_decref) and an empty `fault` when it is an object; else what is wrong. NULL:
    it is no JSON.  */
void *body_read (pal_text_t body, char fault[BODY_FAULT_BYTES]);

#endif
