#include "core/ask/events.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"

#include "wire/mp.h"

enum { SAY_EVERY_US = 1000000, LOOK_EVERY_US = 1000 };

static void take (core_t *self, ask_t *ask, const input_t *input)
{
    if (ask->show)
        events_show_take (self, ask, input);
    else
        events_list_take (self, ask, input);
}

/*  A long search says now and then that it goes on: who waits gives up on silence.  */
static void say_so (core_t *self, ask_t *ask, peer_t *peer)
{
    plv_buf_t body = {0};
    if (self->now.mono_us - ask->begun_us < SAY_EVERY_US)
        return;
    ask->begun_us = self->now.mono_us;
    if (ask->list)
        events_list_progress (ask->list, &body);
    else
        plv_mp_put_map (&body, 0);
    control_part (self, peer, ask->request, &body);
    plv_buf_free (&body);
}

/*  An event that is over is nowhere but in the journal: what had been recorded of it when somebody asked must have
    come there, or nothing would be known of it.  */
static bool waits_for_journal (core_t *self, ask_t *ask)
{
    if (self->recorded_stored >= ask->recorded)
        return false;
    timers_set (&self->timers, &ask->timer, self->now.mono_us + LOOK_EVERY_US);
    return true;
}

static void go_on (core_t *self, ask_t *ask)
{
    peer_t *peer = plv_map_u64_get (&self->peers, ask->peer);
    if (peer && waits_for_journal (self, ask)) {
        say_so (self, ask, peer);
        return;
    }
    if (peer && ask->failed[0]) {
        control_fail (self, peer, ask->request, ERR_IO, "%s", ask->failed);
    } else if (peer && !(ask->show ? events_show_next (self, ask) : events_list_next (self, ask))) {
        say_so (self, ask, peer);
        return;
    } else if (peer && ask->show) {
        events_show_answer (self, peer, ask);
    } else if (peer) {
        events_list_answer (self, peer, ask);
    }
    control_finish (self, ask);
}

static void free_search (ask_t *ask)
{
    events_show_free (&ask->show);
    events_list_free (&ask->list);
}

static const ask_kind_t ask_events = {
    .take = take,
    .settle = go_on,
    .go_on = go_on,
    .free = free_search,
};

void events_start (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments)
{
    ask_t *ask = control_ask_new (self, &ask_events);
    bool more = self->effects->journal.size > 0;
    ask->command = command;
    control_ask_from (ask, peer, request);
    ask->recorded = more ? self->seq : self->recorded;
    ask->end = self->seq + more;
    const char *why = command == COMMAND_EVENTS_SHOW ? events_show_start (ask, arguments)
                                                     : events_list_start (self, ask, arguments);
    if (!why) {
        go_on (self, ask);
        return;
    }
    control_fail (self, peer, request, ERR_ARG, "%s", why);
    control_finish (self, ask);
}
