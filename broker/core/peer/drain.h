/*  drain -- a worker's process that an operator has drained: it gets no new jobs, however often it connects
    OWNS    its texts
    THREAD  core only
    FAILS   drain_read with false on bytes that drain_write did not write
    COST    about 200 bytes

    It is kept by the process's incarnation, over connections and restarts of the broker, until an operator lets the
    worker go on or the process leaves.  */

#ifndef CORE_DRAIN_H
#define CORE_DRAIN_H

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"

typedef struct {
    plv_id_t incarnation;
    char name[NAME_BYTES_MAX + 1];
    char who[NAME_BYTES_MAX + 1];
    int64_t at_us; /* wall clock */
} drain_t;

/*  What is longer than its place is cut.  */
drain_t *drain_new (const plv_id_t *incarnation, plv_view_t name, plv_view_t who, int64_t at_us);

static inline plv_view_t drain_key (const drain_t *self)
{
    return plv_view (self->incarnation.bytes, PLV_ID_BYTES);
}

/*  Its row: everything but the incarnation.  */
void drain_write (const drain_t *self, plv_buf_t *buf);
bool drain_read (const plv_id_t *incarnation, plv_view_t bytes, drain_t **ret_drain);

#endif
