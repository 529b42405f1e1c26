#include "web/route.h"

static const struct {
    const char *method, *path;
} names[] = {
#define ROUTE(name, method, path, scope, shape) {method, path},
#include "web/route.def"
#undef ROUTE
};

enum { NAMES = sizeof names / sizeof *names };

const char *route_path (size_t route)
{
    if (route < NAMES)
        return names[route].path;
    return route == ROUTE_page ? "page" : route == ROUTE_unknown ? "unknown" : NULL;
}

const char *route_method (size_t route)
{
    return route < NAMES ? names[route].method : "GET";
}
