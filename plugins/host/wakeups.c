#include "host/wakeups.h"

#include "base/alloc.h"
#include "base/map.h"
#include "sdk/adapter.h"

#include <stdlib.h>

typedef struct {
    union {
        uv_handle_t handle;
        uv_timer_t timer;
        uv_poll_t poll;
    } uv;
    wakeups_t *owner;
    uint64_t number;
    void (*on_time) (void *arg);
    void (*on_events) (void *arg, unsigned events);
    void *arg;
} wakeup_t;

struct wakeups {
    uv_loop_t *loop;
    uint64_t last;
    plv_map_u64_t by_number;
};

wakeups_t *wakeups_new (uv_loop_t *loop)
{
    wakeups_t *self = plv_alloc_zero (1, sizeof *self);
    self->loop = loop;
    return self;
}

static wakeup_t *add (wakeups_t *self)
{
    wakeup_t *wakeup = plv_alloc_zero (1, sizeof *wakeup);
    wakeup->owner = self;
    return wakeup;
}

static uint64_t enter (wakeup_t *wakeup)
{
    wakeups_t *self = wakeup->owner;
    wakeup->number = ++self->last;
    wakeup->uv.handle.data = wakeup;
    plv_map_u64_put (&self->by_number, wakeup->number, wakeup);
    return wakeup->number;
}

static void free_wakeup (uv_handle_t *handle)
{
    free (handle->data);
}

void wakeups_cancel (wakeups_t *self, uint64_t number)
{
    wakeup_t *wakeup = number ? plv_map_u64_remove (&self->by_number, number) : NULL;
    if (wakeup)
        uv_close (&wakeup->uv.handle, free_wakeup);
}

void wakeups_destroy (wakeups_t **self_p)
{
    wakeups_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    wakeup_t *wakeup;
    for (size_t at = 0; (wakeup = plv_map_u64_next (&self->by_number, &at));)
        uv_close (&wakeup->uv.handle, free_wakeup);
    plv_map_u64_free (&self->by_number);
    free (self);
    *self_p = NULL;
}

static void on_time (uv_timer_t *timer)
{
    wakeup_t *wakeup = timer->data;
    void (*fn) (void *) = wakeup->on_time;
    void *arg = wakeup->arg;
    if (!uv_timer_get_repeat (timer))
        wakeups_cancel (wakeup->owner, wakeup->number);
    if (fn)
        fn (arg);
}

uint64_t wakeups_timer (wakeups_t *self, uint32_t after_ms, uint32_t every_ms,
                        void (*fn) (void *arg), void *arg)
{
    wakeup_t *wakeup = add (self);
    wakeup->on_time = fn;
    wakeup->arg = arg;
    uv_timer_init (self->loop, &wakeup->uv.timer);
    uv_update_time (self->loop);
    uv_timer_start (&wakeup->uv.timer, on_time, after_ms, every_ms);
    return enter (wakeup);
}

static void on_events (uv_poll_t *poll, int status, int events)
{
    wakeup_t *wakeup = poll->data;
    unsigned seen =
        status < 0 ? PAL_READABLE | PAL_WRITABLE : 0; /* an error shows at the next call */
    seen |= events & (UV_READABLE | UV_DISCONNECT) ? PAL_READABLE : 0;
    seen |= events & UV_WRITABLE ? PAL_WRITABLE : 0;
    wakeup->on_events (wakeup->arg, seen);
}

/*  Without `fn` nobody would take what is there, and the loop would spin.  */
uint64_t wakeups_watch (wakeups_t *self, int fd, unsigned events,
                        void (*fn) (void *arg, unsigned events), void *arg)
{
    if (!fn)
        return 0;
    wakeup_t *wakeup = add (self);
    wakeup->on_events = fn;
    wakeup->arg = arg;
    if (uv_poll_init (self->loop, &wakeup->uv.poll, fd) < 0) {
        free (wakeup);
        return 0;
    }
    uint64_t number = enter (wakeup);
    int wanted =
        (events & PAL_READABLE ? UV_READABLE : 0) | (events & PAL_WRITABLE ? UV_WRITABLE : 0);
    if (uv_poll_start (&wakeup->uv.poll, wanted, on_events) < 0) {
        wakeups_cancel (self, number);
        return 0;
    }
    return number;
}
