#include "core/internal.h"
#include "core/packet.h"

#include "base/alloc.h"
#include "core/ask/control_ask.h"
#include "core/ask/tails.h"
#include "core/call/calls.h"
#include "core/dead/dead_catch_up.h"
#include "core/dead/dead_retain.h"
#include "core/expire.h"
#include "core/flow/dispatch.h"
#include "core/flow/lanes.h"
#include "core/flow/outbox.h"
#include "core/peer/drain.h"
#include "core/peer/peers.h"
#include "core/state/reflect.h"

#include <stdlib.h>

enum { RATE_USERS_MAX = 1000000, CLOCK_JUMP_US = 2000000 };

static cache_limits_t cache_limits_of (const plv_conf_t *conf)
{
    return (cache_limits_t){
        .ttl_us = conf->cache_ttl_s * 1000000,
        .entries = (size_t) conf->cache_entries,
        .bytes = (size_t) conf->cache_mb << 20,
    };
}

core_t *core_new (const core_options_t *options, policy_t **policy_p)
{
    core_t *self = plv_alloc_zero (1, sizeof *self);
    const plv_conf_t *conf = (*policy_p)->conf;
    const uint8_t *map_seed = options->secret, *dedup_secret = options->secret + 16;

    self->options = *options;
    self->policy = *policy_p;
    *policy_p = NULL;
    self->rng = plv_rng_seed (options->seed);
    self->next_number = 1;
    self->next_serial = 1;
    self->next_token = 1;
    plv_map_init (&self->sessions, map_seed);
    plv_map_init (&self->services, map_seed);
    plv_map_init (&self->outlets, map_seed);
    plv_map_init (&self->pauses, map_seed);
    plv_map_init (&self->drains, map_seed);
    plv_list_init (&self->dirty);
    plv_list_init (&self->orphans);
    plv_list_init (&self->tails);
    self->dedup = dedup_new (dedup_secret, (uint64_t) conf->dedup_max);
    self->rate = rate_new (map_seed, (uint32_t) conf->rate_limit_messages,
                           conf->rate_limit_window_s * 1000000, RATE_USERS_MAX);
    cache_limits_t limits = cache_limits_of (conf);
    self->cache = cache_new (map_seed, &limits);
    self->kv = kv_new (map_seed);
    lanes_build (self);
    return self;
}

static void destroy_sessions (core_t *self)
{
    session_t *session;
    for (size_t at = 0; (session = plv_map_next (&self->sessions, &at));)
        session_destroy (&session);
    plv_map_free (&self->sessions);
    plv_map_u64_free (&self->entries);
}

static void destroy_peers (core_t *self)
{
    peer_t *peer;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));) {
        control_forget (self, peer);
        peer_destroy (&peer);
    }
    plv_map_u64_free (&self->peers);
}

static void destroy_asks (core_t *self)
{
    ask_t *ask;
    tails_leave (self, NULL);
    for (size_t at = 0; (ask = plv_map_u64_next (&self->asks, &at));)
        control_ask_free (&ask);
    plv_map_u64_free (&self->asks);
    plv_map_u64_free (&self->taken);
    plv_buf_free (&self->retain.due);
    dead_index_free (&self->letters);
}

static void destroy_names (core_t *self)
{
    service_t *service;
    outlet_t *outlet;
    for (size_t at = 0; (service = plv_map_next (&self->services, &at));) {
        plv_buf_free (&service->cache_keys);
        free (service);
    }
    for (size_t at = 0; (outlet = plv_map_next (&self->outlets, &at));) {
        label_drop (&outlet->label);
        free (outlet);
    }
    pause_t *pause;
    for (size_t at = 0; (pause = plv_map_next (&self->pauses, &at));)
        free (pause);
    drain_t *drain;
    for (size_t at = 0; (drain = plv_map_next (&self->drains, &at));)
        free (drain);
    plv_map_free (&self->drains);
    plv_map_free (&self->services);
    plv_map_free (&self->outlets);
    plv_map_free (&self->pauses);
}

