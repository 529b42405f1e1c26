/*  request -- what a handler is asked, and what it asks of that
    OWNS    nothing
    THREAD  the host's loop
    FAILS   what an asker is given for has been answered when it is false
    COST    one pass over a query  */

#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "web/asker.h"

typedef struct {
    const pal_http_request_t *http;
    pal_text_t part; /* what `*` in its path stands for; lent for the call */
} request_t;

/*  The next name of a query and its value, as they came; the query is moved on. False: there is none.  */
bool request_next_pair (pal_text_t *query, pal_text_t *ret_name, pal_text_t *ret_value);

typedef enum { QUERY_MISSING, QUERY_GIVEN, QUERY_TOO_LONG, QUERY_TWICE } query_t;

/*  The value of `name` in a query, decoded into `bytes`; empty unless it is given, once, and fits.  */
query_t request_query (pal_text_t query, const char *name, char *bytes, size_t size,
                       pal_text_t *ret_value);

/*  A body in JSON? If not, it has been answered.  */
bool request_takes_json (asker_t *asker);

/*  Can it be the id of a session? If not, it has been answered.  */
bool request_session_good (asker_t *asker, pal_text_t part);

#endif
