/*  rate -- how many messages one user may send within a sliding window
    OWNS    one entry per user with a message in the window, freed by rate_destroy
    THREAD  core only
    FAILS   never; at users_max the user heard from least recently is forgotten
    COST    take: O(1), one hash lookup; 8 bytes a message in the window and about 150 a user

    Exact: a message is let through when fewer than `messages` were let through within the window
    before it. What is refused does not count. Each call drops at most two users whose window is
    empty, so memory follows the traffic.  */

#ifndef CORE_RATE_H
#define CORE_RATE_H

#include "base/view.h"

typedef struct rate rate_t;

/*  `seed`: 16 secret bytes for the hash of the keys; `users_max` > 0.  */
rate_t *rate_new (const uint8_t seed[16], uint32_t messages, int64_t window_us, size_t users_max);
void rate_destroy (rate_t **self_p);

/*  From the next call on; what was counted stays counted.  */
void rate_set_limits (rate_t *self, uint32_t messages, int64_t window_us);

/*  May this user send a message now? If not, `ret_retry_us` gets the time until the next one is let
    through. `now_us`: a time that does not go back (a smaller one counts as the latest).  */
bool rate_take (rate_t *self, plv_view_t platform, plv_view_t user_id, int64_t now_us,
                int64_t *ret_retry_us);

size_t rate_users (const rate_t *self);

#endif
