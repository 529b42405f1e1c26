/*  shadow -- dead letters answered by agents, with nothing sent to anyone
    OWNS    nothing
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    an answer of an agent a letter; some letters at a time  */

#ifndef PALAVER_SHADOW_H
#define PALAVER_SHADOW_H

#include "palaver/replay/send_again.h"

/*  What the person was told and what an agent says now, side by side, as the answers come; then how many.  */
ending_t shadow (sending_t *sending, asker_t *asker, const letters_t *letters);

#endif
