#include "core/timers.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

enum { TIMERS_CHILDREN = 4, TIMERS_FIRST_CAPACITY = 64 };

static bool timers_before (const core_timers_node_t *a, const core_timers_node_t *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void timers_place (core_timers_t *self, size_t at, core_timers_node_t node)
{
    self->nodes[at] = node;
    node.timer->slot = at + 1;
}

static void timers_sift_up (core_timers_t *self, size_t at, core_timers_node_t node)
{
    while (at > 0) {
        size_t parent = (at - 1) / TIMERS_CHILDREN;
        if (!timers_before (&node, &self->nodes[parent]))
            break;
        timers_place (self, at, self->nodes[parent]);
        at = parent;
    }
    timers_place (self, at, node);
}

static size_t timers_first_child (const core_timers_t *self, size_t at)
{
    size_t first = at * TIMERS_CHILDREN + 1;
    size_t end = first + TIMERS_CHILDREN < self->count ? first + TIMERS_CHILDREN : self->count;
    size_t least = first;
    for (size_t child = first + 1; child < end; child++) {
        if (timers_before (&self->nodes[child], &self->nodes[least]))
            least = child;
    }
    return least;
}

static void timers_sift_down (core_timers_t *self, size_t at, core_timers_node_t node)
{
    while (at * TIMERS_CHILDREN + 1 < self->count) {
        size_t child = timers_first_child (self, at);
        if (!timers_before (&self->nodes[child], &node))
            break;
        timers_place (self, at, self->nodes[child]);
        at = child;
    }
    timers_place (self, at, node);
}

/*  Puts a node into the free place `at`, wherever it belongs from there.  */
static void timers_settle (core_timers_t *self, size_t at, core_timers_node_t node)
{
    if (at > 0 && timers_before (&node, &self->nodes[(at - 1) / TIMERS_CHILDREN]))
        timers_sift_up (self, at, node);
    else
        timers_sift_down (self, at, node);
}

void timers_free (core_timers_t *self)
{
    free (self->nodes);
    *self = (core_timers_t){0};
}

void timers_set (core_timers_t *self, core_timer_t *timer, int64_t at_us)
{
    size_t at;
    if (timer->slot) {
        at = timer->slot - 1;
        CHECK (at < self->count && self->nodes[at].timer == timer, "a timer moved while set");
    } else {
        if (self->count == self->capacity) {
            self->capacity = self->capacity ? self->capacity * 2 : TIMERS_FIRST_CAPACITY;
            self->nodes = plv_realloc (self->nodes, self->capacity * sizeof *self->nodes);
        }
        at = self->count++;
    }
    timer->at_us = at_us;
    timers_settle (self, at,
                   (core_timers_node_t){.at_us = at_us, .order = self->order++, .timer = timer});
}

void timers_cancel (core_timers_t *self, core_timer_t *timer)
{
    if (!timer->slot)
        return;
    size_t at = timer->slot - 1;
    CHECK (at < self->count && self->nodes[at].timer == timer, "a timer moved while set");
    timer->slot = 0;
    core_timers_node_t last = self->nodes[--self->count];
    if (at < self->count)
        timers_settle (self, at, last);
}

int64_t timers_next (const core_timers_t *self)
{
    return self->count ? self->nodes[0].at_us : INT64_MAX;
}

core_timer_t *timers_pop (core_timers_t *self, int64_t now_us)
{
    if (!self->count || self->nodes[0].at_us > now_us)
        return NULL;
    core_timer_t *timer = self->nodes[0].timer;
    timers_cancel (self, timer);
    return timer;
}
