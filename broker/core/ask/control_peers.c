#include "core/internal.h"

#include "base/alloc.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_peers.h"
#include "core/peer/peers.h"
#include "core/peer/retire.h"
#include "core/text.h"
#include "wire/mp.h"

#include <stdlib.h>

/*  Who is connected, in pages.  */

enum { PAGE_MAX = 1000 };

static const char *state_of (const peer_t *peer, int64_t silent_us)
{
    if (silent_us)
        return "silent";
    if (peer->let_go)
        return "drained";
    return peer->draining || peer->retired ? "draining" : "ready";
}

static void put_peer (plv_buf_t *body, const peer_t *peer, int64_t mono_us, uint32_t more)
{
    int64_t silent_us = peer_silent_us (peer, mono_us);
    plv_mp_put_map (body, 7 + more);
    plv_mp_pair_text (body, "name", peer->name);
    plv_mp_pair_text (body, "build", peer->build);
    plv_mp_pair_i64 (body, "pid", (int64_t) peer->pid);
    plv_mp_pair_i64 (body, "credit", peer->credit);
    plv_mp_pair_i64 (body, "held", peer->held);
    plv_mp_pair_text (body, "state", state_of (peer, silent_us));
    plv_mp_pair_i64 (body, "silent_s", (silent_us + 999999) / 1000000);
}

static void put_agent (plv_buf_t *body, const peer_t *peer, int64_t mono_us)
{
    put_peer (body, peer, mono_us, 2);
    plv_mp_pair_text (body, "drained_by", peer->drained_by);
    plv_mp_put_text (body, "services");
    plv_mp_put_array (body, (uint32_t) peer->serving_count);
    for (size_t i = 0; i < peer->serving_count; i++)
        plv_mp_put_text (body, peer->servings[i].service->name);
}

static void put_adapter (plv_buf_t *body, outlet_t *outlet, int64_t mono_us)
{
    if (outlet->peer) {
        put_peer (body, outlet->peer, mono_us, 3);
    } else {
        plv_mp_put_map (body, 5);
        plv_mp_pair_text (body, "name", outlet->name);
        plv_mp_pair_text (body, "state", "away");
    }
    plv_mp_pair_i64 (body, "waiting", outlet->replies);
    plv_mp_pair_i64 (body, "in_per_min", pace_per_minute (&outlet->in, mono_us));
    plv_mp_pair_i64 (body, "out_per_min", pace_per_minute (&outlet->out, mono_us));
}

static size_t limit_of (plv_view_t arguments)
{
    uint64_t limit = control_number (arguments, "limit", PAGE_MAX);
    return limit == 0 || limit > PAGE_MAX ? PAGE_MAX : (size_t) limit;
}

static int by_number (const void *a, const void *b)
{
    const peer_t *one = *(peer_t *const *) a, *other = *(peer_t *const *) b;
    return (one->number > other->number) - (one->number < other->number);
}

static int by_name (const void *a, const void *b)
{
    const outlet_t *one = *(outlet_t *const *) a, *other = *(outlet_t *const *) b;
    return strcmp (one->name, other->name);
}

static size_t begin_page (plv_buf_t *body, size_t found, size_t limit)
{
    size_t shown = found < limit ? found : limit;
    plv_mp_put_map (body, 2);
    plv_mp_put_text (body, "items");
    plv_mp_put_array (body, (uint32_t) shown);
    return shown;
}

void control_agents (core_t *self, plv_view_t arguments, plv_buf_t *body)
{
    peer_t *peer, **page = plv_alloc_zero (self->peers.count + 1, sizeof *page);
    uint64_t after = control_number (arguments, "after", 0);
    size_t found = 0;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));)
        if (peer->from == FROM_WORKER && peer->state == STATE_READY && peer->number > after)
            page[found++] = peer;
    qsort (page, found, sizeof *page, by_number);
    size_t shown = begin_page (body, found, limit_of (arguments));
    for (size_t i = 0; i < shown; i++)
        put_agent (body, page[i], self->now.mono_us);
    plv_mp_put_text (body, "next");
    if (shown < found)
        plv_mp_put_u64 (body, page[shown - 1]->number);
    else
        plv_mp_put_nil (body);
    free (page);
}

