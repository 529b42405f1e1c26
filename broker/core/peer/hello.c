#include "core/flow/lease.h"
#include "core/internal.h"
#include "core/peer/retire.h"

#include "base/alloc.h"
#include "base/format.h"
#include "base/proof.h"
#include "core/call/calls.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/lanes.h"
#include "core/flow/outbox.h"
#include "core/peer/hello.h"
#include "core/peer/peers.h"
#include "core/state/live.h"
#include "core/text.h"
#include "wire/mp.h"

enum {
    CREDIT_DEFAULT = 64,
    BATCH_SIZE_DEFAULT = 10,
    BATCH_WAIT_MS_DEFAULT = 1000,
    BATCH_WAIT_MS_MAX = 600000,
    CACHE_KEYS_MAX = 64,
    HOLDING_MAX =
        2 * CREDIT_MAX, /* what it works on, and as many answers that it was not told of */
};

static uint64_t option_number (plv_view_t options, const char *key, uint64_t standard,
                               uint64_t most)
{
    plv_mp_t value;
    uint64_t number;
    if (!plv_mp_find (options, key, &value) || !plv_mp_u64 (&value, &number))
        return standard;
    return number < most ? number : most;
}

static bool option_flag (plv_view_t options, const char *key)
{
    plv_mp_t value;
    bool flag;
    return plv_mp_find (options, key, &value) && plv_mp_bool (&value, &flag) && flag;
}

static unsigned role_of (plv_view_t role)
{
    if (plv_view_is (role, "adapter"))
        return FROM_ADAPTER;
    if (plv_view_is (role, "agent"))
        return FROM_WORKER;
    return plv_view_is (role, "tool") ? FROM_TOOL : 0;
}

static void read_batch (peer_t *peer, plv_view_t options)
{
    plv_mp_t value;
    plv_view_t batch;
    if (!plv_mp_find (options, "batch", &value) || plv_mp_peek (&value) != MP_MAP
        || !plv_mp_skip (&value, &batch))
        return;
    peer->batch_size = (uint32_t) option_number (batch, "size", BATCH_SIZE_DEFAULT, CREDIT_MAX);
    peer->batch_wait_us =
        (int64_t) option_number (batch, "wait_ms", BATCH_WAIT_MS_DEFAULT, BATCH_WAIT_MS_MAX) * 1000;
}

/*  One that was left out would have answers given to people whom they are not for.  */
static bool cache_keys_good (plv_view_t options)
{
    plv_mp_t value;
    plv_view_t key;
    uint32_t keys;
    if (!plv_mp_find (options, "cache_keys", &value) || plv_mp_nil (&value))
        return true;
    if (!plv_mp_array (&value, &keys) || keys > CACHE_KEYS_MAX)
        return false;
    while (keys--)
        if (!plv_mp_str (&value, &key) || key.size > NAME_BYTES_MAX
            || (key.size && memchr (key.data, 0, key.size)))
            return false;
    return true;
}

static void read_cache_keys (plv_view_t options, service_t *service)
{
    plv_mp_t value;
    plv_view_t key;
    uint32_t keys = 0;
    plv_buf_clear (&service->cache_keys);
    if (!plv_mp_find (options, "cache_keys", &value) || !plv_mp_array (&value, &keys))
        return;
    while (keys-- && plv_mp_str (&value, &key)) {
        plv_buf_add_view (&service->cache_keys, key);
        plv_buf_add_u8 (&service->cache_keys, 0);
    }
    plv_buf_check (&service->cache_keys);
}

/*  Once, however often it is named.  */
static void serve (core_t *self, peer_t *peer, plv_view_t name)
{
    service_t *service = service_of (self, name);
    for (size_t i = 0; i < peer->serving_count; i++)
        if (peer->servings[i].service == service)
            return;
    serving_t *serving = &peer->servings[peer->serving_count++];
    serving->peer = peer;
    serving->service = service;
    service->workers++;
}

