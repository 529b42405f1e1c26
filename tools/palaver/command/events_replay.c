#include "palaver/interrupt.h"
#include "palaver/new_file.h"
#include "palaver/past/compare.h"
#include "palaver/past/events.h"
#include "palaver/past/past.h"
#include "palaver/replay/trials.h"
#include "palaver/show/progress.h"
#include "wire/mp.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>

/*  Past messages are answered again, and nobody hears of it. They go in groups: the events of a group are read, then
    what their sessions had been about, then all of them are tried. So memory does not grow with the time asked for.  */

enum { GROUP = 32, AT_A_TIME = 8, ANSWER_S = 60 };

typedef struct {
    const call_t *call;
    asker_t asker;  /* about what was said: a running broker, or --data */
    asker_t agents; /* whose agents answer, with --data; else it is the same broker */
    events_wanted_t wanted;
    trials_t trials;
    past_t past;
    compare_t compare;
    progress_t progress;
    plv_buf_t group; /* encoded events, one behind the other */
    plv_view_t events[GROUP];
    plv_buf_t arguments[GROUP];
    const char *states[GROUP]; /* what each was given: see past_state */
    uint32_t count;
    uint64_t left; /* of --limit */
} replay_t;

static bool keep (void *arg, plv_view_t event)
{
    replay_t *self = arg;
    plv_buf_add_view (&self->group, event);
    plv_buf_check (&self->group);
    self->count++;
    return self->count < GROUP;
}

static void find_events (replay_t *self)
{
    plv_mp_t at = plv_mp (plv_buf_view (&self->group));
    for (uint32_t i = 0; i < self->count; i++)
        if (!plv_mp_skip (&at, &self->events[i]))
            self->count = i;
}

static void put_raw (plv_buf_t *map, const char *key, plv_view_t event)
{
    plv_mp_t value;
    plv_view_t raw;
    plv_mp_put_text (map, key);
    if (plv_mp_find (event, key, &value) && plv_mp_skip (&value, &raw))
        plv_buf_add_view (map, raw);
    else
        plv_mp_put_nil (map);
}

/*  What the session had been about, and what it remembered; how much is known of that.  */
static const char *put_arguments (const replay_t *self, plv_view_t event, plv_buf_t *map)
{
    bool limited = call_has (self->call, OPTION_TIMEOUT);
    plv_buf_clear (map);
    plv_mp_put_map (map, limited ? 6 : 5);
    plv_mp_pair_text (map, "service", self->call->text[OPTION_TO]);
    put_raw (map, "envelope", event);
    put_raw (map, "body", event);
    if (limited) {
        plv_mp_pair_i64 (map, "deadline_ms", call_number (self->call, OPTION_TIMEOUT, 0) / 1000);
    }
    plv_mp_put_text (map, "history");
    past_write (&self->past, event, map);
    plv_mp_put_text (map, "state");
    const char *state = past_state (&self->past, event, map);
    plv_buf_check (map);
    return state;
}

static void tried (void *arg, size_t index, plv_view_t body, plv_view_t failed)
{
    replay_t *self = arg;
    compare_add (&self->compare, self->events[index], body, failed, self->states[index]);
    progress_at (&self->progress, self->compare.counts.compared);
}

/*  The next group of events behind the number `*after`; no events: it was the last one.  */
static ending_t read_group (replay_t *self, uint64_t *after)
{
    const events_each_t each = {.event = keep, .arg = self};
    plv_buf_clear (&self->group);
    self->count = 0;
    ending_t end = events_walk (&self->asker, &self->wanted, *after,
                                self->left < GROUP ? self->left : GROUP, &each);
    find_events (self);
    self->left -= self->count;
    if (self->count)
        *after = ask_number (self->events[self->count - 1], "number");
    return end;
}

static ending_t try_group (replay_t *self)
{
    ending_t end = past_load (&self->past, &self->asker, plv_buf_view (&self->group), self->count);
    for (uint32_t i = 0; i < self->count && !end; i++)
        self->states[i] = put_arguments (self, self->events[i], &self->arguments[i]);
    if (!end)
        end = trials_run (&self->trials, self->arguments, self->count);
    progress_end (&self->progress);
    compare_flush (&self->compare);
    return end;
}

static ending_t run (replay_t *self)
{
    uint64_t after = 0;
    ending_t end = END_OK;
    do {
        end = read_group (self, &after);
        if (!end && self->count && !interrupt_seen ())
            end = try_group (self);
    } while (!end && self->count && self->left && !interrupt_seen ());
    return end;
}

static void begin (replay_t *self, const call_t *call)
{
    self->wanted = events_wanted_of (call);
    self->wanted.type = "chat.message";
    self->wanted.whole = true;
    if (!self->wanted.until_us)
        self->wanted.until_us = plv_clock_wall_us ();
    self->left = (uint64_t) call_number (call, OPTION_LIMIT, INT64_MAX);
    self->trials = (trials_t){
        .asker = call_has (call, OPTION_DATA) ? &self->agents : &self->asker,
        .idle = call_has (call, OPTION_DATA) ? &self->asker : NULL,
        .at_a_time = (size_t) call_number (call, OPTION_CONCURRENCY, AT_A_TIME),
        .per_second = call_number (call, OPTION_RATE, 0),
        .ended = tried,
        .arg = self,
    };
    self->past.turns = self->asker.link.history_turns;
    self->progress = progress_new ("events", 0);
}

static ending_t finish (replay_t *self, ending_t end)
{
    const compare_counts_t *counts = &self->compare.counts;
    bool whole = !end && !interrupt_seen ();
    ending_t written = compare_end (&self->compare, whole);
    end = end ? end : written;
    past_free (&self->past);
    plv_buf_free (&self->group);
    for (int i = 0; i < GROUP; i++)
        plv_buf_free (&self->arguments[i]);
    if (end)
        return end;
    if (counts->failed || !whole)
        return END_PARTLY;
    return counts->compared ? END_OK : END_NOTHING;
}

/*  Both, or none.  */
static ending_t open_both (replay_t *self, const call_t *call)
{
    ending_t end = asker_open_for (&self->asker, call, ANSWER_S, true);
    if (end || !call_has (call, OPTION_DATA))
        return end;
    end = asker_open_for (&self->agents, call, ANSWER_S, false);
    if (end)
        asker_close (&self->asker);
    return end;
}

static void close_both (replay_t *self)
{
    if (self->trials.idle)
        asker_close (&self->agents);
    asker_close (&self->asker);
}

static bool check_call (const call_t *call)
{
    if (!call_has (call, OPTION_SHADOW)) {
        say ("past traffic is not sent again for good: say --shadow, and nobody gets the answers "
             "(palaver dead replay sends dead letters)");
        return false;
    }
    if (!call_has (call, OPTION_TO) || !call_has (call, OPTION_SINCE)) {
        say ("say --to SERVICE, who is to answer, and --since TIME, from when on");
        return false;
    }
    return true;
}

ending_t command_events_replay (call_t *call)
{
    const char *page = call_text (call, OPTION_HTML, NULL);
    if (!check_call (call))
        return END_USAGE;
    ending_t end = page ? new_file_check (page) : END_OK;
    if (end)
        return end;
    interrupt_begin ();
    replay_t *self = plv_alloc_zero (1, sizeof *self);
    self->call = call;
    end = open_both (self, call);
    self->asker.wait = ask_until_interrupt;
    if (end)
        goto done;
    begin (self, call);
    end = compare_begin (&self->compare, &call->out, call->text[OPTION_TO], page);
    if (!end)
        end = finish (self, run (self));
    close_both (self);
done:
    free (self);
    return end;
}
