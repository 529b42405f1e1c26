#include "base/conf/conf.h"

#include "base/alloc.h"
#include "base/conf/conf_load.h"
#include "base/conf/conf_value.h"

#include <stdlib.h>

static void fill (plv_conf_table_t table, void *owner)
{
    for (size_t at = 0; at < table.count; at++)
        plv_conf_value_default (&table.keys[at], owner);
}

static void drain (plv_conf_table_t table, void *owner)
{
    for (size_t at = 0; at < table.count; at++)
        plv_conf_value_free (&table.keys[at], owner);
}

plv_conf_t *plv_conf_new (const char *file)
{
    plv_conf_t *self = plv_alloc_zero (1, sizeof *self);
    fill (plv_conf_table (), self);
    self->file = plv_strdup (file);
    self->plugins_raw = plv_strdup ("");
    return self;
}

const char *plv_conf_place (const plv_conf_t *self, unsigned line,
                            char ret_place[PLV_CONF_PLACE_BYTES])
{
    ret_place[0] = '\0';
    if (self->file && self->file[0] && line)
        snprintf (ret_place, PLV_CONF_PLACE_BYTES, "%.255s:%u: ", self->file, line);
    else if (self->file && self->file[0])
        snprintf (ret_place, PLV_CONF_PLACE_BYTES, "%.255s: ", self->file);
    return ret_place;
}

plv_conf_route_t *plv_conf_add_route (plv_conf_t *self)
{
    self->routes = plv_realloc (self->routes, (self->route_count + 1) * sizeof *self->routes);
    plv_conf_route_t *route = &self->routes[self->route_count++];
    *route = (plv_conf_route_t){0};
    fill (plv_conf_route_table (), route);
    return route;
}

void plv_conf_add_default_route (plv_conf_t *self)
{
    plv_conf_route_t *route = plv_conf_add_route (self);
    free (route->name);
    free (route->service);
    route->name = plv_strdup ("default");
    route->service = plv_strdup ("advisor");
}

plv_err_t plv_conf_defaults (plv_conf_t **ret_conf, plv_fail_t *ret_fail)
{
    (void) ret_fail;
    *ret_conf = plv_conf_new ("");
    plv_conf_add_default_route (*ret_conf);
    return ERR_OK;
}

void plv_conf_destroy (plv_conf_t **self_p)
{
    plv_conf_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->route_count; at++)
        drain (plv_conf_route_table (), &self->routes[at]);
    drain (plv_conf_table (), self);
    free (self->routes);
    free (self->file);
    free (self->plugins_raw);
    free (self);
}