void core_destroy (core_t **self_p)
{
    core_t *self = *self_p;
    if (!self)
        return;
    /* each lets go of what is in its lists: lanes of sessions and timers, entries of peers */
    calls_destroy (self);
    lanes_destroy (self);
    destroy_sessions (self);
    destroy_peers (self);
    destroy_names (self);
    destroy_asks (self);
    timers_free (&self->timers);
    dedup_destroy (&self->dedup);
    rate_destroy (&self->rate);
    cache_destroy (&self->cache);
    kv_destroy (&self->kv);
    policy_destroy (&self->policy);
    plv_buf_free (&self->run);
    plv_buf_free (&self->runs);
    plv_buf_free (&self->process);
    plv_buf_free (&self->others);
    plv_buf_free (&self->scratch);
    plv_buf_free (&self->body);
    free (self);
    *self_p = NULL;
}

static void resume_sessions (core_t *self)
{
    session_t *session;
    for (size_t at = 0; (session = plv_map_next (&self->sessions, &at));) {
        dispatch_session (self, session);
        outbox_send (self, session);
    }
}

static void resume (core_t *self)
{
    self->resuming = false;
    lanes_gauge (self);
    dispatch_regather (self);
    if (!self->options.read_only)
        resume_sessions (self);
    if (!self->letters_whole)
        catch_up_start (self);
}

static void set_idle_timers (core_t *self)
{
    session_t *session;
    int64_t idle_us = self->policy->conf->session_idle_s * 1000000;
    for (size_t at = 0; (session = plv_map_next (&self->sessions, &at));)
        timers_set (&self->timers, &session->idle_timer, session->idle_from_us + idle_us);
}

/*  Lanes are made anew. An event that waits finds its own when it is looked at next.  */
static void take_policy (core_t *self, policy_t *policy)
{
    entry_t *entry;
    const plv_conf_t *conf = policy->conf;
    cache_limits_t limits = cache_limits_of (conf);
    policy_t *old = self->policy;
    bool idle_changed = old->conf->session_idle_s != conf->session_idle_s;

    self->policy = policy;
    lanes_replace (self);
    policy_destroy (&old);
    for (size_t at = 0; (entry = plv_map_u64_next (&self->entries, &at));)
        entry->lane = entry->kind == ENTRY_EVENT && entry->state != ENTRY_WAITING
                          ? dispatch_lane (self, entry)
                          : NULL;
    rate_set_limits (self->rate, (uint32_t) conf->rate_limit_messages,
                     conf->rate_limit_window_s * 1000000);
    cache_set_limits (self->cache, &limits);
    cache_clear (self->cache); /* its keys name routes by place */
    dedup_set_max (self->dedup, (uint64_t) conf->dedup_max);
    if (idle_changed && !self->options.read_only)
        set_idle_timers (self);
    count (self, COUNTER_CONF_RELOADS);
    retain_soon (self);
    self->resuming = true;
}

static void note_time (core_t *self, core_now_t now)
{
    int64_t jump_us = (now.wall_us - now.mono_us) - (self->now.wall_us - self->now.mono_us);
    if (self->now.wall_us && (jump_us > CLOCK_JUMP_US || jump_us < -CLOCK_JUMP_US))
        effects_log (self->effects, LOG_CLOCK_JUMPED, F_INT ("by_ms", jump_us / 1000));
    self->now = now;
    int64_t moved_us = calm_pass (&self->calm, now.mono_us, now.wall_us);
    if (moved_us == 0)
        return;
    effects_log (self->effects, LOG_CLOCK_BELIEVED, F_INT ("by_ms", moved_us / 1000));
    retain_moved (self, moved_us);
}

