#include "sim/actors.h"

#include "base/alloc.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>

/*  Somebody who looks at the dead letters now and then, tries them, and sends them again, as they are or otherwise.
    There are several, who know nothing of each other; the first one pauses the route and resumes it, too, the second
    one drains workers, throws away what waits, ends sessions, and saves letters, throws them away and puts them
    back.  */

enum {
    BEATS_A_LOOK = 7,
    QUIET_LOOKS = 3,
    PAUSES_IN_A_HUNDRED = 4,
    TRIES_IN = 3,
    MEDDLES_IN = 5,
    SESSION_BYTES = 16,
    SAVES_IN = 3,
};

/*  A letter that is saved: shown, thrown away as it was shown, and put back.  */
typedef struct {
    uint64_t number;  /* 0: there is none */
    uint64_t dead_us; /* when it died, as it was shown */
    uint64_t attempts;
    plv_buf_t row;
    uint64_t showing; /* the requests that answers are awaited for; 0: none */
    uint64_t discarding;
    uint64_t putting;
    bool is_gone; /* it has been thrown away */
} saved_t;

struct operator
{
    sim_t *sim;
    unsigned number;
    sim_conn_t *conn;
    bool known;
    bool resumes;     /* a resume may be on its way, perhaps twice */
    uint64_t pausing; /* the request that asks for a pause; 0: none */
    uint64_t request;
    unsigned beats;
    uint64_t listing; /* the request that a list is awaited for; 0: none */
    unsigned quiet;   /* looks in calm that found nothing */
    saved_t saved;
};

static void receive (void *actor, plv_view_t packet);

static void connect (operator_t *self)
{
    letter_t letter;
    net_close (self->conn);
    self->known = false;
    self->listing = self->saved.showing = self->saved.discarding = 0;
    if (!self->saved.is_gone) /* or nobody knows it */
        self->saved.number = 0;
    self->conn = net_open (self->sim, FROM_TOOL, self, 1, receive);
    hello_begin (&letter, "tool", "operator", 0);
    letter_send (&letter, self->conn);
}

static letter_t control (operator_t *self, const char *command)
{
    letter_t letter = letter_begin (VERB_CONTROL);
    plv_mp_put_u64 (&letter.bytes, ++self->request);
    plv_mp_put_text (&letter.bytes, command);
    return letter;
}

static void hold (operator_t *self, const char *command)
{
    letter_t letter = control (self, command);
    plv_mp_put_map (&letter.bytes, 2);
    plv_mp_put_text (&letter.bytes, "route");
    plv_mp_put_text (&letter.bytes, "default");
    plv_mp_put_text (&letter.bytes, "who");
    plv_mp_put_text (&letter.bytes, "operator");
    letter_send (&letter, self->conn);
}

/*  In the end everything goes on; a pause may still be on its way.  */
static void pause_or_resume (operator_t *self)
{
    if (self->number != 0)
        return;
    if (self->sim->calm || sim_below (self->sim, 100) < PAUSES_IN_A_HUNDRED) {
        self->sim->route_paused = false;
        self->resumes = true;
        self->pausing = 0;
        hold (self, "routes.resume");
    } else if (sim_below (self->sim, 100) < PAUSES_IN_A_HUNDRED) {
        hold (self, "routes.pause");
        self->pausing = self->request;
    }
}

/*  In the end every worker goes on, one after the other.  */
static void drain_or_resume (operator_t *self)
{
    sim_t *sim = self->sim;
    bool drains = !sim->calm && sim_below (sim, 3) == 0;
    char name[16];
    snprintf (name, sizeof name, "w%u", self->beats % sim->worker_count);
    letter_t letter = control (self, drains ? "agents.drain" : "agents.resume");
    plv_mp_put_map (&letter.bytes, 1);
    plv_mp_put_text (&letter.bytes, "name");
    plv_mp_put_text (&letter.bytes, name);
    letter_send (&letter, self->conn);
}

static void name_session (operator_t *self, char session[SESSION_BYTES])
{
    sim_t *sim = self->sim;
    snprintf (session, SESSION_BYTES, "a%u_%u", (unsigned) sim_below (sim, sim->adapter_count),
              (unsigned) sim_below (sim, 4));
}

/*  Only one in which nothing goes on ends.  */
static void end_session (operator_t *self)
{
    char session[SESSION_BYTES];
    letter_t letter = control (self, sim_below (self->sim, 2) ? "sessions.reset" : "sessions.end");
    name_session (self, session);
    plv_mp_put_map (&letter.bytes, 1);
    plv_mp_put_text (&letter.bytes, "session");
    plv_mp_put_text (&letter.bytes, session);
    letter_send (&letter, self->conn);
}

