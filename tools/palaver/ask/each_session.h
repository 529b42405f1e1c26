/*  each_session -- one question about each session that a call names
    OWNS    nothing
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    one round trip a session  */

#ifndef PALAVER_EACH_SESSION_H
#define PALAVER_EACH_SESSION_H

#include "palaver/ask/ask.h"

/*  Asks `command` for each operand, and says "ID WORDS" for those where it was done.  */
ending_t each_session (call_t *call, const char *command, const char *words);

/*  The same for other things: `key` is the argument that gets the name. --who and --why go with it.  */
ending_t each_named (call_t *call, const char *command, const char *key, const char *words);

#endif
