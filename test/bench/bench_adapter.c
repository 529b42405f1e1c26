#include "bench/bench_adapter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "bench/bench_link.h"
#include "bench/bench_talk.h"
#include "bench/bench_window.h"
#include "wire/mp.h"

#include <stdlib.h>
#include <sys/wait.h>

enum { SEEN_STORED = 1, SEEN_DELIVERED = 2 };
enum { ADAPTER_CREDIT = 65536 };

typedef struct {
    const bench_options_t *options;
    bench_link_t link;
    bench_talk_t talk;
    bench_window_t window;
    uint64_t total;   /* events of this run, those of warming up included */
    uint64_t publish; /* of them to be published, ... */
    uint64_t answers; /* ... and answers that must come */
    uint64_t sent, stored, delivered, settled;
    uint64_t sent_bytes, delivered_bytes;
    uint64_t *sent_ns; /* by number */
    uint8_t *seen;     /* by number */
    uint64_t *next;    /* by session: the least number that may be answered next */
} adapter_t;

static void mark (adapter_t *self, uint64_t number, uint8_t flag, const char *verb)
{
    if (number >= self->total || self->seen[number] & flag)
        bench_die ("%s for event %llu, which is %s", verb, (unsigned long long) number,
                   number >= self->total ? "none of ours" : "the second one");
    self->seen[number] |= flag;
}

static void finished (adapter_t *self, uint64_t number)
{
    bench_window_add (&self->window, bench_window_now_ns () - self->sent_ns[number]);
}

static void take_stored (adapter_t *self, const plv_frame_t *frame)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t count = 0;
    uint64_t number = 0;
    plv_mp_array (&at, &count);
    for (uint32_t i = 0; i < count && plv_mp_u64 (&at, &number); i++) {
        mark (self, number, SEEN_STORED, "STORED");
        self->stored++;
        if (self->options->mode == BENCH_FILL)
            finished (self, number);
    }
}

static void take_settled (adapter_t *self, const plv_frame_t *frame)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t count = 0;
    plv_mp_array (&at, &count);
    self->settled += count;
}

/*  Answers come in the order of their session's events.  */
static void check_order (adapter_t *self, uint64_t number)
{
    uint64_t *next = &self->next[number % self->options->sessions];
    if (number < *next)
        bench_die ("event %llu is answered behind a later one of its session",
                   (unsigned long long) number);
    *next = number + 1;
}

static void take_deliver (adapter_t *self, const plv_frame_t *frame)
{
    uint64_t number = bench_talk_delivered (&self->talk, frame);
    mark (self, number, SEEN_DELIVERED, "DELIVER");
    check_order (self, number);
    self->delivered++;
    self->delivered_bytes += frame->arg[2].bytes.size + frame->arg[3].bytes.size;
    finished (self, number);
    bench_talk_settle (frame, bench_link_packet (&self->link));
}

static void take_frame (void *arg, const plv_frame_t *frame)
{
    adapter_t *self = arg;
    switch (frame->verb) {
    case VERB_STORED:
        take_stored (self, frame);
        break;
    case VERB_SETTLED:
        take_settled (self, frame);
        break;
    case VERB_DELIVER:
        take_deliver (self, frame);
        break;
    default:
        break;
    }
}

static void publish (adapter_t *self)
{
    uint64_t back = self->options->mode == BENCH_FILL ? self->stored : self->delivered;
    int64_t wall_us = plv_clock_wall_us ();
    for (; self->sent < self->publish && self->sent - back < self->options->outstanding;
         self->sent++) {
        self->sent_ns[self->sent] = bench_window_now_ns ();
        self->sent_bytes +=
            bench_talk_publish (&self->talk, self->sent, wall_us, bench_link_packet (&self->link));
    }
}

static void watch (adapter_t *self, const bench_options_t *options, uint64_t begun_ns)
{
    int status;
    pid_t ended = waitpid (-1, &status, WNOHANG);
    if (ended > 0)
        bench_die ("a worker has ended");
    if (bench_window_now_ns () - begun_ns > options->timeout_s * 1000000000ull)
        bench_die ("timeout: %llu sent, %llu stored, %llu delivered, %llu settled of %llu",
                   (unsigned long long) self->sent, (unsigned long long) self->stored,
                   (unsigned long long) self->delivered, (unsigned long long) self->settled,
                   (unsigned long long) self->total);
}

static bool done (const adapter_t *self)
{
    return self->stored >= self->publish && self->delivered >= self->answers
           && self->settled >= self->answers;
}

/*  The window closes when the last event is through; what acknowledges the last ones may still be on its way.  */
static void step_window (adapter_t *self)
{
    bool fill = self->options->mode == BENCH_FILL;
    uint64_t through = fill ? self->stored : self->delivered;
    bool closed = self->window.used.seconds > 0;
    if (!closed && !self->window.open && through >= self->options->warm)
        bench_window_open (&self->window);
    if (self->window.open && through == self->total)
        bench_window_close (&self->window);
}

static void run (adapter_t *self)
{
    uint64_t begun_ns = bench_window_now_ns ();
    for (unsigned turns = 0; !done (self); turns++) {
        step_window (self);
        publish (self);
        bench_link_flush (&self->link);
        if (!bench_link_turn (&self->link, take_frame, self) || turns % 4096 == 0)
            watch (self, self->options, begun_ns);
    }
    step_window (self);
    bench_link_flush (&self->link);
    if (self->stored != self->publish || self->delivered != self->answers
        || self->settled != self->answers)
        bench_die ("%llu stored, %llu delivered, %llu settled of %llu",
                   (unsigned long long) self->stored, (unsigned long long) self->delivered,
                   (unsigned long long) self->settled, (unsigned long long) self->total);
}

static double carried (const adapter_t *self)
{
    double events = self->sent ? (double) self->sent_bytes / (double) self->sent : 0;
    double answers =
        self->delivered ? (double) self->delivered_bytes / (double) self->delivered : 0;
    return events + answers;
}

void bench_adapter_run (const bench_options_t *options, const pid_t *workers)
{
    static const char *const names[] = {
        [BENCH_ROUND] = "roundtrip", [BENCH_FILL] = "fill", [BENCH_ANSWER] = "answer"};
    const bench_hello_t hello = {.role = "adapter",
                                 .name = "bench",
                                 .credit = options->mode == BENCH_FILL ? 0 : ADAPTER_CREDIT};
    adapter_t self = {.options = options, .total = options->count + options->warm};
    self.publish = options->mode == BENCH_ANSWER ? 0 : self.total;
    self.answers = options->mode == BENCH_FILL ? 0 : self.total;
    self.sent_ns = plv_alloc_zero (self.total + 1, sizeof *self.sent_ns);
    self.seen = plv_alloc_zero (self.total + 1, 1);
    self.next = plv_alloc_zero (options->sessions, sizeof *self.next);
    bench_talk_init (&self.talk, options);
    bench_window_init (&self.window, options, workers, options->workers);
    bench_link_open (&self.link, options->run, "adapters", &hello);
    run (&self);
    bench_window_print (&self.window, names[options->mode], carried (&self));
    bench_link_close (&self.link);
    bench_window_free (&self.window);
    bench_talk_free (&self.talk);
    free (self.next);
    free (self.seen);
    free (self.sent_ns);
}