static void throw_away (operator_t *self)
{
    sim_t *sim = self->sim;
    char session[SESSION_BYTES];
    name_session (self, session);
    bool of_route = sim_below (sim, 2);
    letter_t letter = control (self, "events.discard");
    plv_mp_put_map (&letter.bytes, 1);
    plv_mp_put_text (&letter.bytes, of_route ? "route" : "session");
    plv_mp_put_text (&letter.bytes, of_route ? "default" : session);
    letter_send (&letter, self->conn);
}

static void show (operator_t *self, uint64_t number)
{
    letter_t letter = control (self, "dead.show");
    plv_mp_put_map (&letter.bytes, 2);
    plv_mp_put_text (&letter.bytes, "number");
    plv_mp_put_u64 (&letter.bytes, number);
    plv_mp_put_text (&letter.bytes, "row");
    plv_mp_put_bool (&letter.bytes, true);
    letter_send (&letter, self->conn);
    self->saved.number = number;
    self->saved.showing = self->request;
}

/*  A command about the saved letter, with one more argument, whose value follows.  */
static letter_t about_saved (operator_t *self, const char *command, const char *more)
{
    letter_t letter = control (self, command);
    plv_mp_put_map (&letter.bytes, 2);
    plv_mp_put_text (&letter.bytes, "numbers");
    plv_mp_put_array (&letter.bytes, 1);
    plv_mp_put_u64 (&letter.bytes, self->saved.number);
    plv_mp_put_text (&letter.bytes, more);
    return letter;
}

static void discard_saved (operator_t *self)
{
    letter_t letter = about_saved (self, "dead.discard", "expect");
    plv_mp_put_array (&letter.bytes, 1);
    plv_mp_put_array (&letter.bytes, 2);
    plv_mp_put_u64 (&letter.bytes, self->saved.attempts);
    plv_mp_put_u64 (&letter.bytes, self->saved.dead_us);
    letter_send (&letter, self->conn);
    self->saved.discarding = self->request;
}

/*  Until it is said to be there.  */
static void put_back (operator_t *self)
{
    letter_t letter = about_saved (self, "dead.import", "rows");
    plv_mp_put_array (&letter.bytes, 1);
    plv_mp_put_bin (&letter.bytes, plv_buf_view (&self->saved.row));
    letter_send (&letter, self->conn);
    self->saved.putting = self->request;
}

static uint64_t number_in (plv_view_t map, const char *key)
{
    plv_mp_t value;
    uint64_t number;
    return plv_mp_find (map, key, &value) && plv_mp_u64 (&value, &number) ? number : 0;
}

static void take_shown (operator_t *self, plv_view_t body)
{
    plv_mp_t value;
    plv_view_t item, row;
    uint32_t count = 0;
    self->saved.showing = 0;
    if (!plv_mp_find (body, "items", &value) || !plv_mp_array (&value, &count) || count != 1
        || !plv_mp_skip (&value, &item) || !plv_mp_find (item, "row", &value)
        || !plv_mp_bin (&value, &row)) {
        self->saved.number = 0;
        return;
    }
    self->saved.attempts = number_in (item, "attempts");
    self->saved.dead_us = number_in (item, "dead_us");
    plv_buf_clear (&self->saved.row);
    plv_buf_add_view (&self->saved.row, row);
    discard_saved (self);
}

static void take_discarded (operator_t *self, plv_view_t body)
{
    self->saved.discarding = 0;
    self->saved.is_gone = number_in (body, "done") == 1;
    if (!self->saved.is_gone)
        self->saved.number = 0;
}

/*  Or it was busy, and is asked again.  */
static void take_put_back (operator_t *self, plv_view_t body)
{
    if (number_in (body, "done") + number_in (body, "there") != 1)
        return;
    self->saved.is_gone = false;
    self->saved.number = 0;
}

static void meddle (operator_t *self)
{
    sim_t *sim = self->sim;
    if (self->number != 1 || (!sim->calm && sim_below (sim, MEDDLES_IN)))
        return;
    if (self->saved.is_gone)
        put_back (self);
    if (sim->calm || sim_below (sim, 2))
        drain_or_resume (self);
    else if (sim_below (sim, 3))
        throw_away (self);
    else
        end_session (self);
}

