/*  patches -- what a session's state comes to after some changes to it
    OWNS    an index, freed by patches_free; the patches are the caller's, and stay where they are meanwhile
    THREAD  main
    FAILS   never: what is no map with texts for keys changes nothing
    COST    one walk over each patch  */

#ifndef PALAVER_PATCHES_H
#define PALAVER_PATCHES_H

#include "base/buf.h"
#include "base/map.h"

typedef struct {
    plv_map_t pairs;
} patches_t;

void patches_begin (patches_t *self);
void patches_free (patches_t *self);

/*  Sets the keys of `patch`, later than all that were set before; a nil removes its key.  */
void patches_add (patches_t *self, plv_view_t patch);

/*  The state, as an encoded map.  */
void patches_write (const patches_t *self, plv_buf_t *map);

#endif
