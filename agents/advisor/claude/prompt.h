/*  prompt -- the parts of a request that are the same for every question, and a question as the model reads it
    OWNS    nothing
    THREAD  any
    FAILS   NULL when memory runs out
    COST    a few kilobytes of JSON

    What a person wrote stands between <message> and </message>, and cannot contain those words itself; what is known
    about the person stands before it as JSON. Both are data.  */

#ifndef ADVISOR_CLAUDE_PROMPT_H
#define ADVISOR_CLAUDE_PROMPT_H

#include "advisor/claude/settings.h"
#include "advisor/understand/understand.h"

#include <jansson.h>

/*  The request without its messages.  */
json_t *prompt_request (const settings_t *settings, const char *user_id);

/*  One text of a person, already without what is personal, as the model reads it. `reading`: NULL for an earlier
    message.  */
char *prompt_message (plv_view_t text, const reading_t *reading, int year);

/*  Marks the last block of the last message, and gives the request its messages.  */
bool prompt_set_messages (json_t *request, const json_t *messages, const char *cache_ttl);

#endif
