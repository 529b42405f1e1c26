/*  trace -- W3C Trace Context: where a request belongs in somebody's trace
    OWNS    its text
    THREAD  the host's loop
    FAILS   never: what is not valid is not taken over, and a trace begins here
    COST    24 random bytes  */

#ifndef WEB_TRACE_H
#define WEB_TRACE_H

#include "sdk/adapter.h"

enum { TRACE_BYTES = 55, TRACE_ID_AT = 3, TRACE_ID_BYTES = 32 };

typedef struct {
    char text[TRACE_BYTES + 1]; /* a traceparent */
} trace_t;

/*  Goes on with `parent` under a span of our own; without a valid one a new trace begins.  */
void trace_begin (trace_t *self, const pal_host_t *host, pal_text_t parent);

#endif
