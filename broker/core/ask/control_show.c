#include "core/dead/fingerprint.h"
#include "core/flow/lanes.h"
#include "core/internal.h"
#include "core/policy/correct.h"

#include "core/ask/control_show.h"
#include "core/state/state.h"
#include "wire/mp.h"

/*  The maps that tools get. Names are those that users see everywhere.  */

static uint32_t listed (const plv_node_t *head)
{
    uint32_t nodes = 0;
    for (const plv_node_t *node = head->next; node != head; node = node->next)
        nodes++;
    return nodes;
}

/*  What is counted only when somebody looks.  */
void control_measure (core_t *self)
{
    peer_t *peer;
    int64_t credit = 0;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));)
        if (peer->from == FROM_WORKER && peer_has_credit (peer))
            credit += peer->credit - peer->held - peer->gathered_count;
    self->metrics.gauge[GAUGE_CREDIT] = credit;
    self->metrics.gauge[GAUGE_DEDUP_IDS] = (int64_t) dedup_count (self->dedup);
    self->metrics.gauge[GAUGE_CACHE_ENTRIES] = (int64_t) cache_count (self->cache);
    self->metrics.gauge[GAUGE_KV_KEYS] = (int64_t) kv_count (self->kv);
    self->metrics.gauge[GAUGE_KV_BYTES] = (int64_t) kv_bytes (self->kv);
    self->metrics.gauge[GAUGE_CACHE_BYTES] = (int64_t) cache_bytes (self->cache);
}

static void put_counts (core_t *self, plv_buf_t *body)
{
    control_measure (self);
    plv_mp_put_text (body, "counts");
    plv_mp_put_map (body, GAUGE_COUNT_);
    for (int i = 0; i < GAUGE_COUNT_; i++) {
        /* gauges that share a name differ in their labels: peers by role, calls by kind */
        static const char *const by_label[] = {[GAUGE_CALLS] = "calls",
                                               [GAUGE_TRIALS] = "trials",
                                               [GAUGE_PEERS_ADAPTER] = "adapters",
                                               [GAUGE_PEERS_WORKER] = "agents",
                                               [GAUGE_PEERS_TOOL] = "tools"};
        bool named = (size_t) i < sizeof by_label / sizeof by_label[0] && by_label[i];
        plv_mp_pair_i64 (body, named ? by_label[i] : plv_gauge_name ((plv_gauge_t) i),
                         self->metrics.gauge[i]);
    }
}

/*  Events of the route that wait, whether they are the first of their session or behind others.  */
static int64_t waiting (core_t *self, const lane_t *lane)
{
    const entry_t *entry;
    int64_t events = 0;
    for (size_t at = 0; (entry = plv_map_u64_next (&self->entries, &at));)
        events += entry->kind == ENTRY_EVENT && entry->state != ENTRY_LEASED
                  && plv_view_equal (label_view (entry->route), label_view (lane->name));
    return events;
}

/*  Who or what has paused it, since when, and what waits for its end.  */
static void put_pause (core_t *self, plv_buf_t *body, const lane_t *lane)
{
    const pause_t *pause = lane->pause;
    bool paused = lane_paused (lane);
    plv_mp_pair_text (body, "why", pause ? pause->why : lane->breaker.why);
    plv_mp_pair_text (body, "paused_by", pause ? pause->who : paused ? "breaker" : "");
    plv_mp_pair_i64 (body, "paused_us", pause ? pause->at_us : lane->broken_us);
    plv_mp_put_text (body, "waiting");
    if (paused)
        plv_mp_put_i64 (body, waiting (self, lane));
    else
        plv_mp_put_nil (body);
}

static void put_route (core_t *self, plv_buf_t *body, const lane_t *lane)
{
    plv_mp_put_map (body, 9);
    plv_mp_pair_text (body, "name", lane->route->name);
    plv_mp_pair_text (body, "service", lane->route->service);
    plv_mp_pair_text (body, "breaker", breaker_state_name (lane->breaker.state));
    put_pause (self, body, lane);
    plv_mp_pair_i64 (body, "ready", listed (&lane->ready) + listed (&lane->later));
    plv_mp_pair_i64 (body, "workers", lane->service->workers);
}

static void put_routes (core_t *self, plv_buf_t *body, const char *key)
{
    plv_mp_put_text (body, key);
    plv_mp_put_array (body, (uint32_t) self->lane_count);
    for (size_t i = 0; i < self->lane_count; i++)
        put_route (self, body, &self->lanes[i]);
}

