/*  core_say -- frames of every peer, made from a fuzzer's bytes
    OWNS    nothing
    THREAD  one
    FAILS   never: bytes that have run out read as zero
    COST    that of the bytes  */

#ifndef FUZZ_CORE_SAY_H
#define FUZZ_CORE_SAY_H

#include "core_world.h"

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} feed_t;

uint8_t feed_byte (feed_t *self);
/*  At most 255 bytes, the first of which says how many.  */
plv_view_t feed_bytes (feed_t *self);

enum { SAY_KINDS = 12 };

/*  Appends one frame of this kind to a packet: HELLO, PUBLISH, ... or one of any verb with arguments of the right
    types.  */
void say (world_t *world, unsigned slot, unsigned kind, feed_t *feed, plv_buf_t *packet);

#endif
