/*  live -- the words of an answer on their way to the person, while the model still speaks
    OWNS    the words that wait, freed by live_free
    THREAD  that of its owner
    FAILS   never: words that cannot go out come with the whole answer
    COST    one event for each piece of text, at most one in LIVE_PAUSE_US

    What the model says is an object; the person reads its `answer`, with the personal data put back.  */

#ifndef ADVISOR_CLAUDE_LIVE_H
#define ADVISOR_CLAUDE_LIVE_H

#include "advisor/claude/pii.h"
#include "advisor/claude/prose.h"

enum { LIVE_PAUSE_US = 25000 };

typedef struct {
    const pii_t *pii;
    void (*send) (void *arg, plv_view_t text);
    void *arg;
    prose_t prose;
    plv_buf_t waiting;
    plv_buf_t out;
    int64_t sent_us;
} live_t;

/*  A new message of the model begins.  */
void live_begin (live_t *self);
void live_said (live_t *self, plv_view_t text);
void live_free (live_t *self);

#endif