/*  A message that nobody wrote, of a session that there is not.  */
static void try_something (operator_t *self)
{
    plv_buf_t body = {0};
    uint8_t number = (uint8_t) ('0' + sim_below (self->sim, 4));
    char session[] = "trial_?";
    session[sizeof session - 2] = (char) number;
    const plv_envelope_t envelope = {
        .id = plv_id_make (self->sim->now_us, plv_rng_next (&self->sim->rng)),
        .type_code = EVENT_CHAT_MESSAGE,
        .platform = plv_view_str ("trial"),
        .adapter = plv_view_str ("a0"),
        .session_id = plv_view_str (session),
        .user_id = plv_view_str ("operator"),
        .timestamp = self->sim->now_us,
    };
    letter_t letter = control (self, "try");
    plv_mp_put_map (&letter.bytes, 4);
    plv_mp_put_text (&letter.bytes, "service");
    plv_mp_put_text (&letter.bytes, sim_below (self->sim, 8) ? "advisor" : "nobody");
    plv_mp_put_text (&letter.bytes, "envelope");
    plv_envelope_write (&letter.bytes, &envelope);
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "message_text");
    plv_mp_put_text (&body, "only a trial");
    plv_mp_put_text (&letter.bytes, "body");
    plv_mp_put_bin (&letter.bytes, plv_buf_view (&body));
    plv_mp_put_text (&letter.bytes, "deadline_ms");
    plv_mp_put_u64 (&letter.bytes, 1 + sim_below (self->sim, 4000));
    letter_send (&letter, self->conn);
    plv_buf_free (&body);
}

/*  Nothing that was sent before can end this pause: it must hold.  */
static void take_pause (operator_t *self, const plv_frame_t *frame)
{
    if (self->pausing == frame->arg[0].number && !self->resumes
        && plv_view_is (frame->arg[2].bytes, "ok"))
        self->sim->route_paused = true;
}

static void beat (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    operator_t *self = arg;
    (void) token;
    (void) bytes;
    if (!self->conn || !self->conn->open || !self->known) {
        connect (self);
    } else if (++self->beats % BEATS_A_LOOK) {
        letter_t letter = letter_begin (VERB_PING);
        letter_send (&letter, self->conn);
        pause_or_resume (self);
        meddle (self);
        if (!self->sim->calm && sim_below (self->sim, TRIES_IN) == 0)
            try_something (self);
    } else {
        letter_t letter = control (self, "dead.list");
        plv_mp_put_map (&letter.bytes, 1);
        plv_mp_put_text (&letter.bytes, "limit");
        plv_mp_put_u64 (&letter.bytes, 50);
        letter_send (&letter, self->conn);
        self->listing = self->request;
    }
    sim_at (sim, HEARTBEAT_US, beat, self, 0, plv_view (NULL, 0));
}

static void unpark (operator_t *self, plv_view_t session)
{
    letter_t letter = control (self, "sessions.unpark");
    plv_mp_put_map (&letter.bytes, 1);
    plv_mp_put_text (&letter.bytes, "session");
    plv_mp_put_str (&letter.bytes, session);
    letter_send (&letter, self->conn);
}

/*  The letters that an operator has chosen from a list.  */
typedef struct {
    plv_buf_t numbers;
    uint32_t count;
} chosen_t;

static void put_chosen (letter_t *letter, const chosen_t *chosen)
{
    plv_mp_put_text (&letter->bytes, "numbers");
    plv_mp_put_array (&letter->bytes, chosen->count);
    plv_buf_add_view (&letter->bytes, plv_buf_view (&chosen->numbers));
}

static void only_try (operator_t *self, const chosen_t *chosen)
{
    letter_t letter = control (self, "dead.replay");
    plv_mp_put_map (&letter.bytes, 2);
    plv_mp_put_text (&letter.bytes, "shadow");
    plv_mp_put_bool (&letter.bytes, true);
    put_chosen (&letter, chosen);
    letter_send (&letter, self->conn);
}

/*  To another route or service, if there is one of this name now, with another text, by a plan, or all of that.  */
static void send_changed (operator_t *self, const chosen_t *chosen)
{
    static const char *const places[] = {"default", "second", "other", "clerk", "advisor"};
    unsigned what = 1 + (unsigned) sim_below (self->sim, 7);
    bool to = what & 1, set = what & 2, plan = what & 4;
    letter_t letter = control (self, "dead.replay");
    plv_mp_put_map (&letter.bytes, 1u + to + set + plan);
    put_chosen (&letter, chosen);
    if (to) {
        plv_mp_put_text (&letter.bytes, "to");
        plv_mp_put_text (&letter.bytes, places[sim_below (self->sim, 5)]);
    }
    if (set) {
        plv_mp_put_text (&letter.bytes, "set");
        plv_mp_put_map (&letter.bytes, 1);
        plv_mp_put_text (&letter.bytes, "message_text");
        plv_mp_put_text (&letter.bytes, "what was meant");
    }
    if (plan) {
        plv_mp_put_text (&letter.bytes, "plan");
        plv_mp_put_text (&letter.bytes, "a plan");
    }
    letter_send (&letter, self->conn);
}