static void note_stored (core_t *self, uint64_t seq)
{
    self->stored = seq;
    if (seq == self->recorded) {
        self->recorded_stored = seq;
        self->recorded_us = self->now.wall_us;
    }
    if (self->now.mono_us - self->begun_us[1] < SLOW_TURN_US)
        return;
    self->slow[self->slow_next] = (slow_turn_t){.seq = seq, .at_us = self->now.mono_us};
    self->slow_next = (self->slow_next + 1) % SLOW_TURNS;
}

/*  Peers remember their packets by the number of the turn; it is given here, to buffers that are empty.  */
static void enter (core_t *self, effects_t *effects)
{
    if (effects->held.turn == 0)
        effects->held.turn = ++self->turns;
    if (effects->prompt.turn == 0)
        effects->prompt.turn = ++self->turns;
    self->effects = effects;
}

void core_step (core_t *self, const input_t *input, effects_t *effects)
{
    peer_t *peer;
    const outlet_t *outlet;

    enter (self, effects);
    note_time (self, input->now);
    self->full_at = written_bytes (self) + CROWDED_BYTES;
    if (self->resuming)
        resume (self);
    switch (input->type) {
    case INPUT_PACKET:
        packet_take (self, input);
        break;
    case INPUT_GONE:
        peer = plv_map_u64_get (&self->peers, input->peer);
        if (peer)
            peers_gone (self, peer, HOW_DIED, "its connection is gone");
        break;
    case INPUT_LOOK:
        outlet = plv_map_get (&self->outlets, input->bytes);
        if (outlet && outlet->peer)
            peers_look (self, outlet->peer);
        break;
    case INPUT_TIME:
        expire_due (self);
        break;
    case INPUT_STORED:
        note_stored (self, input->token);
        break;
    case INPUT_ROWS:
    case INPUT_CHECKPOINT:
        control_rows (self, input);
        break;
    case INPUT_ANSWER:
        control_ordered (self, input);
        break;
    case INPUT_POLICY:
        take_policy (self, input->policy);
        break;
    case INPUT_DRAIN:
        peers_drain (self);
        break;
    case INPUT_STOP:
        peers_farewell (self);
        break;
    }
    self->effects = NULL;
}

int64_t core_next_us (const core_t *self)
{
    if (self->resuming)
        return self->now.mono_us;
    return self->crowded ? INT64_MAX : timers_next (&self->timers);
}

int64_t core_turn_us (const core_t *self)
{
    return reflect_next_us (self);
}

uint64_t core_turn (core_t *self, core_now_t now, bool all, effects_t *effects)
{
    enter (self, effects);
    note_time (self, now);
    self->crowded = false;
    dedup_sweep (self->dedup, (uint32_t) (calm_us (&self->calm, now.mono_us) / 1000000));
    reflect_turn (self, all);
    tails_flush (self);
    self->effects = NULL;
    effects_seal (effects);
    if (effects->journal.size == 0 && effects->rows.size == 0)
        return 0;
    if (effects->journal.size == 0) {
        record_begin (&effects->journal, now.wall_us);
        self->begun_us[0] = now.mono_us;
    } else {
        self->recorded = self->seq;
    }
    self->begun_us[1] = self->begun_us[0];
    return self->seq++;
}

bool core_busy (const core_t *self)
{
    peer_t *peer;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));)
        if (peer->held)
            return true;
    return false;
}

int64_t core_calm_us (const core_t *self)
{
    return believed_us (self);
}

uint64_t core_reflected (const core_t *self)
{
    return self->reflected;
}

void core_describe (core_t *self, plv_view_t map)
{
    plv_buf_clear (&self->process);
    plv_buf_add_view (&self->process, map);
    plv_buf_check (&self->process);
}

void core_add_metrics (core_t *self, plv_view_t text)
{
    plv_buf_clear (&self->others);
    plv_buf_add_view (&self->others, text);
    plv_buf_check (&self->others);
}

plv_metrics_t *core_metrics (core_t *self)
{
    return &self->metrics;
}

const plv_conf_t *core_conf (const core_t *self)
{
    return self->policy->conf;
}
