#include "core/ask/control.h"

#include "base/format.h"
#include "core/ask/choice.h"
#include "core/ask/control_dead.h"
#include "core/ask/control_kv.h"
#include "core/ask/control_order.h"
#include "core/ask/control_peers.h"
#include "core/ask/control_show.h"
#include "core/ask/discard.h"
#include "core/ask/events.h"
#include "core/ask/hold.h"
#include "core/ask/tails.h"
#include "core/call/try.h"
#include "core/flow/dispatch.h"
#include "core/flow/life.h"
#include "core/internal.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "core/text.h"
#include "wire/mask.h"
#include "wire/mp.h"

#include <stdarg.h>

static const struct {
    const char *name;
    command_right_t right;
    command_when_t when;
} commands[COMMAND_COUNT_] = {
#define COMMAND(name, text, right, when, arguments, meaning)                                       \
    [COMMAND_##name] = {(text), RIGHT_##right, WHEN_##when},
#include "wire/commands.def"
#undef COMMAND
};

command_t command_of (plv_view_t name)
{
    int command = 0;
    while (command < COMMAND_COUNT_ && !plv_view_is (name, commands[command].name))
        command++;
    return (command_t) command;
}

const char *command_name (command_t command)
{
    return command < COMMAND_COUNT_ ? commands[command].name : "?";
}

/*  Everybody who may ask for anything is told that there is no such command.  */
static command_right_t right_of (command_t command)
{
    return command < COMMAND_COUNT_ ? commands[command].right : RIGHT_OPERATOR;
}

static bool may_when_stopped (command_t command)
{
    return command < COMMAND_COUNT_ && commands[command].when == WHEN_ANY;
}

static void put_result (core_t *self, peer_t *peer, uint64_t request, bool more, const char *status,
                        const plv_buf_t *body)
{
    plv_buf_check (body);
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_RESULT);
    plv_mp_put_u64 (buf, request);
    plv_mp_put_bool (buf, more);
    plv_mp_put_text (buf, status);
    plv_buf_add_view (buf, plv_buf_view (body));
    plv_frame_end (buf, mark);
}

void control_answer (core_t *self, peer_t *peer, uint64_t request, const char *status,
                     const plv_buf_t *body)
{
    put_result (self, peer, request, false, status, body);
}

void control_part (core_t *self, peer_t *peer, uint64_t request, const plv_buf_t *body)
{
    put_result (self, peer, request, true, "ok", body);
}

void control_answer_shown (core_t *self, peer_t *peer, uint64_t request, const plv_buf_t *body)
{
    plv_buf_t masked = {0};
    if (peer->from == FROM_ADAPTER)
        plv_mask_put (&masked, plv_buf_view (body));
    control_answer (self, peer, request, "ok", peer->from == FROM_ADAPTER ? &masked : body);
    plv_buf_free (&masked);
}

void control_fail (core_t *self, peer_t *peer, uint64_t request, plv_err_t err, const char *format,
                   ...)
{
    plv_buf_t body = {0};
    char text[PLV_FAIL_TEXT_BYTES];
    va_list args;
    va_start (args, format);
    plv_format_list (text, sizeof text, format, args);
    va_end (args);
    plv_mp_put_map (&body, 1);
    plv_mp_pair_str (&body, "text", text_cut (plv_view_str (text), sizeof text));
    control_answer (self, peer, request, plv_err_name (err), &body);
    plv_buf_free (&body);
}

uint64_t control_number (plv_view_t arguments, const char *key, uint64_t standard)
{
    plv_mp_t value;
    uint64_t number;
    return plv_mp_find (arguments, key, &value) && plv_mp_u64 (&value, &number) ? number : standard;
}

bool control_flag (plv_view_t arguments, const char *key)
{
    plv_mp_t value;
    bool flag;
    return plv_mp_find (arguments, key, &value) && plv_mp_bool (&value, &flag) && flag;
}

static void show_metrics (core_t *self, plv_buf_t *body)
{
    plv_buf_t text = {0};
    control_measure (self);
    plv_metrics_render (core_metrics (self), &text);
    plv_buf_add_view (&text, plv_buf_view (&self->others));
    plv_mp_put_map (body, 1);
    plv_mp_put_text (body, "text");
    plv_buf_check (&text);
    plv_mp_put_str (body, plv_buf_view (&text));
    plv_buf_free (&text);
}

static session_t *session_asked (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    plv_view_t id = plv_mp_find_str (arguments, "session");
    session_t *session = session_get (self, id);
    /* what another platform's people say is not told, not even whether they do */
    if (session && peer->from == FROM_ADAPTER && !control_is_operator (self, peer)
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

static void start_backup (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    plv_view_t dir = plv_mp_find_str (arguments, "dir");
    if (dir.size == 0 || dir.data[0] != '/' || memchr (dir.data, 0, dir.size)) {
        control_fail (self, peer, request, ERR_ARG,
                      "backup needs \"dir\", an absolute path that does not exist yet");
        return;
    }
    if (self->effects->checkpoint_token) {
        control_fail (self, peer, request, ERR_BUSY,
                      "another backup was asked for at this moment: try again");
        return;
    }
    ask_t *ask = control_ask_new (self, COMMAND_BACKUP);
    ask->peer = peer->number;
    ask->request = request;
    ask->waiting = 1;
    self->effects->checkpoint_token = ask->token;
    plv_buf_add_view (&self->effects->checkpoint_dir, dir);
    plv_buf_add_u8 (&self->effects->checkpoint_dir, 0);
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

/*  Whoever reaches the socket can say a name of the list: the right is that of the process which the broker started
    under it.  */
bool control_is_operator (const core_t *self, const peer_t *peer)
{
    const plv_conf_list_t *operators = &self->policy->conf->plugins_operators;
    if (peer->from == FROM_TOOL)
        return true;
    for (size_t at = 0; at < operators->count && peer->is_proven; at++)
        if (strcmp (operators->items[at], peer->name) == 0)
            return true;
    return false;
}

/*  False when it was told off.  */
static bool may_ask (core_t *self, peer_t *peer, uint64_t request, command_t command)
{
    command_right_t right = right_of (command);
    bool is_operator = control_is_operator (self, peer);
    if (self->options.read_only && !may_when_stopped (command)) {
        control_fail (self, peer, request, ERR_PERM,
                      "%s: this data is only looked at; start a broker on it to change anything",
                      command_name (command));
        return false;
    }
    if (peer->from == FROM_TOOL || right == RIGHT_ADAPTER
        || (right == RIGHT_OPERATOR && is_operator))
        return true;
    if (!is_operator)
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
        start_backup (self, peer, request, arguments);
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
        control_start_dead (self, peer, request, command, arguments);
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

/*  A tool that is gone is not waited for; what it asked for is done all the same.  */
void control_forget (core_t *self, const peer_t *peer)
{
    ask_t *ask;
    for (size_t at = 0; (ask = plv_map_u64_next (&self->asks, &at));)
        if (ask->peer == peer->number)
            ask->peer = 0;
}
