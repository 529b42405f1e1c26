/*  sse -- server-sent events out of bytes that come in any pieces
    OWNS    the line and the event that are not complete yet, freed by sse_free
    THREAD  that of its owner
    FAILS   when an event is larger than SSE_EVENT_BYTES_MAX or memory runs out: `failed` is set, and what comes
            later is ignored
    COST    one pass over the bytes

    As the HTML standard has it: lines end in LF, CR or CRLF; comments and unknown fields are skipped; an event
    without data is none; a byte order mark at the beginning is skipped.  */

#ifndef ADVISOR_CLAUDE_SSE_H
#define ADVISOR_CLAUDE_SSE_H

#include "base/buf.h"

enum { SSE_EVENT_BYTES_MAX = 1024 * 1024 };

typedef struct {
    plv_buf_t line;
    plv_buf_t event;
    plv_buf_t data;
    bool has_data; /* the event has a line of data, maybe an empty one */
    bool after_cr;
    bool begun;
    bool failed;
} sse_t;

/*  `event` is "message" when the stream does not name one. The views end with the call.  */
typedef void sse_take_t (void *arg, plv_view_t event, plv_view_t data);

void sse_feed (sse_t *self, plv_view_t bytes, sse_take_t *take, void *arg);
void sse_free (sse_t *self);

#endif