/*  In the end everything goes, once more where nobody knows; before, what may go twice must wait.  */
static void send_or_throw_away (operator_t *self, const chosen_t *chosen)
{
    bool discards = !self->sim->calm && sim_below (self->sim, 10) == 0;
    letter_t letter = control (self, discards ? "dead.discard" : "dead.replay");
    self->sim->duplicates_allowed |= self->sim->calm;
    plv_mp_put_map (&letter.bytes, 3);
    plv_mp_put_text (&letter.bytes, "allow_duplicates");
    plv_mp_put_bool (&letter.bytes, self->sim->calm);
    put_chosen (&letter, chosen);
    plv_mp_put_text (&letter.bytes, "who");
    plv_mp_put_text (&letter.bytes, "operator");
    letter_send (&letter, self->conn);
}

static void deal_with (operator_t *self, const chosen_t *chosen)
{
    uint64_t chance = self->sim->calm ? 6 : sim_below (self->sim, 9);
    if (chance < 3)
        only_try (self, chosen);
    else if (chance < 5)
        send_changed (self, chosen);
    else
        send_or_throw_away (self, chosen);
}

static void take_list (operator_t *self, plv_view_t body)
{
    plv_mp_t items, number;
    plv_view_t item;
    uint32_t count = 0;
    uint64_t entry;
    chosen_t chosen = {.count = 0};
    self->listing = 0;
    if (!plv_mp_find (body, "items", &items) || !plv_mp_array (&items, &count))
        return;
    self->quiet = self->sim->calm && count == 0 ? self->quiet + 1 : 0;
    while (count-- && plv_mp_skip (&items, &item)) {
        if (sim_below (self->sim, 20) == 0)
            unpark (self, plv_mp_find_str (item, "session_id"));
        if (!plv_mp_find (item, "number", &number) || !plv_mp_u64 (&number, &entry)
            || (!self->sim->calm && sim_below (self->sim, 3)))
            continue;
        plv_mp_put_u64 (&chosen.numbers, entry);
        chosen.count++;
    }
    if (chosen.count && self->number == 1 && !self->saved.number && !self->sim->calm
        && sim_below (self->sim, SAVES_IN) == 0)
        show (self, entry);
    else if (chosen.count)
        deal_with (self, &chosen);
    plv_buf_free (&chosen.numbers);
}

static void take_result (operator_t *self, const plv_frame_t *frame)
{
    uint64_t request = frame->arg[0].number;
    if (request == self->saved.showing)
        take_shown (self, frame->arg[3].bytes);
    else if (request == self->saved.discarding)
        take_discarded (self, frame->arg[3].bytes);
    else if (request == self->saved.putting)
        take_put_back (self, frame->arg[3].bytes);
    else
        take_pause (self, frame);
}

static void receive (void *actor, plv_view_t packet)
{
    operator_t *self = actor;
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    plv_err_t err = plv_packet_open (packet, &reader, &fail);
    while (!err && !(err = plv_packet_next (&reader, &frame, &fail))) {
        if (frame.verb == VERB_WELCOME)
            self->known = true;
        else if (frame.verb == VERB_WHO || frame.verb == VERB_ERROR)
            net_close (self->conn);
        else if (frame.verb == VERB_RESULT && frame.arg[0].number == self->listing)
            take_list (self, frame.arg[3].bytes);
        else if (frame.verb == VERB_RESULT)
            take_result (self, &frame);
    }
    if (err != ERR_NOENT)
        sim_fail (self->sim, "the broker sends a tool a bad packet: %s", fail.text);
}

bool operator_done (const operator_t *self)
{
    return self->quiet >= QUIET_LOOKS && !self->saved.is_gone;
}

operator_t *operator_new (sim_t *sim, unsigned number)
{
    operator_t *self = plv_alloc_zero (1, sizeof *self);
    self->sim = sim;
    self->number = number;
    sim_at (sim, HEARTBEAT_US, beat, self, 0, plv_view (NULL, 0));
    return self;
}

void operator_destroy (operator_t **self_p)
{
    plv_buf_free (&(*self_p)->saved.row);
    free (*self_p);
    *self_p = NULL;
}
