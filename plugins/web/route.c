#include "web/route.h"

#include "web/page.h"
#include "web/web.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *method, *path;
    scope_t scope;
    asker_shape_t shape;
    void (*serve) (asker_t *asker, const request_t *request);
} routes[] = {
#define ROUTE(name, method, path, scope, shape)                                                    \
    {method, path, SCOPE_##scope, ASKER_##shape, route_##name},
#include "web/route.def"
#undef ROUTE
};

enum { ROUTES = sizeof routes / sizeof *routes };

/* ------------------------------------------------------------------ matching */

static bool matches (const char *pattern, pal_text_t path, pal_text_t *ret_part)
{
    size_t head = strcspn (pattern, "*");
    size_t tail = pattern[head] ? strlen (pattern + head + 1) : 0;
    if (!pattern[head])
        return pal_text_is (path, pattern);
    if (path.size <= head + tail || memcmp (path.data, pattern, head) != 0
        || memcmp (path.data + path.size - tail, pattern + head + 1, tail) != 0)
        return false;
    *ret_part = (pal_text_t){path.data + head, path.size - head - tail};
    return !memchr (ret_part->data, '/', ret_part->size);
}

static bool method_is (pal_text_t method, const char *wanted)
{
    return pal_text_is (method, wanted)
           || (pal_text_is (method, "HEAD") && strcmp (wanted, "GET") == 0);
}

/*  What a path takes, as in Allow; empty: there is no such path.  */
static void methods_of (pal_text_t path, char *bytes, size_t size)
{
    pal_text_t part;
    size_t used = 0;
    bytes[0] = 0;
    for (size_t at = 0; at < ROUTES; at++) {
        if (!matches (routes[at].path, path, &part))
            continue;
        const char *method = routes[at].method;
        used += (size_t) snprintf (bytes + used, size - used, "%s%s%s", used ? ", " : "", method,
                                   strcmp (method, "GET") == 0 ? ", HEAD" : "");
    }
    if (!used && page_find (path))
        used = (size_t) snprintf (bytes, size, "GET, HEAD");
    if (used)
        snprintf (bytes + used, size - used, ", OPTIONS");
}

/* ------------------------------------------------------------------ serving */

static void serve_other (asker_t *asker, const pal_http_request_t *request)
{
    char methods[64];
    const page_file_t *file = page_find (request->path);
    if (file && method_is (request->method, "GET")) {
        asker->route = ROUTE_page;
        page_serve (asker, file);
        return;
    }
    methods_of (request->path, methods, sizeof methods);
    if (!methods[0])
        asker_problem (asker, PROBLEM_NO_PATH, pal_text (NULL), 0);
    else if (pal_text_is (request->method, "OPTIONS"))
        asker_preflight (asker, methods);
    else
        asker_problem_with (asker, PROBLEM_NO_METHOD, pal_text (NULL),
                            &(pal_header_t){pal_text ("allow"), pal_text (methods)});
}

static void init (asker_t *asker, web_t *web, const pal_http_request_t *http)
{
    asker_init (asker, web, http);
    asker->route = ROUTE_unknown;
    if (http->path.size > 4 && memcmp (http->path.data, "/v1/", 4) == 0)
        asker->shape = ASKER_OPENAI;
}

void route_serve (web_t *web, const pal_http_request_t *http)
{
    asker_t asker;
    request_t request = {.http = http};
    init (&asker, web, http);
    for (size_t at = 0; at < ROUTES; at++) {
        if (!method_is (http->method, routes[at].method)
            || !matches (routes[at].path, http->path, &request.part))
            continue;
        asker.route = at;
        asker.shape = routes[at].shape;
        if (!asker_refused (&asker, routes[at].scope))
            routes[at].serve (&asker, &request);
        return;
    }
    serve_other (&asker, http);
}

static problem_t refusal_of (uint32_t status)
{
    static const struct {
        uint32_t status;
        problem_t problem;
    } refusals[] = {
        {408, PROBLEM_SLOW},       {413, PROBLEM_LARGE_BODY}, {414, PROBLEM_LONG_ADDRESS},
        {415, PROBLEM_CODED},      {417, PROBLEM_EXPECTS},    {426, PROBLEM_NO_UPGRADE},
        {431, PROBLEM_LARGE_HEAD}, {501, PROBLEM_NOT_SERVED}, {505, PROBLEM_NO_VERSION},
    };
    for (size_t at = 0; at < sizeof refusals / sizeof *refusals; at++) {
        if (refusals[at].status == status)
            return refusals[at].problem;
    }
    return PROBLEM_NOT_HTTP;
}

void route_refuse (web_t *web, const pal_http_request_t *http, uint32_t status, pal_text_t reason)
{
    asker_t asker;
    init (&asker, web, http);
    asker_presume (&asker);
    if (asker.origin.size && pal_text_is (http->method, "OPTIONS"))
        asker_preflight (&asker, "GET, POST"); /* what is refused is the request that follows */
    else
        asker_problem (&asker, refusal_of (status), reason, 0);
}

uint32_t route_socket (asker_t *asker, pal_text_t path, pal_text_t *ret_part)
{
    problem_t problem = PROBLEM_FOREIGN;
    asker->route = ROUTE_socket_refuse;
    if (!matches (routes[ROUTE_socket_refuse].path, path, ret_part)
        || !text_is_id (*ret_part, SESSION_BYTES_MAX))
        problem = PROBLEM_NO_PATH;
    else if (!asker->has_origin || asker->origin.size)
        return asker_refused (asker, SCOPE_CHAT);
    asker_problem (asker, problem, pal_text (NULL), 0);
    return problem_status (problem);
}

/*  Somebody came without asking for a WebSocket.  */
void route_socket_refuse (asker_t *asker, const request_t *request)
{
    (void) request;
    asker_problem_with (asker, PROBLEM_NO_UPGRADE, pal_text (NULL),
                        &(pal_header_t){pal_text ("upgrade"), pal_text ("websocket")});
}
