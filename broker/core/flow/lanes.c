#include "core/flow/lanes.h"
#include "core/internal.h"

#include "base/alloc.h"
#include "core/dead/dead_brief.h"
#include "core/text.h"

#include <stdlib.h>

service_t *service_of (core_t *self, plv_view_t name)
{
    service_t *service = plv_map_get (&self->services, name);
    if (service)
        return service;
    service = plv_alloc_zero (1, sizeof *service);
    text_name (service->name, name);
    plv_list_init (&service->idle);
    plv_list_init (&service->lanes);
    plv_list_init (&service->calls);
    plv_list_init (&service->trials);
    service->left_us = self->now.mono_us;
    plv_map_put (&self->services, plv_view_str (service->name), service);
    return service;
}

void service_leave (core_t *self, serving_t *serving)
{
    service_t *service = serving->service;
    plv_node_remove (&serving->idle);
    serving->service = NULL;
    if (--service->workers == 0)
        service->left_us = self->now.mono_us;
    service_spare (self, service);
}

void service_spare (core_t *self, service_t *service)
{
    if (service->workers || service->open || !plv_list_empty (&service->lanes))
        return;
    plv_map_remove (&self->services, plv_view_str (service->name));
    plv_buf_free (&service->cache_keys);
    free (service);
}

outlet_t *outlet_of (core_t *self, plv_view_t name)
{
    outlet_t *outlet = plv_map_get (&self->outlets, name);
    if (outlet)
        return outlet;
    outlet = plv_alloc_zero (1, sizeof *outlet);
    text_name (outlet->name, name);
    outlet->label = label_new (plv_view_str (outlet->name));
    plv_list_init (&outlet->unsent);
    plv_list_init (&outlet->orphans);
    plv_map_put (&self->outlets, plv_view_str (outlet->name), outlet);
    return outlet;
}

void outlet_leave (core_t *self, outlet_t *outlet)
{
    if (outlet->peer || outlet->replies)
        return;
    plv_map_remove (&self->outlets, plv_view_str (outlet->name));
    label_drop (&outlet->label);
    free (outlet);
}

void lanes_gauge (core_t *self)
{
    int64_t paused = 0;
    for (size_t i = 0; i < self->lane_count; i++)
        paused += lane_paused (&self->lanes[i]);
    self->metrics.gauge[GAUGE_ROUTES_PAUSED] = paused;
}

void lanes_build (core_t *self)
{
    self->lane_count = route_count (self->policy->routes);
    self->lanes = plv_alloc_zero (self->lane_count, sizeof *self->lanes);
    for (size_t i = 0; i < self->lane_count; i++) {
        lane_t *lane = &self->lanes[i];
        lane->route = route_get (self->policy->routes, i);
        lane->index = (uint32_t) i;
        lane->name = label_new (plv_view_str (lane->route->name));
        lane->service = service_of (self, plv_view_str (lane->route->service));
        lane->pause = plv_map_get (&self->pauses, plv_view_str (lane->route->name));
        lane->reopen.kind = TIMER_LANE;
        plv_list_init (&lane->ready);
        plv_list_init (&lane->later);
        plv_list_push (&lane->service->lanes, &lane->in_service);
    }
}

static void destroy (core_t *self, lane_t *lanes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lane_t *lane = &lanes[i];
        timers_cancel (&self->timers, &lane->reopen);
        plv_node_remove (&lane->in_service);
        service_spare (self, lane->service);
        while (plv_list_pop (&lane->ready) || plv_list_pop (&lane->later))
            ;
        label_drop (&lane->name);
        breaker_free (&lane->breaker);
    }
    free (lanes);
}

void lanes_destroy (core_t *self)
{
    destroy (self, self->lanes, self->lane_count);
    self->lanes = NULL;
    self->lane_count = 0;
}

static void inherit (core_t *self, lane_t *lane, lane_t *old)
{
    lane->breaker = old->breaker;
    lane->broken_us = old->broken_us;
    old->breaker = (breaker_t){0};
    if (lane->breaker.state == BREAKER_OPEN)
        timers_set (&self->timers, &lane->reopen, lane->breaker.until_us);
}

void lanes_replace (core_t *self)
{
    lane_t *old = self->lanes;
    size_t count = self->lane_count;
    lanes_build (self);
    for (size_t i = 0; i < count; i++) {
        lane_t *lane = lane_named (self, label_view (old[i].name));
        if (lane) {
            lane->replays = old[i].replays;
            inherit (self, lane, &old[i]);
        }
    }
    destroy (self, old, count);
    lanes_gauge (self);
}

lane_t *lane_named (core_t *self, plv_view_t name)
{
    int index = route_find (self->policy->routes, name);
    return index < 0 ? NULL : &self->lanes[index];
}

int64_t lanes_until_us (core_t *self, const entry_t *entry)
{
    const lane_t *lane = entry->lane ? entry->lane : lane_named (self, label_view (entry->route));
    return self->now.wall_us
           + (lane ? lane->route->not_after_us
                   : self->policy->conf->delivery_not_after_s * 1000000);
}

const char *lanes_service (core_t *self, plv_view_t route)
{
    const lane_t *lane = lane_named (self, route);
    return lane ? lane->route->service : "";
}

void lanes_of_service (core_t *self, plv_view_t service, plv_buf_t *hashes)
{
    for (size_t i = 0; service.size && i < self->lane_count; i++) {
        uint32_t hash = dead_brief_hash (label_view (self->lanes[i].name));
        if (plv_view_is (service, self->lanes[i].route->service))
            plv_buf_add (hashes, &hash, sizeof hash);
    }
    plv_buf_check (hashes);
}
