#include "bench/bench_worker.h"

#include "bench/bench_link.h"
#include "bench/bench_talk.h"

#include <stdio.h>
#include <unistd.h>

typedef struct {
    const bench_options_t *options;
    bench_link_t link;
    bench_talk_t talk;
} worker_t;

/*  Who thinks hands its answer over before it goes on to the next job.  */
static void take_job (void *arg, const plv_frame_t *frame)
{
    worker_t *self = arg;
    if (frame->verb != VERB_JOB)
        return;
    if (self->options->think_us)
        usleep (self->options->think_us);
    bench_talk_reply (&self->talk, frame, bench_link_packet (&self->link));
    if (self->options->think_us)
        bench_link_flush (&self->link);
}

void bench_worker_run (const bench_options_t *options, unsigned index, int ready_fd)
{
    char name[32];
    snprintf (name, sizeof name, "bench-%u", index);
    const bench_hello_t hello = {.role = "agent",
                                 .name = name,
                                 .service = "advisor",
                                 .credit = options->credit,
                                 .history = options->history};
    worker_t self = {.options = options};
    bench_talk_init (&self.talk, options);
    bench_link_open (&self.link, options->run, "agents", &hello);
    if (write (ready_fd, "r", 1) != 1)
        bench_die ("worker %u: nobody waits for it", index);
    for (;;) {
        bench_link_turn (&self.link, take_job, &self);
        bench_link_flush (&self.link);
    }
}
