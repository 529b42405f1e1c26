#include "core/ask/control.h"

#include "core/ask/backup.h"
#include "core/ask/choice.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_dead.h"
#include "core/ask/control_kv.h"
#include "core/ask/control_order.h"
#include "core/ask/control_peers.h"
#include "core/ask/control_show.h"
#include "core/ask/discard.h"
#include "core/ask/events.h"
#include "core/ask/hold.h"
#include "core/ask/kind.h"
#include "core/ask/tails.h"
#include "core/call/try.h"
#include "core/flow/dispatch.h"
#include "core/flow/life.h"
#include "core/internal.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "core/text.h"
#include "wire/mp.h"

static void show_metrics (core_t *self, plv_buf_t *body)
{
    plv_buf_t text = {0};
    control_measure (self);
    plv_metrics_render (&self->metrics, &text);
    plv_buf_add_view (&text, plv_buf_view (&self->others));
    plv_mp_put_map (body, 1);
    plv_mp_put_text (body, "text");
    plv_buf_check (&text);
    plv_mp_put_str (body, plv_buf_view (&text));
    plv_buf_free (&text);
}

/*  Whoever reaches the socket can say a name of the list: the right is that of the process which the broker started
    under it.  */
static bool is_operator (const core_t *self, const peer_t *peer)
{
    const plv_conf_list_t *operators = &self->policy->conf->plugins_operators;
    if (peer->from == FROM_TOOL)
        return true;
    for (size_t at = 0; at < operators->count && peer->is_proven; at++)
        if (strcmp (operators->items[at], peer->name) == 0)
            return true;
    return false;
}

static session_t *session_asked (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    plv_view_t id = plv_mp_find_str (arguments, "session");
    session_t *session = session_get (self, id);
    /* what another platform's people say is not told, not even whether they do */
    if (session && peer->from == FROM_ADAPTER && !is_operator (self, peer)
        && !plv_view_is (session->platform, peer->platform))
        session = NULL;
    if (!session)
        control_fail (self, peer, request, ERR_NOENT,
                      "no open session is named \"" PLV_VIEW_FMT "\"", PLV_VIEW_ARG (id));
    return session;
}