/*  False when the services are not a list of 1 to SERVICES_MAX good names.  */
static bool read_services (core_t *self, peer_t *peer, plv_view_t options)
{
    plv_mp_t value;
    plv_view_t name;
    uint32_t services;
    if (!plv_mp_find (options, "services", &value) || !plv_mp_array (&value, &services)
        || services == 0 || services > SERVICES_MAX)
        return false;
    peer->servings = plv_alloc_zero (services, sizeof *peer->servings);
    for (uint32_t i = 0; i < services; i++) {
        if (!plv_mp_str (&value, &name) || !peer_name_good (name))
            return false;
        serve (self, peer, name);
    }
    for (size_t i = 0; i < peer->serving_count; i++)
        read_cache_keys (options, peer->servings[i].service);
    return true;
}

/*  An adapter that does not say what it stands for stands for the platform of its own name.  */
static void read_platform (peer_t *peer, plv_view_t options)
{
    plv_view_t platform = plv_mp_find_str (options, "platform");
    text_name (peer->platform, platform.size ? platform : plv_view_str (peer->name));
}

static bool read_proof (const core_t *self, const peer_t *peer, plv_view_t options)
{
    plv_mp_t value;
    plv_view_t proof;
    return plv_mp_find (options, "proof", &value) && plv_mp_bin (&value, &proof)
           && plv_proof_good (self->options.proof_key, peer->name, proof);
}

static void read_common (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    plv_view_t options = frame->arg[4].bytes, incarnation;
    plv_mp_t value;
    char who[2 * NAME_BYTES_MAX + 32];
    text_name (peer->name, frame->arg[1].bytes);
    text_name (peer->build, frame->arg[2].bytes);
    peer->pid = frame->arg[3].number;
    peer->credit = (uint32_t) option_number (options, "credit", CREDIT_DEFAULT, CREDIT_MAX);
    peer->history =
        (uint32_t) option_number (options, "history", HISTORY_TURNS_MAX, HISTORY_TURNS_MAX);
    read_platform (peer, options);
    peer->deduplicates = option_flag (options, "deduplicates");
    peer->is_proven = read_proof (self, peer, options);
    peer->is_known = plv_mp_find (options, "incarnation", &value)
                     && plv_mp_bin (&value, &incarnation) && incarnation.size == PLV_ID_BYTES;
    if (peer->is_known)
        memcpy (peer->incarnation.bytes, incarnation.data, PLV_ID_BYTES);
    else
        peer->incarnation = id_next (self);
    plv_format (who, sizeof who, "%s %s pid %llu", peer->name, peer->build,
                (unsigned long long) peer->pid);
    peer->who = label_new (plv_view_str (who));
}

static void send_welcome (core_t *self, peer_t *peer)
{
    const plv_conf_t *conf = self->policy->conf;
    plv_buf_t *buf = frame_prompt (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_WELCOME);
    peer->heartbeat_us = conf->agents_heartbeat_ms * 1000;
    peer->timeout_us = conf->agents_timeout_ms * 1000;
    plv_mp_put_text (buf, self->options.version);
    plv_mp_put_u64 (buf, (uint64_t) conf->agents_heartbeat_ms);
    plv_mp_put_map (buf, 2);
    plv_mp_pair_u64 (buf, "timeout_ms", (uint64_t) conf->agents_timeout_ms);
    plv_mp_pair_u64 (buf, "history_turns", (uint64_t) conf->session_history_turns);
    plv_frame_end (buf, mark);
}

static bool same_id (const plv_id_t *a, const plv_id_t *b)
{
    return memcmp (a->bytes, b->bytes, PLV_ID_BYTES) == 0;
}

/*  Each lease that is named and that nobody knows is answered: a list of many small numbers would be a hundred times as
    long in answers.  */
static bool holding_good (plv_view_t options)
{
    plv_mp_t value;
    uint32_t held;
    return !plv_mp_find (options, "holding", &value) || !plv_mp_array (&value, &held)
           || held <= HOLDING_MAX;
}

/*  False when it was told off.  */
static bool check_options (core_t *self, peer_t *peer, plv_view_t options)
{
    if (!holding_good (options))
        peers_refuse (self, peer, "ARG", VERB_HELLO, "options.holding names at most %d leases",
                      HOLDING_MAX);
    else if (!cache_keys_good (options))
        peers_refuse (self, peer, "ARG", VERB_HELLO,
                      "options.cache_keys is a list of at most %d texts of at most %d bytes",
                      CACHE_KEYS_MAX, NAME_BYTES_MAX);
    else
        return true;
    return false;
}

