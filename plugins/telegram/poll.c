#include "telegram/poll.h"

#include "telegram/api.h"
#include "telegram/intake.h"

#include <stdlib.h>
#include <string.h>

enum {
    UPDATES_MAX = 100,
    ANSWER_SLACK_MS = 15000,
    LATER_MS_MAX = 60000,
    TOKEN_MS = 10000,
    NOTHING_MS = 1000, /* who has nothing takes at least so long to say so, or is asked later */
    FIRST_S = 3,
    /* after a failure: it shows soon that all is well again */
};

typedef enum { ITEM_WAITING, ITEM_ASKED, ITEM_TAKEN } item_state_t;

typedef struct {
    intake_t intake;
    item_state_t state;
    int64_t not_before_us;
} item_t;

struct poll {
    telegram_t *owner;
    api_call_t *call;
    uint64_t timer;
    int64_t offset;
    int64_t asked_us;
    item_t *items;
    size_t count;
    bool offering, stopped;
    bool troubled; /* the last request failed */
};

static void ask (poll_t *self);
static void offer (poll_t *self);

static void on_timer (void *arg)
{
    poll_t *self = arg;
    self->timer = 0;
    if (self->count)
        offer (self);
    else
        ask (self);
}

static void set_timer (poll_t *self, uint32_t ms)
{
    const pal_host_t *host = self->owner->host;
    if (self->timer)
        host->timer_cancel (host, self->timer);
    self->timer = host->timer (host, ms, 0, on_timer, self);
}

/* ------------------------------------------------------------------ what came */

static void free_items (poll_t *self)
{
    for (size_t at = 0; at < self->count; at++)
        intake_free (&self->items[at].intake);
    free (self->items);
    self->items = NULL;
    self->count = 0;
}

/*  Within a chat one after the other.  */
static bool is_next (const poll_t *self, size_t at)
{
    for (size_t before = 0; before < at; before++)
        if (self->items[before].state != ITEM_TAKEN
            && self->items[before].intake.update.chat == self->items[at].intake.update.chat)
            return false;
    return true;
}

static void on_done (intake_t *intake, bool taken, uint32_t retry_after_ms)
{
    poll_t *self = intake->arg;
    item_t *item = (item_t *) intake; /* its first member */
    const pal_host_t *host = self->owner->host;
    item->state = taken ? ITEM_TAKEN : ITEM_WAITING;
    item->not_before_us = host->mono_us (host) + (int64_t) retry_after_ms * 1000;
    if (!taken)
        host->metric_add (host, "busy_total", 1);
    if (!self->offering)
        offer (self);
}

/*  Offers what may be offered; true: something has changed.  */
static bool offer_some (poll_t *self, int64_t now, int64_t *ret_wait_us)
{
    bool changed = false;
    for (size_t at = 0; at < self->count; at++) {
        item_t *item = &self->items[at];
        if (item->state != ITEM_WAITING || !is_next (self, at))
            continue;
        int64_t wait_us = item->not_before_us - now;
        if (wait_us > 0) {
            *ret_wait_us = wait_us < *ret_wait_us ? wait_us : *ret_wait_us;
            continue;
        }
        item->state = ITEM_ASKED;
        intake_offer (&item->intake);
        changed = true;
    }
    return changed;
}

static void offer (poll_t *self)
{
    const pal_host_t *host = self->owner->host;
    int64_t wait_us = INT64_MAX;
    size_t taken = 0;
    self->offering = true;
    while (offer_some (self, host->mono_us (host), &wait_us))
        wait_us = INT64_MAX;
    self->offering = false;
    for (size_t at = 0; at < self->count; at++)
        taken += self->items[at].state == ITEM_TAKEN;
    if (taken < self->count) {
        if (wait_us < INT64_MAX)
            set_timer (self, (uint32_t) (wait_us / 1000) + 1);
        return;
    }
    free_items (self);
    ask (self);
}

static int by_id (const void *one, const void *other)
{
    int64_t a = json_integer_value (json_object_get (*(json_t *const *) one, "update_id"));
    int64_t b = json_integer_value (json_object_get (*(json_t *const *) other, "update_id"));
    return (a > b) - (a < b);
}

/*  The updates in their order. NULL: no memory, or none.  */
static json_t **sorted (const json_t *result, size_t count)
{
    json_t **updates = count ? calloc (count, sizeof (json_t *)) : NULL;
    for (size_t at = 0; updates && at < count; at++)
        updates[at] = json_array_get (result, at);
    if (updates)
        qsort (updates, count, sizeof (json_t *), by_id);
    return updates;
}

/*  False: no memory, or none can be confirmed; the same updates come again. After a week without any, Telegram
    begins anew at a random number, which may be lower.  */
