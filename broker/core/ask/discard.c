#include "core/ask/discard.h"

#include "core/ask/control_answer.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/outbox.h"
#include "core/flow/sign.h"
#include "core/internal.h"
#include "core/state/live.h"
#include "core/text.h"
#include "wire/mp.h"

#include "base/format.h"

enum {
    DISCARDS_MAX = 500, /* at a time: the others of a turn go on meanwhile */
    WHY_BYTES_MAX = REASON_BYTES_MAX / 2,
};
static_assert (WHY_BYTES_MAX == 512, "what_is_wrong says so");

/*  Which ones: empty views are no condition.  */
typedef struct {
    plv_view_t session, route, adapter;
    char words[NAME_BYTES_MAX + WHY_BYTES_MAX + 16];
} wanted_t;

typedef struct {
    uint64_t numbers[DISCARDS_MAX];
    size_t chosen;
    uint64_t waiting; /* all that could go */
    uint64_t in_hand; /* of a worker or an adapter: they end by themselves */
} found_t;

static bool goes_through (const entry_t *entry, plv_view_t adapter)
{
    plv_envelope_t envelope;
    if (entry->outlet)
        return plv_view_is (adapter, entry->outlet->name);
    return !plv_envelope_parse (entry_envelope (entry), &envelope, NULL)
           && plv_view_equal (envelope.adapter, adapter);
}

static bool is_wanted (const entry_t *entry, const wanted_t *wanted)
{
    if (entry->flags & ENTRY_OWN) /* a session that ends needs it */
        return false;
    return (!wanted->session.size || plv_view_equal (entry->session->id, wanted->session))
           && (!wanted->route.size || plv_view_equal (label_view (entry->route), wanted->route))
           && (!wanted->adapter.size || goes_through (entry, wanted->adapter));
}

static void find (core_t *self, const wanted_t *wanted, found_t *found)
{
    const entry_t *entry;
    *found = (found_t){.chosen = 0};
    for (size_t at = 0; (entry = plv_map_u64_next (&self->entries, &at));) {
        if (!is_wanted (entry, wanted))
            continue;
        if (entry->state != ENTRY_WAITING && entry->state != ENTRY_BACKOFF) {
            found->in_hand++;
            continue;
        }
        found->waiting++;
        if (found->chosen < DISCARDS_MAX)
            found->numbers[found->chosen++] = entry->number;
    }
}

/*  Each once: a session that has waited for its end may end when it is looked at.  */
static void look_at (core_t *self, session_t **sessions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        session_t *session = sessions[i];
        for (size_t j = i + 1; session && j < count; j++)
            if (sessions[j] == session)
                sessions[j] = NULL;
        if (!session)
            continue;
        outbox_send (self, session);
        dispatch_session (self, session);
    }
}

/*  The id of the event that the entry is, or answers; false: of none.  */
static bool event_of (const entry_t *entry, plv_envelope_t *envelope, plv_id_t *ret_id)
{
    if (plv_envelope_parse (entry_envelope (entry), envelope, NULL))
        return false;
    *ret_id = entry->kind == ENTRY_EVENT ? envelope->id : envelope->reply_to;
    return entry->kind == ENTRY_EVENT || envelope->has_reply_to;
}

/*  Who waits for the answer in this moment, at a web page for instance, waits no longer. It is no message to the
    person: the operator knows what to say to whom.  */
static void end_wait (core_t *self, const entry_t *entry)
{
    plv_envelope_t envelope;
    plv_id_t event;
    if (!event_of (entry, &envelope, &event))
        return;
    const outlet_t *outlet =
        entry->outlet ? entry->outlet : plv_map_get (&self->outlets, envelope.adapter);
    sign_discarded (self, outlet, &envelope, &event);
}

/*  The sessions are looked at when all have gone: the next of one may be among them.  */
static void discard (core_t *self, const wanted_t *wanted, const found_t *found)
{
    const death_t death = {.why = DEAD_DISCARDED,
                           .code = plv_view_str ("discarded"),
                           .words = plv_view_str (wanted->words)};
    session_t *sessions[DISCARDS_MAX];
    for (size_t i = 0; i < found->chosen; i++) {
        entry_t *entry = entry_get (self, found->numbers[i]);
        sessions[i] = entry->session;
        end_wait (self, entry);
        fail_dead (self, entry, &death);
    }
    look_at (self, sessions, found->chosen);
}

static void read_wanted (plv_view_t arguments, wanted_t *wanted)
{
    plv_view_t who = text_cut (plv_mp_find_str (arguments, "who"), NAME_BYTES_MAX - 1),
               reason = plv_mp_find_str (arguments, "reason");
    *wanted = (wanted_t){.session = plv_mp_find_str (arguments, "session"),
                         .route = plv_mp_find_str (arguments, "route"),
                         .adapter = plv_mp_find_str (arguments, "adapter")};
    if (who.size == 0)
        who = plv_view_str ("operator");
    plv_format (wanted->words, sizeof wanted->words, "by " PLV_VIEW_FMT "%s" PLV_VIEW_FMT,
                PLV_VIEW_ARG (who), reason.size ? ": " : "", PLV_VIEW_ARG (reason));
}

/*  It is there, and empty: a filter that is passed over would let others go.  */
static bool is_empty (plv_view_t arguments, const char *key)
{
    plv_mp_t value;
    plv_view_t text;
    return plv_mp_find (arguments, key, &value) && plv_mp_str (&value, &text) && !text.size;
}

/*  Why it cannot be done; NULL: it can.  */
static const char *what_is_wrong (plv_view_t arguments, const wanted_t *wanted)
{
    if (is_empty (arguments, "session") || is_empty (arguments, "route")
        || is_empty (arguments, "adapter"))
        return "\"session\", \"route\" and \"adapter\" are texts that are not empty";
    if (!wanted->session.size && !wanted->route.size && !wanted->adapter.size)
        return "events.discard needs a session, a route or an adapter";
    return plv_mp_find_str (arguments, "reason").size > WHY_BYTES_MAX
               ? "\"reason\" has at most 512 bytes"
               : NULL;
}

void discard_control (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    bool dry_run = control_flag (arguments, "dry_run");
    plv_buf_t body = {0};
    wanted_t wanted;
    found_t found;
    read_wanted (arguments, &wanted);
    const char *why = what_is_wrong (arguments, &wanted);
    if (why) {
        control_fail (self, peer, request, ERR_ARG, "%s", why);
        return;
    }
    find (self, &wanted, &found);
    if (!dry_run)
        discard (self, &wanted, &found);
    uint64_t done = dry_run ? found.waiting : found.chosen;
    plv_mp_put_map (&body, 3);
    plv_mp_pair_u64 (&body, "done", done);
    plv_mp_pair_u64 (&body, "left", found.waiting - done);
    plv_mp_pair_u64 (&body, "in_hand", found.in_hand);
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}
