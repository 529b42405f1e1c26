/*  completion -- a request in OpenAI's chat format, read: what it says, to whom, and how it wants its answer
    OWNS    the parsed JSON and what was put together from it
    THREAD  the host's loop
    FAILS   with a sentence that names the field
    COST    one parse  */

#ifndef WEB_COMPLETION_H
#define WEB_COMPLETION_H

#include "web/body.h"
#include "web/text.h"

enum { COMPLETION_NAME_BYTES = 64 };

typedef struct {
    void *root;
    char fault[BODY_FAULT_BYTES]; /* of the body as a whole */
    pal_text_t model;
    pal_text_t user; /* empty: none was named */
    text_t session;  /* the user's, as an address can name it; empty likewise */
    text_t text;     /* of the last message of the user */
    text_t metadata; /* a JSON object: the model, and the messages before the last one */
    bool stream;
    bool include_usage;
} completion_t;

/*  NULL, or what is wrong with it. To be freed in either case.  */
const char *completion_parse (completion_t *self, pal_text_t body);
void completion_free (completion_t *self);

#endif
