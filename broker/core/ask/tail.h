/*  tail -- a tool that is shown what happens, as it happens
    OWNS    its filter, and the lines that the tool has not read: TAIL_LINES_MAX of them and TAIL_BYTES_MAX bytes
    THREAD  core only
    FAILS   never: what finds no room is lost, and counted
    COST    nothing while nobody tails; with a tail one pass over an event's envelope each time something
            happens to it

    Lines leave with what is held, so that nothing is shown that is not on disk. The tool says how many lines it
    has read; what it has not read is bounded on the way to it, too, by TAIL_UNREAD_LINES_MAX lines.  */

#ifndef CORE_TAIL_H
#define CORE_TAIL_H

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/list.h"

typedef enum {
#define TAIL(name, text, meaning) TAIL_##name,
#include "wire/tail.def"
#undef TAIL
    TAIL_COUNT_
} tail_what_t;

typedef struct {
    plv_node_t node;
    uint32_t peer;
    uint64_t request;
    plv_buf_t arguments; /* what it filters by: the views below point into it */
    plv_view_t platform, adapter, session, user, type, what; /* empty: any */
    plv_id_t id;
    bool has_id;     /* only this event, and replies to it */
    bool live;       /* streamed text, too */
    bool texts;      /* what was written, too */
    plv_buf_t lines; /* encoded maps, one behind the other */
    uint32_t line_count;
    uint64_t lost;   /* lines behind those that found no room, not told yet */
    uint32_t unread; /* lines that were sent, and that the tool has not confirmed */
    bool news;       /* the tool is to hear something, even without lines */
} tail_t;

#endif
