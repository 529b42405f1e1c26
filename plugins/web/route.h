/*  route -- from a request to its handler, by the table in route.def
    OWNS    nothing
    THREAD  the host's loop
    FAILS   by answering: 404, 405, 401, 403
    COST    a comparison a route

    A handler gets a request that may be asked for, and answers it now or later.  */

#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "web/request.h"

typedef enum {
#define ROUTE(name, method, path, scope, shape) ROUTE_##name,
#include "web/route.def"
#undef ROUTE
    ROUTE_page, /* a file of page/ */
    ROUTE_unknown,
    ROUTE_COUNT_
} route_t;

#define ROUTE(name, method, path, scope, shape)                                                    \
    void route_##name (asker_t *asker, const request_t *request);
#include "web/route.def"
#undef ROUTE

/*  route_names.c, for metrics: NULL behind the last one.  */
const char *route_path (size_t route);
const char *route_method (size_t route);

void route_serve (struct web *web, const pal_http_request_t *request);

/*  What the host refuses with this status, because of `reason`, is answered.  */
void route_refuse (struct web *web, const pal_http_request_t *http, uint32_t status,
                   pal_text_t reason);

/*  The WebSocket's path: may this client have one? If not, it has been answered with the status that comes back; 0:
    it may, `ret_part` is its session.  */
uint32_t route_socket (asker_t *asker, pal_text_t path, pal_text_t *ret_part);

#endif
