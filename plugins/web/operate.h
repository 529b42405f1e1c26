/*  operate -- what the parts of /operate/... share
    OWNS    nothing
    THREAD  the host's loop
    FAILS   by answering
    COST    one pass over a query or an answer  */

#ifndef WEB_OPERATE_H
#define WEB_OPERATE_H

#include "web/route.h"

#include <jansson.h>

/*  May operators be served here at all? If not, it has been answered.  */
bool operate_may_ask (asker_t *asker);

/*  The arguments of `list` (operate.def) that the query has. False: it has been answered.  */
bool operate_read_query (asker_t *asker, const request_t *request, const char *list,
                         json_t *arguments);

/*  What a status of the broker is to a client; answers with it, in the broker's words.  */
problem_t operate_problem (pal_text_t status);
void operate_refuse (asker_t *asker, const pal_control_result_t *result);

#endif
