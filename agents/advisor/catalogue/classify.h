/*  classify -- the asset class of a product that somebody else has described
    OWNS    nothing; const tables made from classify.def
    THREAD  any
    FAILS   never: what is not understood is CLASS_thematic, which no careful person is recommended
    COST    some tens of microseconds

    For lists that name categories of their own, or none, instead of an asset class of assumptions.def.  */

#ifndef ADVISOR_CLASSIFY_H
#define ADVISOR_CLASSIFY_H

#include "advisor/catalogue/assume.h"

/*  `kind`: the words of the list's own categories; may be empty.  */
asset_class_t classify (plv_view_t name, plv_view_t kind);

/*  Tags of the name as a catalogue has them, with a blank between; the caller frees it. NULL: no memory.  */
char *classify_tags (plv_view_t name);

#endif
