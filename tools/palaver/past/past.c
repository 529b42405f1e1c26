#include "palaver/past/past.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "palaver/past/patches.h"
#include "wire/mp.h"

#include <stdlib.h>

#define HOUR_US INT64_C (3600000000)
#define DAY_US (24 * HOUR_US)
#define WEEK_US (7 * DAY_US)

enum { BYTES_MAX = 64 << 20 };

typedef struct {
    uint64_t number;
    int64_t over_us; /* when the turn was complete */
    int64_t said_us;
    uint8_t maps;
    plv_buf_t encoded; /* empty: it is no turn of the conversation */
    plv_buf_t patch;   /* of the state */
} turn_t;

struct past_session {
    plv_buf_t name;
    int64_t first_us;  /* the first event that is asked about was accepted then */
    int64_t oldest_us; /* of what is known of it */
    bool begins;       /* nothing older belongs to it */
    turn_t *turns;
    size_t count;
    plv_buf_t ends;     /* int64_t each */
    int64_t created_us; /* of the session that is open now; 0: none is */
    plv_buf_t now;      /* the state of that one */
    size_t patches;
    bool reading;    /* the pages that come now are about it, too */
    bool from_start; /* nothing was ever said before what is known of it */
};

static void free_session (past_session_t *session)
{
    for (size_t i = 0; i < session->count; i++) {
        plv_buf_free (&session->turns[i].encoded);
        plv_buf_free (&session->turns[i].patch);
    }
    plv_buf_free (&session->now);
    free (session->turns);
    plv_buf_free (&session->name);
    plv_buf_free (&session->ends);
}

void past_free (past_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free_session (&self->sessions[i]);
    free (self->sessions);
    self->sessions = NULL;
    self->count = 0;
    self->bytes = 0;
    self->left_out = false;
}

static past_session_t *find (const past_t *self, plv_view_t name)
{
    for (size_t i = 0; i < self->count; i++)
        if (plv_view_equal (plv_buf_view (&self->sessions[i].name), name))
            return &self->sessions[i];
    return NULL;
}

static int64_t time_of (plv_view_t map, const char *key)
{
    return (int64_t) ask_number (map, key);
}

static void add_session (past_t *self, plv_view_t event)
{
    plv_view_t name = plv_mp_find_str (event, "session_id");
    if (find (self, name))
        return;
    past_session_t *session = &self->sessions[self->count++];
    plv_buf_add_view (&session->name, name);
    plv_buf_check (&session->name);
    session->first_us = session->oldest_us = time_of (event, "accepted_us");
}

/* ------------------------------------------------------------------ reading */

static void put_map (plv_buf_t *buf, const char *role, plv_view_t text, int64_t at_us)
{
    plv_mp_put_map (buf, 3);
    plv_mp_pair_text (buf, "role", role);
    plv_mp_pair_str (buf, "text", text);
    plv_mp_pair_i64 (buf, "timestamp", at_us);
}

static plv_view_t text_in (plv_view_t event, const char *body, const char *key)
{
    plv_mp_t value;
    plv_view_t raw;
    if (!plv_mp_find (event, body, &value) || !plv_mp_skip (&value, &raw))
        return plv_view (NULL, 0);
    return plv_mp_find_str (raw, key);
}

static plv_view_t map_in (plv_view_t map, const char *key)
{
    plv_mp_t value;
    plv_view_t raw;
    if (!plv_mp_find (map, key, &value) || plv_mp_peek (&value) != MP_MAP
        || !plv_mp_skip (&value, &raw))
        return plv_view (NULL, 0);
    return raw;
}

static void note_begin (past_session_t *session, int64_t at_us)
{
    plv_buf_add (&session->ends, &at_us, sizeof at_us);
    plv_buf_check (&session->ends);
    session->begins |= at_us <= session->first_us;
}

static void encode (turn_t *turn, plv_view_t event, int64_t accepted_us)
{
    plv_view_t answer = text_in (event, "answer", "response_text");
    put_map (&turn->encoded, "user", text_in (event, "body", "message_text"), accepted_us);
    turn->maps = 1;
    if (answer.size) {
        put_map (&turn->encoded, "assistant", answer, turn->over_us);
        turn->maps = 2;
    }
    plv_buf_check (&turn->encoded);
}

static void add_patch (turn_t *turn, past_session_t *session, plv_view_t patch)
{
    plv_buf_add_view (&turn->patch, patch);
    plv_buf_check (&turn->patch);
    session->patches += patch.size != 0;
}

/*  What the broker says to itself makes no turn, but an agent may answer it with a patch; what was never answered is
    neither.  */
