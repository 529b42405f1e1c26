/*  edit -- a text in the editor of whoever sits at the terminal
    OWNS    a file that only its user reads, while the editor runs
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    however long a person takes  */

#ifndef PALAVER_EDIT_H
#define PALAVER_EDIT_H

#include "palaver/ask/call.h"

/*  Lets $VISUAL or $EDITOR change `text`, and puts a NUL behind. END_PARTLY: it is as it was, or nothing.  */
ending_t edit_text (plv_buf_t *text);

#endif
