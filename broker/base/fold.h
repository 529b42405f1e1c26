/*  fold -- UTF-8 text, one character at a time, without regard to case
    OWNS    nothing
    THREAD  any
    FAILS   never: a byte that is not UTF-8 counts as a character of its own
    COST    a compare a byte for ASCII, a small decode for the rest

    Case is folded one to one for Latin (to Romanian and Vietnamese), Greek, Cyrillic and Armenian; the
    German capital sharp s is one with the small one. Other characters, and those whose folding is longer
    than themselves, stay as they are.  */

#ifndef PLV_BASE_FOLD_H
#define PLV_BASE_FOLD_H

#include "base/buf.h"

enum { PLV_FOLD_RAW = 0x110000 }; /* added to a byte that is not UTF-8 */

/*  The character at `*at`, folded; `*at` moves behind it. `*at` < text.size.  */
uint32_t plv_fold_next (plv_view_t text, size_t *at);
/*  Would folding change the character that the text begins with? False for an empty text.  */
bool plv_fold_is_capital (plv_view_t text);
void plv_fold_put (plv_buf_t *buf, uint32_t character);

/*  White space as Unicode has it, no-break spaces included.  */
bool plv_fold_is_space (uint32_t character);
/*  A letter or digit; outside ASCII: what is neither space nor common punctuation.  */
bool plv_fold_is_word (uint32_t character);

/*  Appends `text` folded, trimmed, and with every run of white space made one blank.  */
void plv_fold_normal (plv_buf_t *buf, plv_view_t text);

#endif