/*  The numbers in options.holding, as a set.  */
static void read_holding (plv_view_t options, plv_map_u64_t *set)
{
    plv_mp_t value;
    uint32_t held;
    uint64_t number;
    if (!plv_mp_find (options, "holding", &value) || !plv_mp_array (&value, &held))
        return;
    while (held-- && plv_mp_u64 (&value, &number))
        plv_map_u64_put (set, number, set);
}

/*  What the adapter's process had in hand when the connection was lost. Another process: nobody knows how it
    ended. The same one, and it holds it: it will say. The same one, and it does not: it never came.  */
static void claim_deliveries (core_t *self, peer_t *peer, plv_view_t options)
{
    plv_map_u64_t set = {0};
    read_holding (options, &set);
    for (plv_node_t *node; (node = plv_list_first (&peer->outlet->orphans));) {
        entry_t *entry = PLV_OF (node, entry_t, in_holder);
        bool same = same_id (&entry->holder_incarnation, &peer->incarnation);
        if (same && plv_map_u64_get (&set, entry_lease (entry)))
            outbox_claim (self, peer, entry);
        else if (same)
            outbox_failed (self, entry, &(failure_t){.how = HOW_UNDELIVERED});
        else
            outbox_failed (self, entry,
                           &(failure_t){.how = HOW_ADAPTER_DIED,
                                        .why = plv_view_str (
                                            "the adapter's process ended with the reply in hand")});
    }
    plv_map_u64_free (&set);
}

/*  What the worker's process had in hand when the broker stopped, and has no more.  */
static void free_unclaimed (core_t *self, const peer_t *peer)
{
    plv_node_t *next;
    for (plv_node_t *node = self->orphans.next; node != &self->orphans; node = next) {
        entry_t *entry = PLV_OF (node, entry_t, in_holder);
        next = node->next;
        if (same_id (&entry->holder_incarnation, &peer->incarnation))
            fail_event (self, entry,
                        &(failure_t){.how = HOW_RESTART,
                                     .why = plv_view_str ("its worker came back without the job")});
    }
}

/*  A job may be claimed by the process that got it, while nobody has it, or while another connection of the
    same process does, which is then out of use.  */
static bool may_claim (const entry_t *entry, const peer_t *peer, uint64_t lease)
{
    return entry && entry->kind == ENTRY_EVENT && entry->state == ENTRY_LEASED
           && entry_lease (entry) == lease
           && same_id (&entry->holder_incarnation, &peer->incarnation) && entry->holder != peer;
}

static void claim_job (core_t *self, peer_t *peer, entry_t *entry, plv_node_t *olds)
{
    if (!entry->lane)
        entry->lane = dispatch_lane (self, entry);
    if (entry->holder) {
        peer_replaced (entry->holder, olds);
        calls_follow (entry->holder, peer, entry_lease (entry));
    }
    dispatch_claim (self, peer, entry);
}

/*  None of them gets what another one gives back.  */
static void close_olds (core_t *self, plv_node_t *olds)
{
    plv_node_t *node;
    for (node = olds->next; node != olds; node = node->next) {
        peer_t *old = PLV_OF (node, peer_t, out_of_use);
        old->draining = true;
        dispatch_idle (old);
    }
    while ((node = plv_list_pop (olds)))
        peers_gone (self, PLV_OF (node, peer_t, out_of_use), HOW_LEFT,
                    "its process has connected again");
}

static void claim_leases (core_t *self, peer_t *peer, plv_view_t options)
{
    plv_mp_t value;
    uint32_t held;
    uint64_t lease;
    plv_node_t olds;
    if (!plv_mp_find (options, "holding", &value) || !plv_mp_array (&value, &held))
        return;
    plv_list_init (&olds);
    while (held-- && plv_mp_u64 (&value, &lease)) {
        if (call_is_lease (lease) && calls_claim (self, peer, lease, &olds))
            continue;
        entry_t *entry = entry_get (self, entry_of_lease (lease));
        if (entry && entry->holder == peer && entry_lease (entry) == lease)
            continue; /* it was named twice */
        if (may_claim (entry, peer, lease))
            claim_job (self, peer, entry, &olds);
        else
            lease_cancel (self, peer, lease, "not_leased",
                          "this job is done, dead, or with another worker");
    }
    close_olds (self, &olds);
}