static void drain (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    plv_view_t name = plv_mp_find_str (arguments, "name"), who = plv_mp_find_str (arguments, "who");
    peer_t *worker;
    plv_buf_t body = {0};
    int64_t workers = 0, held = 0;
    for (size_t at = 0; (worker = plv_map_u64_next (&self->peers, &at));) {
        if (worker->from != FROM_WORKER || worker->state != STATE_READY
            || !plv_view_is (name, worker->name))
            continue;
        if (!worker->retired) {
            peers_retire (self, worker, who);
            retire_note (self, worker);
        }
        workers++;
        held += worker->held;
    }
    if (!workers) {
        control_fail (self, peer, request, ERR_NOENT,
                      "no connected worker is named \"" PLV_VIEW_FMT "\"", PLV_VIEW_ARG (name));
        return;
    }
    effects_log (self->effects, LOG_AGENT_DRAINING, F_VIEW ("name", name),
                 F_VIEW ("who", text_cut (who, NAME_BYTES_MAX)), F_INT ("count", workers));
    plv_mp_put_map (&body, 2);
    plv_mp_pair_i64 (&body, "workers", workers);
    plv_mp_pair_i64 (&body, "held", held);
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

static void resume (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    plv_view_t name = plv_mp_find_str (arguments, "name"),
               who = text_cut (plv_mp_find_str (arguments, "who"), NAME_BYTES_MAX);
    plv_buf_t body = {0};
    uint32_t workers = retire_resume (self, name, who);
    if (!workers) {
        control_fail (self, peer, request, ERR_NOENT,
                      "no worker named \"" PLV_VIEW_FMT
                      "\" is draining: one that is drained was told to leave, and another process "
                      "of this name gets jobs without more",
                      PLV_VIEW_ARG (name));
        return;
    }
    effects_log (self->effects, LOG_AGENT_RESUMED, F_VIEW ("name", name), F_VIEW ("who", who),
                 F_INT ("count", workers));
    plv_mp_put_map (&body, 1);
    plv_mp_pair_i64 (&body, "workers", workers);
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

void control_drains (core_t *self, peer_t *peer, uint64_t request, int command,
                     plv_view_t arguments)
{
    if (command == COMMAND_AGENTS_DRAIN)
        drain (self, peer, request, arguments);
    else
        resume (self, peer, request, arguments);
}

static bool is_behind (const outlet_t *outlet, plv_view_t after)
{
    plv_view_t name = plv_view_str (outlet->name);
    size_t least = name.size < after.size ? name.size : after.size;
    int order = least ? memcmp (name.data, after.data, least) : 0;
    return order > 0 || (order == 0 && name.size > after.size);
}

void control_adapters (core_t *self, plv_view_t arguments, plv_buf_t *body)
{
    outlet_t *outlet, **page = plv_alloc_zero (self->outlets.count + 1, sizeof *page);
    plv_view_t after = plv_mp_find_str (arguments, "after");
    size_t found = 0;
    for (size_t at = 0; (outlet = plv_map_next (&self->outlets, &at));)
        if (is_behind (outlet, after))
            page[found++] = outlet;
    qsort (page, found, sizeof *page, by_name);
    size_t shown = begin_page (body, found, limit_of (arguments));
    for (size_t i = 0; i < shown; i++)
        put_adapter (body, page[i], self->now.mono_us);
    plv_mp_put_text (body, "next");
    if (shown < found)
        plv_mp_put_text (body, page[shown - 1]->name);
    else
        plv_mp_put_nil (body);
    free (page);
}
