/*  route -- which service gets an event, and under which terms
    OWNS    compiled patterns; texts are borrowed from conf, which must outlive the table
    THREAD  core only
    FAILS   route_table_new with ERR_CONF: "routes[N] (NAME): KEY: what is wrong"
    COST    match: a few compares a route; one pattern match for each route before the first that
            matches  */

#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "base/conf/conf.h"
#include "wire/event.h"

/*  The terms of one route; -1 in conf is resolved here.  */
typedef struct {
    const char *name;
    const char *service;
    int64_t deadline_us;
    int64_t not_after_us;
    uint32_t attempts;
    int overlap; /* OVERLAP_... */
    int on_dead; /* ON_DEAD_... */
    bool cache;
} route_t;

typedef struct route_table route_table_t;

/*  Refuses: no name or service, two routes of one name, an unknown event type, a pattern that does
    not compile, more than ROUTES_MAX routes.  */
plv_err_t route_table_new (const plv_conf_t *conf, route_table_t **ret_table, plv_fail_t *ret_fail);
void route_table_destroy (route_table_t **self_p);

size_t route_count (const route_table_t *self);
const route_t *route_get (const route_table_t *self, size_t index);

/*  The route of this name, or -1: entries keep the name, since a reload may renumber.  */
int route_find (const route_table_t *self, plv_view_t name);

/*  The first route that matches, or -1. `text`: the message's text, empty when it has none. A
    pattern that reaches its match limit does not match.  */
int route_match (route_table_t *self, const plv_envelope_t *envelope, plv_view_t text);

/*  Does `text` match `glob`? `*`: any run of characters, `?`: exactly one, everything else itself.  */
bool route_glob (const char *glob, plv_view_t text);

#endif
