/*  models -- the names under which OpenAI's clients reach the agents
    OWNS    nothing; the names are the conf's
    THREAD  the host's loop
    FAILS   models_fault, with a sentence for the operator
    COST    a comparison a name

    The conf's `models` is a list of NAME or NAME=/command with blanks between them: a message for a model
    with a command begins with that command, so that a route of the broker's can send it to a service of its
    own.  */

#ifndef WEB_MODELS_H
#define WEB_MODELS_H

#include "web/asker.h"

/*  NULL: the list is good.  */
const char *models_fault (pal_text_t list);

/*  The next one of the list, which is moved on; false: there is none.  */
bool models_next (pal_text_t *list, pal_text_t *ret_name, pal_text_t *ret_command);

/*  False: there is no such model. `ret_command` is empty when it has none.  */
bool models_find (pal_text_t list, pal_text_t name, pal_text_t *ret_command);

/*  Answers that there is no such model.  */
void models_unknown (asker_t *asker, pal_text_t name);

#endif
