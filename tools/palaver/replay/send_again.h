/*  send_again -- dead letters on their way back to the broker, step by step: replay and discard
    OWNS    nothing; the counts are the caller's
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    one question for up to STEP letters; never more than --rate of them a second  */

#ifndef PALAVER_SEND_AGAIN_H
#define PALAVER_SEND_AGAIN_H

#include "palaver/replay/letters.h"

enum { SEND_AGAIN_STEP = 200 };

/*  What became of letters that were asked for.  */
typedef struct {
    uint64_t done;
    uint64_t missing; /* sent again or thrown away by somebody */
    uint64_t unknown; /* left out: nobody knows whether the platform has the answer */
    uint64_t changed; /* left out: not as it was when it was looked at */
    uint64_t before;  /* sent by an earlier run of the same plan */
    uint64_t kind;    /* left out: no message, or no event, where only those can go */
    uint64_t size;    /* left out: too large with the corrected text */
} tally_t;

void tally_add (tally_t *self, const tally_t *more);

/*  What is done to them, beside `numbers` and `expect`.  */
typedef struct {
    const call_t *call;
    const char *command; /* dead.replay or dead.discard */
    const char *plan;    /* NULL: none */
    const char *to;      /* NULL: where it belongs */
    const char *text;    /* message_text of corrected copies; NULL: as it is */
    bool allow_duplicates;
    int64_t per_second; /* 0: as fast as it goes */
    size_t at_a_time;   /* letters in one question; 0: SEND_AGAIN_STEP */
    int64_t begun_us;   /* on the monotonic clock, set by the first step */
    uint64_t paced;     /* letters since then */
} sending_t;

/*  How many letters the next step has of `left`.  */
size_t send_again_step_size (const sending_t *self, size_t left);

/*  Waits until `count` more letters are due, by --rate; an interrupt ends it early.  */
void send_again_keep_pace (sending_t *self, asker_t *asker, size_t count);

/*  One step: asks until none of these is busy any more, or an interrupt is seen; keeps the pace. The counts add up in
    `tally`. `*ret_count`: how many were dealt with, fewer than `count` behind an interrupt.  */
ending_t send_again_step (sending_t *self, asker_t *asker, const letter_t *letters, size_t count,
                          tally_t *tally, size_t *ret_count);

/*  All of them, with progress on a terminal; the first signal ends it behind the step under way.  */
ending_t send_again (sending_t *self, asker_t *asker, const letters_t *letters, tally_t *tally);

/*  What was done, as a line of JSON or as words, and how the call ends.  */
ending_t send_again_report (const call_t *call, const tally_t *tally, const char *done_key,
                            ending_t end);

#endif
