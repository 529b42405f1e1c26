/*  parts -- a text in Markdown, as the messages that it becomes
    OWNS    their texts, until parts_free
    THREAD  the host's loop
    FAILS   false: no memory
    COST    one rendering; the same text always gives the same parts, so that a retry can go on with the next one  */

#ifndef TELEGRAM_PARTS_H
#define TELEGRAM_PARTS_H

#include "telegram/telegram.h"

/*  Of Telegram, in what it counts: UTF-16 units behind the formatting.  */
enum { PART_UNITS_MAX = 4096 };

typedef struct {
    char **texts; /* in Telegram's HTML */
    size_t count;
    bool failed;
} parts_t;

/*  With the notice that a machine writes in front of it, when that is wanted. What would be a message without anything
    to see is no part; false also when there is no other.  */
bool parts_make (parts_t *self, telegram_t *owner, bool notice, pal_text_t text);
void parts_free (parts_t *self);

/*  A part without its formatting; NULL: no memory. To be freed.  */
char *parts_plain (const char *html);

#endif
