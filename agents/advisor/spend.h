/*  spend -- what a session has cost so far, as its state keeps it
    OWNS    nothing: a plain value
    THREAD  any
    FAILS   bytes that spend_write did not write count as nothing
    COST    a small msgpack map  */

#ifndef ADVISOR_SPEND_H
#define ADVISOR_SPEND_H

#include "base/buf.h"

typedef struct {
    int64_t money; /* millionths of a US dollar */
    int64_t input; /* tokens */
    int64_t output;
    int64_t calls;
} spend_t;

void spend_read (spend_t *self, plv_view_t value);
void spend_write (const spend_t *self, plv_buf_t *out);

#endif
