/*  fate -- what has become of one event, told by the records of the journal that are about it
    OWNS    nothing
    THREAD  any
    FAILS   never: records that are missing leave FATE_UNKNOWN, or what was known before
    COST    a few compares a record

    An event and its answers have numbers of their own: the answer, and the fallback that a person got for a dead
    letter. A letter that is sent again goes on under its number.  */

#ifndef CORE_FATE_H
#define CORE_FATE_H

#include "core/state/record.h"

typedef enum {
#define FATE(name, word, over, meaning) FATE_##name,
#include "wire/fates.def"
#undef FATE
} fate_outcome_t;

typedef struct {
    uint64_t number;   /* of the event */
    uint64_t reply;    /* of the answer; 0: none yet */
    uint64_t fallback; /* of what the person was told instead; 0: nothing */
    bool told;         /* the fallback is over: it reached the person, or never will */
    uint64_t letter;   /* what died last: the event or its answer; 0: nothing has */
    fate_outcome_t outcome;
    plv_id_t reply_id;
    int64_t accepted_us, dispatched_us, answered_us,
        settled_us; /* wall clock; 0: not yet, or not known */
    int64_t dead_us;
    uint32_t attempts; /* of agents */
    uint32_t merged;
} fate_t;

const char *fate_word (fate_outcome_t outcome);
bool fate_over (fate_outcome_t outcome);

/*  False: the record is about something else.  */
bool fate_take (fate_t *self, const record_t *record);

/*  Does the record make this number, as an event or an answer?  */
bool fate_makes (const record_t *record, uint64_t number);

#endif
