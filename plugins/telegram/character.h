/*  character -- the characters of a text in UTF-8
    OWNS    nothing
    THREAD  any
    FAILS   never: what is no UTF-8 is some character
    COST    a few compares a character  */

#ifndef TELEGRAM_CHARACTER_H
#define TELEGRAM_CHARACTER_H

#include "sdk/adapter.h"

/*  How many bytes one has that begins with `lead`.  */
size_t character_bytes (unsigned char lead);

/*  The first one of a text that is not empty; the text is moved on.  */
uint32_t character_next (pal_text_t *text);

/*  Does Telegram show anything for it? A message of nothing else it refuses.  */
bool character_seen (uint32_t code);

#endif