static bool take (poll_t *self, const json_t *result)
{
    size_t count = json_array_size (result);
    json_t **updates = sorted (result, count);
    json_t *last = updates ? json_object_get (updates[count - 1], "update_id") : NULL;
    int64_t last_id = json_is_integer (last) ? json_integer_value (last) : -1;
    bool none = last_id < 0 || last_id == INT64_MAX; /* no number comes behind it */
    self->items = updates && !none ? calloc (count, sizeof *self->items) : NULL;
    for (size_t at = 0; self->items && at < count; at++) {
        item_t *item = &self->items[at];
        *item = (item_t){.intake = {.owner = self->owner, .done = on_done, .arg = self}};
        update_read (&item->intake.update, updates[at], &self->owner->bot);
    }
    if (self->items)
        self->offset = last_id + 1;
    self->count = self->items ? count : 0;
    free (updates);
    return self->count == count;
}

/* ------------------------------------------------------------------ asking */

static uint32_t wait_after (poll_t *self, const outcome_t *outcome)
{
    const pal_host_t *host = self->owner->host;
    pal_retry_t retry = {.first_ms = 500, .most_ms = LATER_MS_MAX};
    uint32_t wait = host->retry_wait (host, "updates", &retry);
    if (outcome->verdict == VERDICT_TOKEN && wait < TOKEN_MS)
        wait = TOKEN_MS;
    return wait > outcome->retry_after_ms ? wait : outcome->retry_after_ms;
}

static void tell (const poll_t *self, const outcome_t *outcome)
{
    const pal_host_t *host = self->owner->host;
    if (outcome->verdict == VERDICT_RIVAL)
        host->health (host, false,
                      "another process polls with this token: stop it, or use another bot (409)");
    else if (outcome->verdict == VERDICT_WEBHOOK)
        host->health (
            host, false,
            "a webhook is set for this bot, so it cannot be polled: whoever set it has to "
            "delete it, or restart this adapter to take the bot over (409)");
    else if (outcome->verdict != VERDICT_TOKEN) /* api.c has told */
        host->health (host, false, "no updates from Telegram: %s",
                      outcome->reason[0] ? outcome->reason
                                         : "200, and nothing in it that can be confirmed");
}

/*  A server of one's own, or what stands before it, may not wait for updates.  */
static uint32_t rest_of_nothing (const poll_t *self)
{
    const pal_host_t *host = self->owner->host;
    int64_t took_ms = (host->mono_us (host) - self->asked_us) / 1000;
    return self->count == 0 && took_ms < NOTHING_MS ? (uint32_t) (NOTHING_MS - took_ms) : 0;
}

static void on_updates (void *arg, const outcome_t *outcome)
{
    poll_t *self = arg;
    const pal_host_t *host = self->owner->host;
    self->call = NULL;
    if (outcome->verdict == VERDICT_SENT && json_is_array (outcome->result)
        && take (self, outcome->result)) {
        self->troubled = false;
        host->retry_good (host, "updates");
        host->health (host, true, "polling as @%s", self->owner->username);
        host->metric_add (host, "updates_total", self->count);
        uint32_t rest_ms = rest_of_nothing (self);
        if (rest_ms)
            set_timer (self, rest_ms);
        else
            offer (self);
        return;
    }
    self->troubled = true;
    tell (self, outcome);
    set_timer (self, wait_after (self, outcome));
}

static void ask (poll_t *self)
{
    telegram_t *owner = self->owner;
    if (self->call || self->count || self->stopped || !owner->host->connected (owner->host))
        return;
    uint32_t wait_s = owner->options.poll_s;
    if (self->troubled && wait_s > FIRST_S)
        wait_s = FIRST_S;
    json_t *params = json_pack ("{s:i, s:i, s:o}", "limit", (int) UPDATES_MAX, "timeout",
                                (int) wait_s, "allowed_updates", update_allowed ());
    if (self->offset)
        json_object_set_new (params, "offset", json_integer (self->offset));
    self->asked_us = owner->host->mono_us (owner->host);
    self->call =
        api_call (owner, "getUpdates", params, wait_s * 1000 + ANSWER_SLACK_MS, on_updates, self);
    if (!self->call)
        set_timer (self, LATER_MS_MAX);
}

/* ------------------------------------------------------------------ life */

bool poll_start (telegram_t *owner)
{
    poll_t *self = calloc (1, sizeof *self);
    if (!self)
        return false;
    self->owner = owner;
    owner->poll = self;
    ask (self);
    return true;
}

void poll_go_on (telegram_t *owner)
{
    if (owner->poll && !owner->poll->timer)
        ask (owner->poll);
}

void poll_stop (telegram_t *owner)
{
    if (!owner->poll)
        return;
    owner->poll->stopped = true;
    api_cancel (&owner->poll->call);
}

void poll_close (telegram_t *owner)
{
    poll_t *self = owner->poll;
    if (!self)
        return;
    owner->poll = NULL;
    api_cancel (&self->call);
    if (self->timer)
        owner->host->timer_cancel (owner->host, self->timer);
    free_items (self);
    free (self);
}
