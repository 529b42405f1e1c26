/*  fingerprint -- a number that is the same for failures that are alike
    OWNS    nothing
    THREAD  any
    FAILS   never: any bytes are words
    COST    one walk over the first kilobyte of the words, one BLAKE2b

    What differs from one failure to the next is taken out of the words: numbers with their dots and colons
    (versions, times, network addresses), hexadecimal and mixed ids, quoted text, URLs and mail addresses.
    The same on every machine and in every release: people note it down.  */

#ifndef CORE_FINGERPRINT_H
#define CORE_FINGERPRINT_H

#include "base/buf.h"

enum { FINGERPRINT_TEXT_BYTES = 17 }; /* 16 hexadecimal digits and a NUL */

/*  Never 0.  */
uint64_t fingerprint_of (plv_view_t outcome, plv_view_t code, plv_view_t route, plv_view_t words);

/*  Appends `words` as they are compared: lower case, `#` for a number or an id, `""` for quoted text, `@` for
    an address.  */
void fingerprint_words (plv_view_t words, plv_buf_t *buf);

void fingerprint_format (uint64_t fingerprint, char ret_text[FINGERPRINT_TEXT_BYTES]);
/*  16 hexadecimal digits, lower or upper case.  */
bool fingerprint_parse (plv_view_t text, uint64_t *ret_fingerprint);

#endif
