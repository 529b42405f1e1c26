/*  listing -- how a command ends that lists what there is
    OWNS    nothing
    THREAD  main
    FAILS   never
    COST    a line on stderr, at most  */

#ifndef PALAVER_LISTING_H
#define PALAVER_LISTING_H

#include "palaver/ask/call.h"

/*  After `rows` rows of `things`, in the plural. Nothing at all is said in words; it is END_NOTHING when the call
    had one of `filters`, a set of options, and the plain truth when it asked for everything.  */
ending_t listing_end (const call_t *call, size_t rows, uint64_t filters, const char *things);

#endif
