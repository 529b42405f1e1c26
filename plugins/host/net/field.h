/*  field -- what a plugin may put into the head of a request of its own
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one look at each byte  */

#ifndef HOST_FIELD_H
#define HOST_FIELD_H

#include "sdk/adapter.h"

#include <string.h>

/*  The name of a header, or a method: a token (RFC 9110, 5.6.2).  */
static inline bool field_is_name (pal_text_t text)
{
    for (size_t at = 0; at < text.size; at++) {
        unsigned char c = (unsigned char) text.data[at];
        if (c <= ' ' || c >= 127 || strchr ("()<>@,;:\\\"/[]?={}", c))
            return false;
    }
    return text.size > 0;
}

/*  The value of a header, or a URL: it ends no line, and may be empty.  */
static inline bool field_is_value (pal_text_t text)
{
    for (size_t at = 0; at < text.size; at++) {
        unsigned char c = (unsigned char) text.data[at];
        if ((c < ' ' && c != '\t') || c == 127)
            return false;
    }
    return true;
}

#endif
