#include "core/policy/route.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/fold.h"
#include "core/policy/rules.h"

#include <stdlib.h>

enum {
    ROUTE_TYPES_STANDARD = 1 << EVENT_CHAT_MESSAGE | 1 << EVENT_CHAT_ACTION | 1 << EVENT_CHAT_EDIT,
};

/*  What a route asks of an event.  */
typedef struct {
    const plv_conf_route_t *conf;
    uint32_t types; /* a bit for each event type */
    int pattern;    /* its number among the rules, or -1 */
} route_matcher_t;

struct route_table {
    route_t *routes;
    route_matcher_t *matchers;
    size_t count;
    rules_t *patterns;
};

static bool route_asks (const char *text)
{
    return text && *text;
}

static const char *unrouted (plv_event_type_t type)
{
    if (type == EVENT_CHAT_RESPONSE)
        return "it is what agents answer";
    return "it is passed on live";
}

static plv_err_t route_read_types (const plv_conf_route_t *conf, uint32_t *ret_types,
                                   plv_fail_t *ret_fail)
{
    uint32_t types = conf->types.count ? 0 : ROUTE_TYPES_STANDARD;
    for (size_t i = 0; i < conf->types.count; i++) {
        plv_event_type_t type = plv_event_type_of (plv_view_str (conf->types.items[i]));
        if (type == EVENT_UNKNOWN)
            return plv_fail (ret_fail, ERR_CONF, "types: there is no event type %s",
                             conf->types.items[i]);
        if (!plv_event_type_routed (type))
            return plv_fail (ret_fail, ERR_CONF, "types: %s does not come to a route: %s",
                             conf->types.items[i], unrouted (type));
        types |= 1u << type;
    }
    *ret_types = types;
    return ERR_OK;
}

static int64_t route_or (int64_t own, int64_t common)
{
    return own < 0 ? common : own;
}

static route_t route_terms (const plv_conf_t *conf, const plv_conf_route_t *route)
{
    return (route_t){
        .name = route->name,
        .service = route->service,
        .deadline_us = route_or (route->deadline_ms, conf->agents_deadline_ms) * 1000,
        .not_after_us = route_or (route->not_after_s, conf->delivery_not_after_s) * 1000000,
        .attempts = (uint32_t) route_or (route->attempts, conf->agents_attempts),
        .overlap = route->overlap,
        .on_dead = route->on_dead,
        .cache = route->cache,
    };
}

static plv_err_t route_add (route_table_t *self, const plv_conf_t *conf,
                            const plv_conf_route_t *route, plv_fail_t *ret_fail)
{
    route_matcher_t matcher = {.conf = route, .pattern = -1};
    if (!route_asks (route->name))
        return plv_fail (ret_fail, ERR_CONF, "name: a route needs one");
    if (!route_asks (route->service))
        return plv_fail (ret_fail, ERR_CONF, "service: a route needs one");
    if (route_find (self, plv_view_str (route->name)) >= 0)
        return plv_fail (ret_fail, ERR_CONF, "name: another route has it");
    plv_err_t err = route_read_types (route, &matcher.types, ret_fail);
    if (err != ERR_OK)
        return err;
    if (route_asks (route->pattern)) {
        matcher.pattern = (int) rules_count (self->patterns);
        plv_fail_t fail;
        if (rules_add (self->patterns, route->pattern, &fail) != ERR_OK)
            return plv_fail (ret_fail, fail.code, "pattern: %.400s", fail.text);
    }
    self->routes[self->count] = route_terms (conf, route);
    self->matchers[self->count] = matcher;
    self->count++;
    return ERR_OK;
}