static bool add_turn (void *arg, plv_view_t event)
{
    past_t *self = arg;
    past_session_t *session = find (self, plv_mp_find_str (event, "session_id"));
    plv_view_t type = plv_mp_find_str (event, "type"), patch = map_in (event, "patch");
    int64_t accepted_us = time_of (event, "accepted_us"), over_us = time_of (event, "answered_us");
    bool created = plv_view_is (type, "session.created");
    bool own = created || plv_view_is (type, "session.ended");
    if (!session)
        return true;
    if (created)
        note_begin (session, accepted_us);
    if (accepted_us < session->oldest_us)
        session->oldest_us = accepted_us;
    if (plv_view_is (plv_mp_find_str (event, "outcome"), "superseded"))
        over_us = time_of (event, "settled_us");
    self->left_out |= self->bytes > BYTES_MAX;
    if (!over_us || (own && !patch.size) || self->left_out)
        return true;
    session->turns = plv_realloc (session->turns, (session->count + 1) * sizeof *session->turns);
    turn_t *turn = &session->turns[session->count++];
    *turn = (turn_t){
        .number = ask_number (event, "number"), .over_us = over_us, .said_us = accepted_us};
    if (!own)
        encode (turn, event, accepted_us);
    add_patch (turn, session, patch);
    self->bytes += turn->encoded.size + patch.size;
    return true;
}

static void note_page (void *arg, plv_view_t page)
{
    past_t *self = arg;
    plv_mp_t ends, value;
    plv_view_t end;
    bool begins = false;
    if (plv_mp_find (page, "begins", &value))
        plv_mp_bool (&value, &begins);
    uint32_t count = 0;
    for (size_t i = 0; begins && i < self->count; i++)
        self->sessions[i].from_start |= self->sessions[i].reading;
    if (!plv_mp_find (page, "ends", &ends) || !plv_mp_array (&ends, &count))
        return;
    while (count-- && plv_mp_skip (&ends, &end)) {
        past_session_t *session = find (self, plv_mp_find_str (end, "session_id"));
        if (session)
            note_begin (session, time_of (end, "at_us"));
    }
}

/*  Turns that were over before the first event that is asked about.  */
static size_t turns_before (const past_session_t *session)
{
    size_t count = 0;
    for (size_t i = 0; i < session->count; i++)
        count += session->turns[i].maps && session->turns[i].over_us <= session->first_us;
    return count;
}

static bool keeps_state (const past_session_t *session)
{
    return session->patches || session->now.size > 1; /* an empty map is one byte */
}

/*  The session that is open now was when the first event was said, and all of it has been read.  */
static bool is_whole (const past_session_t *session, int64_t at_us)
{
    return session->created_us && session->created_us <= at_us
           && session->oldest_us <= session->created_us;
}

static bool needs_more (const past_t *self, const past_session_t *session, int64_t since_us)
{
    if (session->begins || session->from_start || is_whole (session, session->first_us))
        return false;
    return keeps_state (session)
           || (session->oldest_us - since_us < DAY_US && turns_before (session) < self->turns);
}

/*  The sessions of which older turns are wanted, as an encoded array; how many there are.  */
static uint32_t name_sessions (const past_t *self, int64_t since_us, plv_buf_t *names)
{
    uint32_t count = 0;
    plv_buf_t each = {0};
    for (size_t i = 0; i < self->count; i++) {
        past_session_t *session = &self->sessions[i];
        session->reading = !since_us || needs_more (self, session, since_us);
        if (!session->reading)
            continue;
        plv_mp_put_str (&each, plv_buf_view (&session->name));
        count++;
    }
    plv_buf_clear (names);
    plv_mp_put_array (names, count);
    plv_buf_check (&each);
    plv_buf_add_view (names, plv_buf_view (&each));
    plv_buf_check (names);
    plv_buf_free (&each);
    return count;
}

static ending_t read_back (past_t *self, asker_t *asker, int64_t first_us, int64_t last_us)
{
    const events_each_t each = {.event = add_turn, .page = note_page, .arg = self};
    events_wanted_t wanted = {.whole = true, .until_us = last_us + 1};
    plv_buf_t names = {0};
    ending_t end = END_OK;
    wanted.sessions = &names;
    name_sessions (self, 0, &names);
    for (int64_t span_us = HOUR_US; !end && span_us <= WEEK_US; span_us *= 2) {
        wanted.since_us = first_us - span_us;
        end = events_walk (asker, &wanted, 0, UINT64_MAX, &each);
        wanted.until_us = wanted.since_us;
        if (wanted.since_us <= 0 || !name_sessions (self, wanted.since_us, &names))
            break;
    }
    plv_buf_free (&names);
    return end;
}

/*  What there is of the session now.  */
static ending_t read_now (asker_t *asker, past_session_t *session)
{
    plv_buf_t arguments = {0};
    plv_view_t body;
    plv_mp_put_map (&arguments, 1);
    plv_mp_pair_str (&arguments, "session", plv_buf_view (&session->name));
    plv_buf_check (&arguments);
    asker->quiet = true;
    ending_t end = ask (asker, "sessions.show", &arguments, &body);
    asker->quiet = false;
    plv_buf_free (&arguments);
    if (end)
        return end == END_NOTHING ? END_OK : end;
    session->created_us = time_of (body, "created_us");
    plv_buf_add_view (&session->now, map_in (body, "state"));
    plv_buf_check (&session->now);
    return END_OK;
}

