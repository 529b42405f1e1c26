/*  wakeups -- timers and watched descriptors, by number
    OWNS    their uv handles
    THREAD  that of its loop
    FAILS   a watch that the kernel refuses has number 0
    COST    one map entry each

    A number is never used twice, so that cancelling what is over does no harm.  */

#ifndef HOST_WAKEUPS_H
#define HOST_WAKEUPS_H

#include <stdint.h>
#include <uv.h>

typedef struct wakeups wakeups_t;

wakeups_t *wakeups_new (uv_loop_t *loop);
/*  The handles are gone when the loop has turned once more.  */
void wakeups_destroy (wakeups_t **self_p);

uint64_t wakeups_timer (wakeups_t *self, uint32_t after_ms, uint32_t every_ms,
                        void (*fn) (void *arg), void *arg);
/*  `events` as in sdk/adapter.h.  */
uint64_t wakeups_watch (wakeups_t *self, int fd, unsigned events,
                        void (*fn) (void *arg, unsigned events), void *arg);
void wakeups_cancel (wakeups_t *self, uint64_t number);

#endif