void control_status (core_t *self, plv_buf_t *body)
{
    plv_mp_put_map (body, 8);
    plv_mp_pair_text (body, "version", self->options.version);
    plv_mp_pair_i64 (body, "uptime_s", (self->now.mono_us - self->started_us) / 1000000);
    plv_mp_put_text (body, "process");
    if (self->process.size)
        plv_buf_add_view (body, plv_buf_view (&self->process));
    else
        plv_mp_put_nil (body);
    plv_mp_pair_text (body, "state",
                      self->options.read_only ? "stopped"
                      : self->draining        ? "stopping"
                                              : "ready");
    plv_mp_pair_i64 (body, "time_us", self->now.wall_us);
    plv_mp_pair_i64 (body, "position", (int64_t) self->seq);
    put_counts (self, body);
    put_routes (self, body, "routes");
}

void control_routes (core_t *self, plv_buf_t *body)
{
    plv_mp_put_map (body, 1);
    put_routes (self, body, "items");
}

static void put_session_head (plv_buf_t *body, const session_t *session, uint32_t more)
{
    plv_mp_put_map (body, 9 + more);
    plv_mp_pair_str (body, "session_id", session->id);
    plv_mp_pair_bool (body, "ending", session->closing != 0);
    plv_mp_pair_str (body, "platform", session->platform);
    plv_mp_pair_str (body, "user_id", session->user_id);
    plv_mp_pair_i64 (body, "created_us", session->created_us);
    plv_mp_pair_i64 (body, "active_us", session->active_us);
    plv_mp_pair_i64 (body, "message_count", (int64_t) session->message_count);
    plv_mp_pair_i64 (body, "pending", session->event_count + listed (&session->replies));
    plv_mp_pair_u64 (body, "parked_by", session->parked_by);
}

void control_session (const session_t *session, plv_buf_t *body)
{
    put_session_head (body, session, 2);
    plv_mp_put_text (body, "state");
    plv_buf_add_view (body, state_view (&session->state));
    plv_mp_put_text (body, "history");
    history_write (&session->history, HISTORY_TURNS_MAX, body);
}

static int by_id (const void *a, const void *b)
{
    const session_t *one = *(session_t *const *) a, *other = *(session_t *const *) b;
    size_t least = one->id.size < other->id.size ? one->id.size : other->id.size;
    int order = memcmp (one->id.data, other->id.data, least);
    return order ? order : (one->id.size > other->id.size) - (one->id.size < other->id.size);
}

static bool behind (const session_t *session, plv_view_t after)
{
    size_t least = session->id.size < after.size ? session->id.size : after.size;
    int order = least ? memcmp (session->id.data, after.data, least) : 0;
    return order > 0 || (order == 0 && session->id.size > after.size);
}

static bool holds (plv_view_t whole, plv_view_t part)
{
    return part.size == 0 || (whole.size && memmem (whole.data, whole.size, part.data, part.size));
}

enum { SESSIONS_PAGE_MAX = 1000 };

/*  The `limit` smallest ids behind `after`, by one pass over all of them.  */
void control_sessions (core_t *self, plv_view_t arguments, plv_buf_t *body)
{
    session_t *page[SESSIONS_PAGE_MAX + 2], *session;
    plv_view_t after = plv_mp_find_str (arguments, "after"),
               platform = plv_mp_find_str (arguments, "platform"),
               text = plv_mp_find_str (arguments, "text");
    plv_mp_t value;
    uint64_t limit = 100;
    size_t used = 0;

    if (plv_mp_find (arguments, "limit", &value))
        plv_mp_u64 (&value, &limit);
    if (limit == 0 || limit > SESSIONS_PAGE_MAX)
        limit = SESSIONS_PAGE_MAX;
    for (size_t at = 0; (session = plv_map_next (&self->sessions, &at));) {
        if (!behind (session, after)
            || (platform.size && !plv_view_equal (platform, session->platform))
            || (!holds (session->id, text) && !holds (session->user_id, text)))
            continue;
        size_t place = used;
        while (place > 0 && by_id (&session, &page[place - 1]) < 0)
            place--;
        if (place > limit)
            continue;
        if (used <= limit)
            used++;
        memmove (&page[place + 1], &page[place], (used - 1 - place) * sizeof *page);
        page[place] = session;
    }
    bool more = used > limit;
    used = more ? (size_t) limit : used;
    plv_mp_put_map (body, 2);
    plv_mp_put_text (body, "items");
    plv_mp_put_array (body, (uint32_t) used);
    for (size_t i = 0; i < used; i++)
        put_session_head (body, page[i], 0);
    plv_mp_put_text (body, "next");
    if (more)
        plv_mp_put_str (body, page[used - 1]->id);
    else
        plv_mp_put_nil (body);
}