/*  The name belongs to the process that the broker started for it, whoever was here first. Among others a
    process may only replace itself: its old connection is gone.  */
static bool may_replace (const peer_t *peer, const peer_t *other)
{
    if (peer->is_proven != other->is_proven)
        return peer->is_proven;
    return same_id (&other->incarnation, &peer->incarnation);
}

static void refuse_name (core_t *self, peer_t *peer, const peer_t *holder)
{
    peers_refuse (
        self, peer, "NAME_IN_USE", VERB_HELLO,
        "an adapter named \"%s\" is connected already (pid %llu): give this one another name, or "
        "try again when that one is gone",
        holder->name, (unsigned long long) holder->pid);
}

/*  Under one name one adapter.  */
static bool take_outlet (core_t *self, peer_t *peer)
{
    outlet_t *outlet = outlet_of (self, plv_view_str (peer->name));
    peer_t *other = outlet->peer;
    if (other && !may_replace (peer, other)) {
        peers_look (self, other);
        refuse_name (self, peer, other);
        return false;
    }
    if (other && same_id (&other->incarnation, &peer->incarnation))
        peers_gone (self, other, HOW_DIED, "its process has connected again");
    else if (other)
        refuse_name (self, other, peer);
    peer->outlet =
        outlet_of (self, plv_view_str (peer->name)); /* it may have gone with the other */
    return true;
}

static void welcome (core_t *self, peer_t *peer)
{
    static const plv_gauge_t gauges[] = {[FROM_ADAPTER] = GAUGE_PEERS_ADAPTER,
                                         [FROM_WORKER] = GAUGE_PEERS_WORKER,
                                         [FROM_TOOL] = GAUGE_PEERS_TOOL};
    peer->state = STATE_READY;
    self->metrics.gauge[gauges[peer->from]]++;
    count (self, COUNTER_PEERS_WELCOMED);
    if (peer->from != FROM_TOOL)
        effects_log (self->effects, LOG_PEER_WELCOME, F_STR ("role", peer_role (peer)),
                     F_STR ("name", peer->name), F_STR ("build", peer->build),
                     F_INT ("pid", (int64_t) peer->pid));
    send_welcome (self, peer);
}

void hello_take (core_t *self, peer_t *peer, unsigned allowed, const plv_frame_t *frame)
{
    plv_view_t options = frame->arg[4].bytes;
    unsigned from = role_of (frame->arg[0].bytes);

    if (!(from & allowed)) {
        peers_refuse (self, peer, "AUTH", VERB_HELLO,
                      "the role \"" PLV_VIEW_FMT "\" is not let in on this socket",
                      PLV_VIEW_ARG (frame->arg[0].bytes));
        return;
    }
    if (self->peers.count > PEERS_MAX) {
        peers_refuse (self, peer, "FULL", VERB_HELLO,
                      "%d peers are connected already: try again later", PEERS_MAX);
        return;
    }
    if (!peer_name_good (frame->arg[1].bytes)) {
        peers_refuse (self, peer, "ARG", VERB_HELLO,
                      "a name has 1 to %d letters, digits, dots, dashes and underscores",
                      NAME_BYTES_MAX);
        return;
    }
    if (!check_options (self, peer, options))
        return;
    read_common (self, peer, frame);
    if (from == FROM_ADAPTER && !take_outlet (self, peer))
        return;
    peer->from = from;
    if (from == FROM_WORKER && !read_services (self, peer, options)) {
        peers_refuse (self, peer, "ARG", VERB_HELLO, "options.services is a list of 1 to %d names",
                      SERVICES_MAX);
        return;
    }
    read_batch (peer, options);
    welcome (self, peer);
    if (from == FROM_ADAPTER) {
        peer->outlet->peer = peer;
        claim_deliveries (self, peer, options);
        outbox_feed (self, peer->outlet);
    } else if (from == FROM_WORKER) {
        retire_greet (self, peer);
        claim_leases (self, peer, options);
        free_unclaimed (self, peer);
        dispatch_release (self, peer);
    }
}
