/*  pause -- a route that an operator has paused: its events wait until somebody resumes it
    OWNS    its texts
    THREAD  core only
    FAILS   pause_read with false on bytes that pause_write did not write
    COST    about 500 bytes

    It is kept by the route's name, over restarts and reloads, also while no route has that name.  */

#ifndef CORE_PAUSE_H
#define CORE_PAUSE_H

#include "base/buf.h"
#include "base/limits.h"

enum { PAUSE_WHY_BYTES = 256 };

typedef struct {
    char route[NAME_BYTES_MAX + 1];
    char who[NAME_BYTES_MAX + 1];
    char why[PAUSE_WHY_BYTES + 1];
    int64_t at_us; /* wall clock */
} pause_t;

/*  What is longer than its place is cut.  */
pause_t *pause_new (plv_view_t route, plv_view_t who, plv_view_t why, int64_t at_us);

/*  Its row: everything but the name.  */
void pause_write (const pause_t *self, plv_buf_t *buf);
bool pause_read (plv_view_t route, plv_view_t bytes, pause_t **ret_pause);

#endif
