#include "shell/accept.h"
#include "shell/internal.h"

#include <poll.h>
#include <sched.h>

/*  A peer that does not read is tried again at this pace.  */
enum {
    FLUSH_US = 2000,
    WAIT_US_MAX = 30000000,
    COMMIT_EARLY_BYTES = 32 * 1024,
    METRICS_EVERY_US = 1000000,
    TURNED_AWAY_EVERY_US = 10000000,
    STALL_US = 1000000,
    HEAR_US_MAX = 2000000,
    STALLS_MAX = 4 /* in a row */
};

static int64_t least (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*  The loop stood still: this process or the whole machine was stopped, others had the machine, or the disk hung
    within a turn. What peers have said meanwhile waits in the sockets, and more is on its way: for one heartbeat
    they are heard before anybody is called silent or late. The same once more when it stands still again, but not
    for ever.  */
static void note_stall (broker_t *self, int64_t now_us)
{
    int64_t heartbeat_us = core_conf (self->core)->agents_heartbeat_ms * 1000;
    int64_t late_us = now_us - self->awake_by_us;
    self->awake_by_us = now_us;
    if (late_us <= least (heartbeat_us / 2, STALL_US) || self->stalls == STALLS_MAX)
        return;
    self->stalls++;
    self->hear_until_us = now_us + least (heartbeat_us, HEAR_US_MAX);
    if (late_us > STALL_US)
        plv_log (self->log, LOG_BROKER_STALLED, F_INT ("ms", late_us / 1000));
    if (self->supervisor)
        supervisor_stalled (self->supervisor, now_us);
}

/*  How long nothing needs to be done if nothing comes in, in milliseconds.  */
static int wait_ms (broker_t *self)
{
    int64_t now_us = broker_now ().mono_us;
    note_stall (self, now_us);
    int64_t core_us = core_next_us (self->core), most_us = now_us + WAIT_US_MAX;
    int64_t next_us =
        least (core_us < self->hear_until_us ? self->hear_until_us : core_us, most_us);
    if (!self->turn.under_way && !self->options->inspect)
        next_us = least (next_us, core_turn_us (self->core));
    if (!self->retention.asked && !self->options->inspect)
        next_us = least (next_us, self->retention.next_us);
    if (self->supervisor)
        next_us = least (next_us, supervisor_deadline (self->supervisor));
    if (self->watchdog_us)
        next_us = least (next_us, self->watchdog_next_us);
    if (self->let_in)
        next_us = least (next_us, self->let_in_next_us);
    if (links_waiting (self->links))
        next_us = least (next_us, now_us + FLUSH_US);
    if (self->draining)
        next_us = least (next_us, now_us + 50000);
    int64_t wait_us = next_us - now_us;
    int most_ms = wait_us <= 0 ? 0 : (int) ((wait_us + 999) / 1000);
    self->awake_by_us = now_us + most_ms * 1000LL;
    return most_ms;
}

/*  Where there is something to do.  */
typedef struct {
    unsigned doors; /* a bit each */
    bool signals;
} marks_t;

/*  Looks again and again for a moment: true when something has come. Who else waits for this processor goes first: it
    may be the one that brings it.  */
static bool poll_busily (broker_t *self, struct pollfd *fds, size_t count)
{
    int64_t until_us = plv_clock_mono_us () + core_conf (self->core)->run_busy_poll_us;
    bool found = false;
    do {
        sched_yield ();
        found = poll (fds, count, 0) > 0;
    } while (!found && plv_clock_mono_us () < until_us);
    busy_poll_ended (&self->busy_poll, found);
    core_metrics (self->core)
        ->counter[found ? COUNTER_BUSY_POLLS_FOUND : COUNTER_BUSY_POLLS_NOTHING]++;
    return found;
}

static bool polls_busily (broker_t *self)
{
    bool settled = self->turn.settled;
    self->turn.settled = false;
    return settled && core_conf (self->core)->run_busy_poll_us
           && busy_poll_begins (&self->busy_poll);
}

/*  Sleeps until something has come, for `most_ms` at most, and says where it is.  */
static void wait_for_work (broker_t *self, int most_ms, marks_t *marks)
{
    struct pollfd fds[LINKS_SOCKETS_MAX + 4];
    size_t doors = links_count (self->links), count = doors;
    for (size_t i = 0; i < doors; i++)
        fds[i] = (struct pollfd){.fd = links_fd (self->links, i), .events = POLLIN};
    fds[count++] = (struct pollfd){.fd = self->signals, .events = POLLIN};
    fds[count++] = (struct pollfd){.fd = self->store->vtable->fd (self->store), .events = POLLIN};
    fds[count++] = (struct pollfd){.fd = letters_writer_fd (self->letters), .events = POLLIN};
    if (self->supervisor)
        fds[count++] = (struct pollfd){.fd = supervisor_fd (self->supervisor), .events = POLLIN};
    bool found = most_ms && polls_busily (self) && poll_busily (self, fds, count);
    if (!found && poll (fds, count, most_ms) <= 0)
        return;
    for (size_t i = 0; i < doors; i++)
        if (fds[i].revents)
            marks->doors |= 1u << i;
    marks->signals = fds[doors].revents != 0;
}

/*  While much comes in, what was gathered goes to the store as soon as it is free, so that the disk and this
    loop work at the same time. A little is left to gather: a commit costs the same for one as for many.  */
static void commit_early (broker_t *self)
{
    if (self->turn.gather->journal.size < COMMIT_EARLY_BYTES)
        return;
    if (self->turn.under_way)
        turn_answers (self);
    if (!self->turn.under_way) {
        turn_prompt (self);
        turn_commit (self, false);
    }
}

static bool take_packet (broker_t *self, size_t door)
{
    links_packet_t packet;
    if (!links_receive (self->links, door, &packet))
        return false;
    core_metrics (self->core)->counter[COUNTER_BYTES_IN] += packet.bytes.size;
    input_t input = {
        .type = INPUT_PACKET,
        .now = broker_now (),
        .peer = packet.peer,
        .allowed = packet.allowed,
        .more = packet.parts,
        .bytes = packet.bytes,
    };
    turn_input (self, &input);
    commit_early (self);
    return true;
}

/*  What peers have sent, one packet of each marked door after the other, up to a bound: then it is stored. A
    door stays marked until it has been read empty: to ask a socket that has nothing costs two system calls.  */
static size_t drain_sockets (broker_t *self, marks_t *marks)
{
    size_t taken = 0;
    while (marks->doors && taken < TURN_INPUTS_MAX) {
        for (size_t i = 0; i < links_count (self->links); i++) {
            if (!(marks->doors & 1u << i))
                continue;
            if (take_packet (self, i))
                taken++;
            else
                marks->doors &= ~(1u << i);
        }
    }
    return taken;
}

/*  The core answers who asks for metrics; what plugins count it knows from here.  */
static void pass_metrics (broker_t *self, int64_t now_us)
{
    plv_buf_t text = {0};
    supervisor_metrics (self->supervisor, &text);
    plv_buf_check (&text);
    core_add_metrics (self->core, plv_buf_view (&text));
    plv_buf_free (&text);
    self->metrics_next_us = now_us + METRICS_EVERY_US;
}

/*  Seldom: who is turned away comes again.  */
static void tell_turned_away (broker_t *self, int64_t now_us)
{
    if (now_us < self->turned_away_next_us || !accept_refused ())
        return;
    self->turned_away_next_us = now_us + TURNED_AWAY_EVERY_US;
    plv_log (self->log, LOG_PEERS_TURNED_AWAY, F_INT ("most", (int64_t) accept_most ()));
}

static bool hears_first (broker_t *self, int64_t now_us)
{
    note_stall (self, now_us);
    if (now_us < self->hear_until_us)
        return true;
    self->hear_until_us = 0;
    self->stalls = 0;
    return false;
}

static void keep_time (broker_t *self)
{
    core_now_t now = broker_now ();
    bool later = hears_first (self, now.mono_us);
    if (!later && core_next_us (self->core) <= now.mono_us) {
        input_t input = {.type = INPUT_TIME, .now = now};
        turn_input (self, &input);
    }
    if (!self->options->inspect)
        retention_step (self, now);
    watch_step (self, now.mono_us);
    remote_step (self, now.mono_us);
    tell_turned_away (self, now.mono_us);
    core_metrics (self->core)->counter[COUNTER_LOG_LOST] = plv_log_lost (self->log);
    if (self->supervisor)
        supervisor_step (self->supervisor, now.mono_us);
    if (self->supervisor && now.mono_us >= self->metrics_next_us)
        pass_metrics (self, now.mono_us);
}

static bool drained (broker_t *self)
{
    bool late = broker_now ().mono_us >= self->drain_until_us;
    if (!self->draining || (core_busy (self->core) && !late))
        return false;
    if (late && core_busy (self->core))
        plv_log (self->log, LOG_BROKER_DRAINED,
                 F_INT ("drain_s", core_conf (self->core)->run_drain_s));
    return true;
}

static void turn (broker_t *self)
{
    marks_t marks = {.doors = self->unread | links_touched (self->links)};
    size_t taken = drain_sockets (self, &marks);
    wait_for_work (self, taken ? 0 : wait_ms (self), &marks);
    if (taken == 0)
        drain_sockets (self, &marks);
    self->unread = marks.doors;
    if (marks.signals)
        signals_take (self);
    keep_time (self);
    turn_answers (self);
    turn_saved (self);
    links_flush (self->links, turn_lost, self);
    turn_prompt (self);
    turn_commit (self, false);
}

static void wait_for_store (broker_t *self)
{
    while (!self->failed && self->turn.under_way) {
        struct pollfd item = {.fd = self->store->vtable->fd (self->store), .events = POLLIN};
        poll (&item, 1, 1000);
        watch_step (self, broker_now ().mono_us);
        turn_answers (self);
    }
}

/*  The hosts leave first, so that they can settle what they have in hand; then everything is brought into the
    views, so that the next start has nothing to read back.  */
static void finish (broker_t *self)
{
    if (self->supervisor) {
        supervisor_stop (self->supervisor, broker_now ().mono_us);
        while (!self->failed && !supervisor_stopped (self->supervisor))
            turn (self);
    }
    while (!self->failed && self->turn.under_way)
        turn (self);
    input_t stop = {.type = INPUT_STOP, .now = broker_now ()};
    turn_input (self, &stop);
    do {
        turn_commit (self, true);
        wait_for_store (self);
    } while (!self->failed && !self->options->inspect && core_turn_us (self->core) != INT64_MAX);
    turn_prompt (self);
    plv_fail_t fail;
    if (!self->failed && self->store->vtable->finish (self->store, &fail))
        turn_fail (self, &fail);
}

plv_err_t broker_run (broker_t *self, plv_fail_t *ret_fail)
{
    watch_ready (self);
    self->awake_by_us = broker_now ().mono_us;
    while (!self->failed && !drained (self))
        turn (self);
    if (!self->failed)
        finish (self);
    if (self->failed)
        *ret_fail = self->fail;
    else
        plv_log (self->log, LOG_BROKER_STOPPED, F_STR ("data", self->paths.data));
    return self->failed;
}