plv_err_t route_table_new (const plv_conf_t *conf, route_table_t **ret_table, plv_fail_t *ret_fail)
{
    if (conf->route_count > ROUTES_MAX)
        return plv_fail (ret_fail, ERR_CONF, "routes: %zu of them; at most %d", conf->route_count,
                         ROUTES_MAX);
    route_table_t *self = plv_alloc_zero (1, sizeof *self);
    self->routes = plv_alloc_zero (conf->route_count + 1, sizeof *self->routes);
    self->matchers = plv_alloc_zero (conf->route_count + 1, sizeof *self->matchers);
    self->patterns = rules_new ((uint32_t) conf->content_match_limit);
    for (size_t i = 0; i < conf->route_count; i++) {
        const char *name = conf->routes[i].name;
        plv_fail_t fail = {0};
        if (route_add (self, conf, &conf->routes[i], &fail) != ERR_OK) {
            route_table_destroy (&self);
            char place[PLV_CONF_PLACE_BYTES];
            return plv_fail (ret_fail, fail.code, "%sroutes[%zu] (%.64s): %.430s",
                             plv_conf_place (conf, conf->routes[i].line, place), i,
                             name ? name : "", fail.text);
        }
    }
    *ret_table = self;
    return ERR_OK;
}

void route_table_destroy (route_table_t **self_p)
{
    route_table_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    rules_destroy (&self->patterns);
    free (self->matchers);
    free (self->routes);
    free (self);
    *self_p = NULL;
}

size_t route_count (const route_table_t *self)
{
    return self->count;
}

const route_t *route_get (const route_table_t *self, size_t index)
{
    CHECK (index < self->count, "route %zu of %zu", index, self->count);
    return &self->routes[index];
}

int route_find (const route_table_t *self, plv_view_t name)
{
    for (size_t i = 0; i < self->count; i++) {
        if (plv_view_is (name, self->routes[i].name))
            return (int) i;
    }
    return -1;
}

/*  Is the first word of `text` this command, alone or addressed as in "/help@bot"?  */
static bool route_commands (plv_view_t command, plv_view_t text)
{
    size_t at = 0, next = 0, command_at = 0;
    while (next < text.size && plv_fold_is_space (plv_fold_next (text, &next)))
        at = next;
    while (command_at < command.size) {
        if (at >= text.size || plv_fold_next (text, &at) != plv_fold_next (command, &command_at))
            return false;
    }
    return at == text.size || text.data[at] == '@' || plv_fold_is_space (plv_fold_next (text, &at));
}

static bool route_matches (route_table_t *self, const route_matcher_t *matcher,
                           const plv_envelope_t *envelope, plv_view_t text)
{
    const plv_conf_route_t *conf = matcher->conf;
    if (!(matcher->types >> envelope->type_code & 1))
        return false;
    if (route_asks (conf->platform) && !plv_view_is (envelope->platform, conf->platform))
        return false;
    if (route_asks (conf->session) && !route_glob (conf->session, envelope->session_id))
        return false;
    if (route_asks (conf->command) && !route_commands (plv_view_str (conf->command), text))
        return false;
    return matcher->pattern < 0
           || rules_match (self->patterns, (size_t) matcher->pattern, text) == RULES_YES;
}

int route_match (route_table_t *self, const plv_envelope_t *envelope, plv_view_t text)
{
    for (size_t i = 0; i < self->count; i++) {
        if (route_matches (self, &self->matchers[i], envelope, text))
            return (int) i;
    }
    return -1;
}

/*  Behind the character at `at`, however many bytes of UTF-8 it has.  */
static size_t route_after (plv_view_t text, size_t at)
{
    at++;
    while (at < text.size && (text.data[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/*  A mismatch goes back to the last star, which then takes one more: no recursion, and at most
    pattern times text steps.  */
bool route_glob (const char *glob, plv_view_t text)
{
    const char *star = NULL;
    size_t at = 0, star_at = 0;
    while (at < text.size) {
        if (*glob == '*') {
            star = ++glob;
            star_at = at;
        } else if (*glob == '?') {
            glob++;
            at = route_after (text, at);
        } else if (*glob && (uint8_t) *glob == text.data[at]) {
            glob++;
            at++;
        } else if (star) {
            glob = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}
