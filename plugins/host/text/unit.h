/*  unit -- how long a text is
    OWNS    nothing
    THREAD  any
    FAILS   never; a byte that is not UTF-8 counts as one character
    COST    linear  */

#ifndef HOST_TEXT_UNIT_H
#define HOST_TEXT_UNIT_H

#include "base/view.h"
#include "sdk/adapter.h"

size_t text_size (plv_view_t text, pal_text_unit_t unit);

#endif