static void show_session (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    session_t *session = session_asked (self, peer, request, arguments);
    plv_buf_t body = {0};
    if (!session)
        return;
    control_session (session, &body);
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

static void end_session (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments,
                         const char *why)
{
    session_t *session = session_asked (self, peer, request, arguments);
    plv_buf_t body = {0};
    if (!session)
        return;
    if (!session_quiet (session) || session->parked_by || session->closing) {
        control_fail (self, peer, request, ERR_BUSY,
                      "session \"" PLV_VIEW_FMT
                      "\" has %u events and replies that are not done%s; nothing was changed",
                      PLV_VIEW_ARG (session->id),
                      session->event_count + (plv_list_empty (&session->replies) ? 0u : 1u),
                      session->parked_by ? ", and is parked by a dead letter" : "");
        return;
    }
    life_end (self, session, why);
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "status", "success");
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

/*  The letter may be damaged, or wait for a decision that takes days.  */
static void unpark_session (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    session_t *session = session_asked (self, peer, request, arguments);
    plv_buf_t body = {0};
    if (!session)
        return;
    plv_mp_put_map (&body, 1);
    plv_mp_pair_u64 (&body, "parked_by", session->parked_by);
    if (session->parked_by) {
        record_t record = {
            .type = RECORD_UNPARK,
            .session = session->id,
            .at_us = self->now.wall_us,
            .who = text_cut (plv_mp_find_str (arguments, "who"), NAME_BYTES_MAX),
        };
        apply_new (self, &record);
        dispatch_session (self, session);
    }
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

/*  What is asked about one session, or told to it.  */
static void take_session (core_t *self, peer_t *peer, uint64_t request, command_t command,
                          plv_view_t arguments)
{
    if (command == COMMAND_SESSIONS_SHOW)
        show_session (self, peer, request, arguments);
    else if (command == COMMAND_SESSIONS_UNPARK)
        unpark_session (self, peer, request, arguments);
    else
        end_session (self, peer, request, arguments,
                     command == COMMAND_SESSIONS_RESET ? "reset" : "operator");
}

/*  The commands that are answered at once with a map.  */
static void answer_now (core_t *self, peer_t *peer, uint64_t request, command_t command,
                        plv_view_t arguments)
{
    plv_buf_t body = {0};
    switch (command) {
    case COMMAND_STATUS:
        control_status (self, &body);
        break;
    case COMMAND_METRICS:
        show_metrics (self, &body);
        break;
    case COMMAND_SESSIONS_LIST:
        control_sessions (self, arguments, &body);
        break;
    case COMMAND_AGENTS_LIST:
        control_agents (self, arguments, &body);
        break;
    case COMMAND_ADAPTERS_LIST:
        control_adapters (self, arguments, &body);
        break;
    default:
        control_routes (self, &body);
        break;
    }
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

/*  False when it was told off.  */
static bool may_ask (core_t *self, peer_t *peer, uint64_t request, command_t command)
{
    command_right_t right = command_right (command);
    bool operates = is_operator (self, peer);
    if (self->options.read_only && !command_is_for_stopped (command)) {
        control_fail (self, peer, request, ERR_PERM,
                      "%s: this data is only looked at; start a broker on it to change anything",
                      command_name (command));
        return false;
    }
    if (peer->from == FROM_TOOL || right == RIGHT_ADAPTER || (right == RIGHT_OPERATOR && operates))
        return true;
    if (!operates)
        control_fail (
            self, peer, request, ERR_AUTH,
            "adapter \"%s\" may ask for sessions.show, sessions.reset and what begins with "
            "kv. only; the rest is for adapters that the broker's configuration names in "
            "plugins.operators and that the broker itself has started",
            peer->name);
    else
        control_fail (self, peer, request, ERR_AUTH, "no adapter may ask for %s, tools may",
                      command_name (command));
    return false;
}

void control_take (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t request = frame->arg[0].number;
    plv_view_t arguments = frame->arg[2].bytes;
    command_t command = command_of (frame->arg[1].bytes);

    if (!may_ask (self, peer, request, command)
        || !kind_check (self, peer, request, command, arguments)
        || !choice_check (self, peer, request, command, arguments))
        return;
    switch (command) {
    case COMMAND_SESSIONS_SHOW:
    case COMMAND_SESSIONS_RESET:
    case COMMAND_SESSIONS_UNPARK:
    case COMMAND_SESSIONS_END:
        take_session (self, peer, request, command, arguments);
        break;
    case COMMAND_BACKUP:
        backup_start (self, peer, request, arguments);
        break;
    case COMMAND_KV_GET:
    case COMMAND_KV_PUT:
    case COMMAND_KV_DELETE:
    case COMMAND_KV_LIST:
        control_kv (self, peer, request, (int) command, arguments);
        break;
    case COMMAND_DEAD_LIST:
    case COMMAND_DEAD_SHOW:
    case COMMAND_DEAD_STATS:
    case COMMAND_DEAD_REPLAY:
    case COMMAND_DEAD_DISCARD:
    case COMMAND_DEAD_IMPORT:
        control_dead (self, peer, request, command, arguments);
        break;
    case COMMAND_EVENTS_SHOW:
    case COMMAND_EVENTS_LIST:
        events_start (self, peer, request, command, arguments);
        break;
    case COMMAND_EVENTS_DISCARD:
        discard_control (self, peer, request, arguments);
        break;
    case COMMAND_TRY:
        try_start (self, peer, request, arguments);
        break;
    case COMMAND_ADAPTERS_HOSTS:
    case COMMAND_ADAPTERS_START:
    case COMMAND_ADAPTERS_STOP:
    case COMMAND_ADAPTERS_RELOAD:
        control_order (self, peer, request, (int) command, arguments);
        break;
    case COMMAND_ROUTES_PAUSE:
    case COMMAND_ROUTES_RESUME:
        hold_control (self, peer, request, (int) command, arguments);
        break;
    case COMMAND_AGENTS_DRAIN:
    case COMMAND_AGENTS_RESUME:
        control_drains (self, peer, request, (int) command, arguments);
        break;
    case COMMAND_TAIL:
    case COMMAND_TAIL_READ:
    case COMMAND_TAIL_END:
        tail_control (self, peer, request, (int) command, arguments);
        break;
    case COMMAND_COUNT_:
        control_fail (self, peer, request, ERR_NOENT,
                      "the broker has no command \"" PLV_VIEW_FMT "\"",
                      PLV_VIEW_ARG (frame->arg[1].bytes));
        break;
    default:
        answer_now (self, peer, request, command, arguments);
        break;
    }
}
