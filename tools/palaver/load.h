/*  load -- many messages through a broker, and how long each took from PUBLISH to DELIVER
    OWNS    its connection and the times, freed by load_free
    THREAD  main
    FAILS   load_run with the words of the broker, or ERR_TIMEOUT: `done` says how far it came
    COST    4 bytes a message, a quarter of one thread  */

#ifndef PALAVER_LOAD_H
#define PALAVER_LOAD_H

#include "base/buf.h"
#include "palaver/ask/link.h"
#include "palaver/show/progress.h"

typedef struct {
    const char *run;
    uint32_t count;
    uint32_t warm; /* more, ahead of these, that are not measured */
    uint32_t outstanding;
} load_options_t;

typedef struct {
    const load_options_t *options;
    link_t link;
    plv_buf_t packet;
    uint32_t *took_us; /* of each measured message */
    int64_t *begun_us; /* of each one under way, by its number modulo `outstanding` */
    uint32_t *free;    /* sessions without a message under way */
    uint32_t free_count;
    uint32_t published, refused, done, measured;
    uint32_t acknowledged, settled; /* deliveries */
    int64_t first_us, last_us;      /* of the measured ones */
    uint64_t run_id;
    bool ending; /* nothing more is published */
    progress_t progress;
} load_t;

/*  The first message goes alone, and the others when it was answered: that nobody serves them is found by one message.
    In the end, and when it is interrupted, what is under way is waited for as long as answers go on coming.  */
plv_err_t load_run (load_t *self, const load_options_t *options, int64_t deadline_us,
                    plv_fail_t *ret_fail);
void load_free (load_t *self);

/*  The time that `share` of the messages did not exceed, in microseconds.  */
uint32_t load_quantile (load_t *self, double share);

/*  How many messages are still without an answer.  */
uint32_t load_left (const load_t *self);

/*  "bench_<run>_<number>", the session of this number.  */
void load_session (const load_t *self, uint32_t number, char ret_name[64]);

#endif
