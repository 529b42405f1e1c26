/*  bench_talk -- what is said in a run: the n-th event, its answer, and whether they arrived unchanged
    OWNS    a text to cut filler from, freed by bench_talk_free
    THREAD  that of its owner
    FAILS   a check that finds anything else than what was said ends the process (bench_die)
    COST    a copy or a comparison of a body

    Everything about an event follows from its number, so that another process, or one after a crash, can tell
    whether what it gets is right.  */

#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include "base/buf.h"
#include "bench/bench_options.h"
#include "wire/frame.h"

typedef struct {
    unsigned sessions;
    size_t body;
    char *filler;
} bench_talk_t;

void bench_talk_init (bench_talk_t *self, const bench_options_t *options);
void bench_talk_free (bench_talk_t *self);

/*  Appends PUBLISH of the n-th event; returns the bytes of its envelope and body.  */
size_t bench_talk_publish (const bench_talk_t *self, uint64_t number, int64_t wall_us,
                           plv_buf_t *packet);

/*  Appends the REPLY to a JOB.  */
void bench_talk_reply (const bench_talk_t *self, const plv_frame_t *job, plv_buf_t *packet);

/*  Appends the DELIVERED to a DELIVER: sent.  */
void bench_talk_settle (const plv_frame_t *deliver, plv_buf_t *packet);

/*  The number of the event that a DELIVER answers.  */
uint64_t bench_talk_delivered (const bench_talk_t *self, const plv_frame_t *deliver);

#endif
