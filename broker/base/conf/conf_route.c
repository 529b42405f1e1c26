#include "base/conf/conf_load.h"
#include "base/conf/conf_value.h"

static plv_err_t unknown_key (const plv_conf_load_t *self, const config_setting_t *setting,
                              const char *path)
{
    plv_near_t near = plv_near (plv_view_str (config_setting_name (setting)));
    plv_conf_key_offer (plv_conf_route_table (), &near);
    if (near.best.size)
        return plv_conf_refuse (self, setting, path, "unknown key; did you mean %.*s?",
                                PLV_VIEW_ARG (near.best));
    return plv_conf_refuse (self, setting, path, "unknown key");
}

static plv_err_t load_keys (const plv_conf_load_t *self, const config_setting_t *group,
                            const char *path, plv_conf_route_t *route)
{
    for (int at = 0; at < config_setting_length (group); at++) {
        const config_setting_t *setting = config_setting_get_elem (group, (unsigned) at);
        const char *name = config_setting_name (setting);
        const plv_conf_key_t *key = plv_conf_key_find (plv_conf_route_table (), name);
        char inner[CONF_PATH_BYTES];
        plv_fail_t why;
        snprintf (inner, sizeof inner, "%.48s.%.200s", path, name);
        if (!key)
            return unknown_key (self, setting, inner);
        if (plv_conf_value_set (key, route, setting, &why))
            return plv_conf_refuse (self, setting, inner, "%s", why.text);
    }
    return ERR_OK;
}

static plv_err_t check_name (const plv_conf_load_t *self, const config_setting_t *group,
                             const char *path, const char *key, const char *value)
{
    char inner[CONF_PATH_BYTES];
    const config_setting_t *setting = config_setting_get_member (group, key);
    snprintf (inner, sizeof inner, "%.48s.%.200s", path, key);
    if (!*value)
        return plv_conf_refuse (self, setting ? setting : group, inner, "a route needs a %s", key);
    if (strlen (value) > NAME_BYTES_MAX)
        return plv_conf_refuse (self, setting, inner, "longer than %d bytes", NAME_BYTES_MAX);
    return ERR_OK;
}

static plv_err_t load_route (const plv_conf_load_t *self, const config_setting_t *group,
                             const char *path)
{
    if (!config_setting_is_group (group))
        return plv_conf_refuse (self, group, path,
                                "a route is a group such as { name = \"...\"; }, not %s",
                                plv_conf_type_text (group));
    plv_conf_route_t *route = plv_conf_add_route (self->conf);
    route->line = config_setting_source_line (group);
    plv_err_t err = load_keys (self, group, path, route);
    if (!err)
        err = check_name (self, group, path, "name", route->name);
    if (!err)
        err = check_name (self, group, path, "service", route->service);
    for (size_t at = 0; !err && at + 1 < self->conf->route_count; at++)
        if (strcmp (self->conf->routes[at].name, route->name) == 0)
            err = plv_conf_refuse (self, config_setting_get_member (group, "name"), path,
                                   "routes[%zu] has the same name", at);
    return err;
}

plv_err_t plv_conf_load_routes (const plv_conf_load_t *self, const config_setting_t *list)
{
    if (!config_setting_is_list (list))
        return plv_conf_refuse (self, list, "routes",
                                "takes a list such as ( { name = \"...\"; } ), not %s",
                                plv_conf_type_text (list));
    int count = config_setting_length (list);
    if (count == 0)
        return plv_conf_refuse (self, list, "routes",
                                "is empty; leave it out for the one default route");
    if (count > ROUTES_MAX)
        return plv_conf_refuse (self, list, "routes", "more than %d routes", ROUTES_MAX);
    plv_err_t err = ERR_OK;
    for (int at = 0; !err && at < count; at++) {
        char path[CONF_PATH_BYTES];
        snprintf (path, sizeof path, "routes[%d]", at);
        err = load_route (self, config_setting_get_elem (list, (unsigned) at), path);
    }
    return err;
}
