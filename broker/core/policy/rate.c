#include "core/policy/rate.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"

#include <stdlib.h>

enum { RING_FIRST = 4, DROPS_PER_CALL = 2 };

/*  A user with at least one message in the window; `times` is a ring, the oldest at `head`.  */
typedef struct {
    plv_node_t node; /* by the time of the last message that was let through */
    int64_t *times;
    uint32_t capacity;
    uint32_t head;
    uint32_t count;
    uint32_t key_size;
    uint8_t key[];
} rate_user_t;

struct rate {
    plv_map_t users;
    plv_node_t by_age;
    plv_buf_t key;
    uint32_t messages;
    int64_t window_us;
    int64_t now_us;
    size_t users_max;
};

static int64_t user_time (const rate_user_t *self, uint32_t index)
{
    uint64_t at = (uint64_t) self->head + index;
    return self->times[at < self->capacity ? at : at - self->capacity];
}

static void user_grow (rate_user_t *self, uint32_t messages)
{
    uint64_t wanted = self->capacity ? (uint64_t) self->capacity * 2 : RING_FIRST;
    uint32_t capacity = (uint32_t) (wanted < messages ? wanted : messages);
    int64_t *times = plv_alloc (capacity * sizeof *times);
    for (uint32_t i = 0; i < self->count; i++)
        times[i] = user_time (self, i);
    free (self->times);
    self->times = times;
    self->capacity = capacity;
    self->head = 0;
}

static void user_push (rate_user_t *self, int64_t now_us, uint32_t messages)
{
    if (self->count == self->capacity)
        user_grow (self, messages);
    uint64_t at = (uint64_t) self->head + self->count++;
    self->times[at < self->capacity ? at : at - self->capacity] = now_us;
}

/*  Forgets the times that have left the window.  */
static void user_expire (rate_user_t *self, int64_t now_us, int64_t window_us)
{
    while (self->count && now_us - user_time (self, 0) >= window_us) {
        self->head = self->head + 1 == self->capacity ? 0 : self->head + 1;
        self->count--;
    }
}

static rate_user_t *rate_add_user (rate_t *self, plv_view_t key)
{
    rate_user_t *user = plv_alloc (sizeof *user + key.size);
    *user = (rate_user_t){.key_size = (uint32_t) key.size};
    memcpy (user->key, key.data, key.size);
    plv_map_put (&self->users, plv_view (user->key, user->key_size), user);
    return user;
}

static void rate_drop_user (rate_t *self, rate_user_t *user)
{
    plv_map_remove (&self->users, plv_view (user->key, user->key_size));
    plv_node_remove (&user->node);
    free (user->times);
    free (user);
}

static rate_user_t *rate_oldest_user (const rate_t *self)
{
    plv_node_t *node = plv_list_first (&self->by_age);
    return node ? PLV_OF (node, rate_user_t, node) : NULL;
}

static void rate_drop_idle (rate_t *self)
{
    for (int i = 0; i < DROPS_PER_CALL; i++) {
        rate_user_t *user = rate_oldest_user (self);
        if (!user)
            return;
        user_expire (user, self->now_us, self->window_us);
        if (user->count)
            return; /* the others were heard from later */
        rate_drop_user (self, user);
    }
}

static plv_view_t rate_key (rate_t *self, plv_view_t platform, plv_view_t user_id)
{
    plv_buf_clear (&self->key);
    plv_buf_add_view (&self->key, platform);
    plv_buf_add_u8 (&self->key, 0);
    plv_buf_add_view (&self->key, user_id);
    plv_buf_check (&self->key);
    return plv_buf_view (&self->key);
}

rate_t *rate_new (const uint8_t seed[16], uint32_t messages, int64_t window_us, size_t users_max)
{
    rate_t *self = plv_alloc_zero (1, sizeof *self);
    plv_map_init (&self->users, seed);
    plv_list_init (&self->by_age);
    self->now_us = INT64_MIN / 2;
    self->users_max = users_max ? users_max : 1;
    rate_set_limits (self, messages, window_us);
    return self;
}

void rate_destroy (rate_t **self_p)
{
    rate_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    rate_user_t *user;
    while ((user = rate_oldest_user (self)))
        rate_drop_user (self, user);
    plv_map_free (&self->users);
    plv_buf_free (&self->key);
    free (self);
    *self_p = NULL;
}

void rate_set_limits (rate_t *self, uint32_t messages, int64_t window_us)
{
    self->messages = messages ? messages : 1;
    self->window_us = window_us;
}

bool rate_take (rate_t *self, plv_view_t platform, plv_view_t user_id, int64_t now_us,
                int64_t *ret_retry_us)
{
    if (self->now_us < now_us)
        self->now_us = now_us;
    rate_drop_idle (self);
    plv_view_t key = rate_key (self, platform, user_id);
    rate_user_t *user = plv_map_get (&self->users, key);
    if (user) {
        user_expire (user, self->now_us, self->window_us);
        if (user->count >= self->messages) {
            int64_t leaves = user_time (user, user->count - self->messages);
            *ret_retry_us = leaves + self->window_us - self->now_us;
            return false;
        }
    } else {
        if (self->users.count >= self->users_max)
            rate_drop_user (self, rate_oldest_user (self));
        user = rate_add_user (self, key);
    }
    user_push (user, self->now_us, self->messages);
    plv_node_remove (&user->node);
    plv_list_push (&self->by_age, &user->node);
    return true;
}

size_t rate_users (const rate_t *self)
{
    return self->users.count;
}
