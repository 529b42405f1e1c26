/*  message -- what a client sends, read and checked
    OWNS    the parsed JSON; texts live as long as it
    THREAD  the host's loop
    FAILS   with a sentence that names the field
    COST    one parse  */

#ifndef WEB_MESSAGE_H
#define WEB_MESSAGE_H

#include "web/body.h"

enum { SESSION_BYTES_MAX = 180, USER_BYTES_MAX = 255 }; /* of their ids */

typedef struct {
    void *root; /* the parsed JSON; NULL: it was none, or is somebody else's */
    pal_text_t session_id, user_id, message_text, platform;
    char *metadata; /* JSON text, or NULL */
    int64_t timestamp_us;
    char fault[BODY_FAULT_BYTES]; /* of the body as a whole */
} message_t;

/*  The body of POST /chat/message. NULL, or what is wrong with it. To be freed in either case.  */
const char *message_parse (message_t *self, pal_text_t body);

/*  From a parsed object of the caller's. The session of `standard` (empty: none) is fixed, its user is taken
    when the message names none.  */
const char *message_read (message_t *self, const void *root, const message_t *standard);
void message_free (message_t *self);

/*  Microseconds since 1970 of an RFC 3339 time; one without a zone is in UTC. False: it is none.  */
bool message_time (pal_text_t text, int64_t *ret_us);

#endif
