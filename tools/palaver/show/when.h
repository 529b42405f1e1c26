/*  when -- times as people type them
    OWNS    nothing
    THREAD  any
    FAILS   when_read returns false
    COST    one pass  */

#ifndef PALAVER_WHEN_H
#define PALAVER_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/*  RFC 3339 (2026-01-31T08:00:00Z, also with an offset or a fraction), a day (its begin, in UTC), or how long before
    `now_us`: 90s, 15m, 2h, 3d, 1w. Microseconds since 1970.  */
bool when_read (const char *text, int64_t now_us, int64_t *ret_us);

#endif
