/*  plain -- text as it is typed where a keyboard lacks letters with a stroke, and letters that are two in one
    OWNS    nothing
    THREAD  any
    FAILS   as plv_buf_t does: `out->failed`
    COST    one pass over the text

    "Đầu" becomes "Dầu": the index takes marks off by itself, but a stroke makes a letter of its own. Nothing else
    changes.  */

#ifndef ADVISOR_PLAIN_H
#define ADVISOR_PLAIN_H

#include "base/buf.h"

void plain_add (plv_buf_t *out, plv_view_t text);

#endif