static int by_end (const void *a, const void *b)
{
    const turn_t *one = a, *other = b;
    if (one->over_us != other->over_us)
        return one->over_us < other->over_us ? -1 : 1;
    return (one->number > other->number) - (one->number < other->number);
}

ending_t past_load (past_t *self, asker_t *asker, plv_view_t events, uint32_t count)
{
    plv_mp_t at = plv_mp (events);
    plv_view_t event;
    int64_t first_us = INT64_MAX, last_us = 0;
    past_free (self);
    self->sessions = plv_alloc_zero (count ? count : 1, sizeof *self->sessions);
    while (count-- && plv_mp_skip (&at, &event)) {
        int64_t at_us = time_of (event, "accepted_us");
        add_session (self, event);
        first_us = at_us < first_us ? at_us : first_us;
        last_us = at_us > last_us ? at_us : last_us;
    }
    ending_t end = END_OK;
    for (size_t i = 0; i < self->count && !end; i++)
        end = read_now (asker, &self->sessions[i]);
    if (self->count && !end)
        end = read_back (self, asker, first_us, last_us);
    for (size_t i = 0; i < self->count; i++)
        if (self->sessions[i].count)
            qsort (self->sessions[i].turns, self->sessions[i].count, sizeof (turn_t), by_end);
    return end;
}

/* ------------------------------------------------------------------ the history of one event */

/*  When the session last ended before `at_us`.  */
static int64_t last_end (const past_session_t *session, int64_t at_us)
{
    int64_t end_us, last_us = 0;
    for (size_t at = 0; at < session->ends.size; at += sizeof end_us) {
        memcpy (&end_us, session->ends.data + at, sizeof end_us);
        if (end_us <= at_us && end_us > last_us)
            last_us = end_us;
    }
    return last_us;
}

/*  When an agent got it, or could have.  */
static int64_t given (plv_view_t event)
{
    int64_t at_us = time_of (event, "dispatched_us");
    return at_us ? at_us : time_of (event, "accepted_us");
}

void past_write (const past_t *self, plv_view_t event, plv_buf_t *history)
{
    const past_session_t *session = find (self, plv_mp_find_str (event, "session_id"));
    uint64_t number = ask_number (event, "number");
    int64_t given_us = given (event), bytes = 0;
    size_t from = session ? session->count : 0, taken = 0;
    uint32_t maps = 0;
    int64_t since_us = session ? last_end (session, given_us) : 0;
    plv_buf_t texts = {0};
    const turn_t *chosen[HISTORY_TURNS_MAX];
    while (from > 0 && taken < self->turns && taken < HISTORY_TURNS_MAX) {
        const turn_t *turn = &session->turns[--from];
        if (!turn->maps || turn->number == number || turn->over_us > given_us
            || turn->over_us <= since_us)
            continue;
        bytes += (int64_t) turn->encoded.size;
        if (bytes > HISTORY_BYTES_MAX / 2)
            break;
        chosen[taken++] = turn;
        maps += turn->maps;
    }
    while (taken > 0)
        plv_buf_add_view (&texts, plv_buf_view (&chosen[--taken]->encoded));
    plv_buf_check (&texts);
    plv_mp_put_array (history, maps);
    plv_buf_add_view (history, plv_buf_view (&texts));
    plv_buf_check (history);
    plv_buf_free (&texts);
}

/* ------------------------------------------------------------------ the state of one event */

static void fold (const past_session_t *session, uint64_t number, int64_t since_us,
                  int64_t given_us, plv_buf_t *state)
{
    patches_t patches;
    patches_begin (&patches);
    for (size_t i = 0; i < session->count; i++) {
        const turn_t *turn = &session->turns[i];
        if (turn->number != number && turn->over_us > since_us && turn->over_us <= given_us)
            patches_add (&patches, plv_buf_view (&turn->patch));
    }
    patches_write (&patches, state);
    patches_free (&patches);
}

const char *past_state (const past_t *self, plv_view_t event, plv_buf_t *state)
{
    const past_session_t *session = find (self, plv_mp_find_str (event, "session_id"));
    int64_t given_us = given (event);
    int64_t since_us = last_end (session, given_us);
    bool known = since_us || session->from_start || is_whole (session, given_us);
    if (!known && session->created_us && session->created_us <= given_us) {
        plv_buf_add_view (state, plv_buf_view (&session->now));
        plv_buf_check (state);
        return keeps_state (session) ? "current" : "empty";
    }
    fold (session, ask_number (event, "number"), since_us, given_us, state);
    if (!keeps_state (session))
        return "empty";
    return known && !self->left_out ? "rebuilt" : "partial";
}
