/*  fence -- does a text end within code?
    OWNS    nothing
    THREAD  the host's loop
    FAILS   never: without memory it does not
    COST    nothing without a fence; else one rendering, and another for a fence that is open

    A model that is cut off in the middle of a listing leaves its fence open, and all that is written behind it would be
    code, too.  */

#ifndef TELEGRAM_FENCE_H
#define TELEGRAM_FENCE_H

#include "sdk/adapter.h"

enum { FENCE_END_BYTES = 64 };

/*  What ends the code that the text ends with; empty: it does not.  */
void fence_end (const pal_host_t *host, pal_text_t text, char end[FENCE_END_BYTES]);

#endif
