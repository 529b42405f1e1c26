/*  trace -- one event on its way, station by station, as a tool gets it
    OWNS    its buffers, freed by trace_free
    THREAD  core only
    FAILS   never: stations that do not fit into an answer are counted instead
    COST    a copy of the event, of its answer, and some hundred bytes a station

    Records of the journal are taken in order; or, when the journal has forgotten how the event began, the event
    as it is kept while it is not over, with its ledger.  */

#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/ask/fate.h"
#include "core/dead/dead.h"

typedef enum {
#define HOP(name, word, meaning) HOP_##name,
#include "wire/hops.def"
#undef HOP
} hop_t;

typedef struct {
    fate_t fate;
    plv_buf_t envelope; /* empty: the event is not known (yet) */
    plv_buf_t body;
    plv_buf_t answer; /* the body of the last answer */
    plv_buf_t route;
    plv_buf_t file; /* that the letter was put back from last */
    plv_buf_t hops; /* encoded maps, one behind the other */
    uint32_t hop_count;
    uint32_t hops_left_out;
    uint32_t returns;  /* how often it was put back out of a file since it died */
    int64_t last_us;   /* of the last station */
    uint64_t position; /* of the first record */
    uint64_t unstored; /* the last position whose STORED has not come; 0: all have */
    bool settles;      /* something at that position ends the event */
} trace_t;

void trace_free (trace_t *self);
/*  Forgets all but which event it is about.  */
void trace_clear (trace_t *self);

/*  `seq`, `wall_us`: of the value that it stands in. False: the record is about something else.  */
bool trace_take (trace_t *self, uint64_t seq, int64_t wall_us, const record_t *record);

/*  The event, or the answer, as it is kept; `dead` (NULL: it is not) if it is a dead letter.  */
void trace_take_entry (trace_t *self, const entry_t *entry, const dead_t *dead);

/*  How often the letter was put back out of a file, behind its death.  */
uint32_t trace_count_returns (const entry_t *entry, const dead_t *dead);

/*  Pairs of a map: what is known of it; returns how many. `service` is where its route leads now.  */
uint32_t trace_write (const trace_t *self, const char *service, plv_buf_t *pairs);

#endif