enum { LEDGER_BYTES_MAX = 1024 * 1024, ATTEMPT_BYTES = 128 };

/*  The first of the latest attempts that fit into an answer.  */
static uint32_t ledger_from (const ledger_t *ledger)
{
    size_t bytes = 0;
    uint32_t from = ledger->count;
    while (from > 0) {
        const attempt_t *attempt = ledger_at (ledger, from - 1);
        bytes += ATTEMPT_BYTES + label_view (attempt->who).size + label_view (attempt->code).size
                 + label_view (attempt->why).size;
        if (bytes > LEDGER_BYTES_MAX)
            break;
        from--;
    }
    return from;
}

static void put_ledger (plv_buf_t *buf, const ledger_t *ledger)
{
    uint32_t from = ledger_from (ledger);
    plv_mp_pair_i64 (buf, "ledger_left_out", from);
    plv_mp_put_text (buf, "ledger");
    plv_mp_put_array (buf, ledger->count - from);
    for (uint32_t i = from; i < ledger->count; i++) {
        const attempt_t *attempt = ledger_at (ledger, i);
        plv_mp_put_map (buf, 7);
        plv_mp_pair_i64 (buf, "attempt", attempt->number);
        plv_mp_pair_i64 (buf, "at_us", attempt->at_us);
        plv_mp_pair_i64 (buf, "ended_us", attempt->ended_us);
        plv_mp_pair_str (buf, "who", label_view (attempt->who));
        plv_mp_pair_text (buf, "how", how_text ((how_t) attempt->how));
        plv_mp_pair_str (buf, "code", label_view (attempt->code));
        plv_mp_pair_str (buf, "why", label_view (attempt->why));
    }
}

void control_dead_item (core_t *self, const dead_t *dead, const entry_t *entry, bool whole,
                        plv_view_t row, plv_buf_t *items)
{
    plv_envelope_t envelope = {0};
    char id[PLV_ID_TEXT_BYTES], fingerprint[FINGERPRINT_TEXT_BYTES];
    plv_envelope_parse (entry_envelope (entry), &envelope, NULL);
    plv_id_format (&envelope.id, id);
    fingerprint_format (dead_brief_fingerprint (dead, entry), fingerprint);
    plv_mp_put_map (items, 17 + (whole ? 4 : 0) + (row.size ? 1 : 0));
    plv_mp_pair_i64 (items, "number", (int64_t) entry->number);
    plv_mp_pair_text (items, "id", id);
    plv_mp_pair_str (items, "type", envelope.type);
    plv_mp_pair_str (items, "platform", envelope.platform);
    plv_mp_pair_str (items, "adapter", envelope.adapter);
    plv_mp_pair_str (items, "session_id", dead->session);
    plv_mp_pair_str (items, "user_id", envelope.user_id);
    plv_mp_pair_str (items, "route", label_view (entry->route));
    plv_mp_pair_text (items, "service", lanes_service (self, label_view (entry->route)));
    plv_mp_pair_text (items, "fingerprint", fingerprint);
    plv_mp_pair_text (items, "reason", dead_reason (dead->why));
    plv_mp_pair_text (items, "outcome", dead_outcome (dead->why));
    plv_mp_pair_str (items, "code", dead->code);
    plv_mp_pair_str (items, "why", dead->words);
    plv_mp_pair_i64 (items, "attempts", entry->attempts);
    plv_mp_pair_i64 (items, "accepted_us", entry->accepted_us);
    plv_mp_pair_i64 (items, "dead_us", dead->at_us);
    if (row.size) {
        plv_mp_pair_bin (items, "row", row);
    }
    if (!whole)
        return;
    plv_view_t original = correct_of (entry_body (entry));
    plv_mp_put_text (items, "copy_of");
    if (original.size)
        plv_mp_put_str (items, original);
    else
        plv_mp_put_nil (items);
    plv_mp_put_text (items, "body");
    plv_buf_add_view (items, entry_body (entry));
    put_ledger (items, &entry->ledger);
}
