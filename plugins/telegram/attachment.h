/*  attachment -- the files of a message, as references that getFile takes, and what else it has instead of words
    OWNS    nothing
    THREAD  any
    FAILS   NULL: there are none, or memory ran out
    COST    one look at each field that it may be in

    Each is {"kind", "file_id", "file_unique_id", "name", "mime_type", "size"}, with width, height and duration where
    Telegram says them. `file_id` is good for this bot only, `file_unique_id` names the same file to everybody.

    A place is {"kind": "location", "latitude", "longitude"}, a person {"kind": "contact", "phone_number", ...}, a poll
    {"kind": "poll", "question", "options": [text, ...], ...}: the texts and numbers of its field, and what is written
    on the members of its lists.  */

#ifndef TELEGRAM_ATTACHMENT_H
#define TELEGRAM_ATTACHMENT_H

#include <jansson.h>

/*  A new array, or NULL when the message has nothing of all that.  */
json_t *attachment_read (const json_t *message);

#endif
