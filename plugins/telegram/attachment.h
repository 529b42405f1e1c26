/*  attachment -- the files of a message, as references that getFile takes
    OWNS    nothing
    THREAD  any
    FAILS   NULL: there are none, or memory ran out
    COST    one look at each field that a file may be in

    Each is {"kind", "file_id", "file_unique_id", "name", "mime_type", "size"}, with width, height and duration where
    Telegram says them; a place is {"kind": "location", "latitude", "longitude"}, a person {"kind": "contact",
    "phone_number", "first_name", ...}. `file_id` is good for this bot only, `file_unique_id` names the same file to
    everybody.  */

#ifndef TELEGRAM_ATTACHMENT_H
#define TELEGRAM_ATTACHMENT_H

#include <jansson.h>

/*  A new array, or NULL when the message has no files.  */
json_t *attachment_read (const json_t *message);

#endif
