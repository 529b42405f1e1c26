/*  text -- words of peers, kept short
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one walk over what is kept

    Whoever reads them gets UTF-8: what is cut is cut between two characters.  */

#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "base/limits.h"
#include "base/utf8.h"
#include "base/view.h"

#include <string.h>

/*  The beginning of `text` that is UTF-8 and has at most `bytes_max` bytes.  */
static inline plv_view_t text_cut (plv_view_t text, size_t bytes_max)
{
    size_t most = text.size < bytes_max ? text.size : bytes_max, at = 0, size;
    while (at < most && (size = plv_utf8_size (text.data + at, most - at)))
        at += size;
    return plv_view (text.data, at);
}

/*  As much of `text` as there is room for, with a NUL behind it.  */
static inline void text_copy (char *into, size_t room, plv_view_t text)
{
    text = text_cut (text, room - 1);
    if (text.size)
        memcpy (into, text.data, text.size);
    into[text.size] = '\0';
}

/*  As much of `text` as a name may have.  */
static inline void text_name (char into[NAME_BYTES_MAX + 1], plv_view_t text)
{
    text_copy (into, NAME_BYTES_MAX + 1, text);
}

#endif
