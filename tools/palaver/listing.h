/*  listing -- how a command ends that lists what there is
    OWNS    nothing
    THREAD  main
    FAILS   never
    COST    a line on stderr, at most  */

#ifndef PALAVER_LISTING_H
#define PALAVER_LISTING_H

#include "palaver/ask/call.h"

/*  After `rows` rows of `things`, in the plural. Nothing at all is said in words; it is END_NOTHING when the call
    had one of `filters`, a set of options, and the plain truth when it asked for everything. Behind an interrupt it is
    as listing_cut says.  */
ending_t listing_end (const call_t *call, size_t rows, uint64_t filters, const char *things);

/*  How it ends that rows are missing because of an interrupt, which is said, unless nobody is there any more. Without
    one, or when `end` is a failure, that is `end`.  */
ending_t listing_cut (ending_t end);

#endif
