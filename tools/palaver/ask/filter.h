/*  filter -- which dead letters or lines of a tail, as the options of a call say it, in the words of commands.def
    OWNS    its bytes, freed by filter_free
    THREAD  main
    FAILS   never
    COST    one pass over the options  */

#ifndef PALAVER_FILTER_H
#define PALAVER_FILTER_H

#include "palaver/ask/call.h"

typedef struct {
    plv_buf_t pairs; /* of a msgpack map, without its head */
    uint32_t count;  /* 0: every letter passes */
} filter_t;

filter_t filter_of (const call_t *call);
void filter_free (filter_t *self);

/*  The filter as a whole map.  */
void filter_put (const filter_t *self, plv_buf_t *map);

#endif
