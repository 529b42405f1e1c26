/*  compose -- a reply as one text in Markdown, and its buttons
    OWNS    nothing
    THREAD  any
    FAILS   NULL: no memory
    COST    one walk over the reply

    The text, then the recommendations with risk and return, then the disclaimers. Buttons are what the agent puts into
    `metadata`: {"buttons": [{"label", "action", "value"} or {"label", "url"}, ...]}, each on a row of its own, or
    arrays of them for rows.  */

#ifndef TELEGRAM_COMPOSE_H
#define TELEGRAM_COMPOSE_H

#include "sdk/adapter.h"

#include <jansson.h>

/*  To be freed. `end` follows the text itself: see fence.h. At most `most` recommendations; a disclaimer that is
    `but` is left out.  */
char *compose_text (const pal_reply_t *reply, const char *end, unsigned most, pal_text_t but);

/*  An InlineKeyboardMarkup; NULL: there are no buttons. Those that Telegram would not take are left out.  */
json_t *compose_buttons (pal_text_t metadata);

#endif
