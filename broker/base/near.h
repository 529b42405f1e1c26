/*  near -- the known name that a mistyped one was most likely meant to be
    OWNS    nothing: the names must outlive it
    THREAD  any
    FAILS   never
    COST    the product of two lengths an offer, names of at most NEAR_NAME_BYTES_MAX bytes

    plv_near_t near = plv_near (typed); plv_near_offer (&near, known); ...; near.best  */

#ifndef PLV_BASE_NEAR_H
#define PLV_BASE_NEAR_H

#include "base/view.h"

enum { NEAR_NAME_BYTES_MAX = 64 };

typedef struct {
    plv_view_t name;
    plv_view_t best; /* empty while nothing is near */
    size_t cost;
} plv_near_t;

/*  Nothing is near that needs changing in more than a third of its letters.  */
plv_near_t plv_near (plv_view_t name);
void plv_near_offer (plv_near_t *self, plv_view_t known);

/*  For a caller that knows better how near `known` is; 0 is the nearest.  */
void plv_near_offer_at (plv_near_t *self, plv_view_t known, size_t cost);

/*  Letters to insert, remove, replace or swap with their neighbour to make `a` of `b`.  */
size_t plv_near_distance (plv_view_t a, plv_view_t b);

#endif
