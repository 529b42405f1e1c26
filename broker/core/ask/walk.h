/*  walk -- a way through the journal: to the place where something begins, and on from there, a piece at a time
    OWNS    nothing
    THREAD  core only
    FAILS   never: what is not found ends at the end
    COST    seeking: a value a probe, about twenty probes; reading: half a megabyte a piece, so that no step takes long

    Every answer to a scan is a step of its own; the loop does its work in between. Positions, times and numbers
    rise together, but for a wall clock that was put back: then a seek finds one of the places that fit.  */

#ifndef CORE_WALK_H
#define CORE_WALK_H

#include "core/effects.h"
#include "core/state/record.h"

typedef enum { WALK_TO_TIME, WALK_TO_NUMBER } walk_by_t;

typedef struct {
    walk_by_t by;
    uint64_t wanted;    /* a number, or microseconds of the wall clock */
    uint64_t low, high; /* what is sought lies between these positions */
    uint64_t middle;    /* what is probed */
    uint64_t at;        /* the next position to be read */
    uint64_t end;       /* behind the last one */
    uint64_t first;     /* the first position that was ever seen; 0: none was */
    uint32_t limit;     /* values a piece */
} walk_t;

/*  The way through all positions below `end`.  */
void walk_begin (walk_t *self, uint64_t end);
/*  From the first value of this time, or from the value in which this number is made.  */
void walk_seek (walk_t *self, walk_by_t by, uint64_t wanted);
bool walk_seeking (const walk_t *self);

/*  Asks for the next rows. False: there are none.  */
bool walk_ask (walk_t *self, uint64_t token, effects_t *effects);
/*  Rows have come while it seeks.  */
void walk_probed (walk_t *self, plv_view_t rows);

/*  The value at `*at` in the rows, which moves behind it; and where it is.  */
bool walk_next (walk_t *self, plv_view_t rows, size_t *at, record_reader_t *ret_value,
                uint64_t *ret_seq);
/*  All of these rows have been read.  */
void walk_took (walk_t *self, plv_view_t rows, bool more);

#endif
