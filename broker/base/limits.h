/*  limits -- the hard limits as constants, and how they relate
    OWNS    nothing
    THREAD  any
    FAILS   at compile time
    COST    none  */

#ifndef PLV_BASE_LIMITS_H
#define PLV_BASE_LIMITS_H

#include <assert.h>

enum {
#define LIMIT(name, value, meaning) name = (value),
#include "base/limits.def"
#undef LIMIT
};

static_assert (FRAME_BYTES_MAX < PACKET_BYTES_MAX, "a frame fits into a packet");
static_assert (BODY_BYTES_MAX + ENVELOPE_BYTES_MAX + 64 <= FRAME_BYTES_MAX,
               "an event fits into a frame");
static_assert (BODY_BYTES_MAX + ENVELOPE_BYTES_MAX + HISTORY_BYTES_MAX + STATE_BYTES_MAX
                       + STEPS_BYTES_MAX + 4096
                   <= FRAME_BYTES_MAX,
               "a job fits into a frame");
static_assert (FRAME_BYTES_MAX + PACKET_BYTES_FULL < PACKET_BYTES_MAX,
               "a frame fits behind others");

#endif
