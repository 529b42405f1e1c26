/*  ledger -- every attempt at an entry: to whom, when, and how it ended
    OWNS    its attempts and their texts, freed by ledger_free
    THREAD  core only
    FAILS   ledger_read with false on bytes that ledger_write did not write
    COST    the first attempt lies in the entry itself; later ones are allocated  */

#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include "base/buf.h"
#include "core/state/label.h"

typedef enum {
#define HOW(number, name, text, charged, meaning) HOW_##name = (number),
#include "core/state/how.def"
#undef HOW
} how_t;

const char *how_text (how_t how);
bool how_charged (how_t how);
/*  Is the line of the ledger no attempt, but what an operator did with the letter?  */
bool how_operators (how_t how);

typedef struct {
    int64_t at_us;    /* wall clock */
    int64_t ended_us; /* 0: open */
    label_t *who;
    label_t *why;  /* NULL: nothing to say */
    label_t *code; /* NULL: none */
    uint16_t number;
    uint8_t how;
} attempt_t;

typedef struct {
    attempt_t first;
    attempt_t *more;
    uint32_t count;
} ledger_t;

void ledger_free (ledger_t *self);

/*  The attempt takes `who` over.  */
void ledger_open (ledger_t *self, uint16_t number, int64_t at_us, label_t *who);
/*  Ends the last attempt; does nothing when it has ended already.  */
void ledger_end (ledger_t *self, how_t how, int64_t at_us, plv_view_t code, plv_view_t why);
const attempt_t *ledger_at (const ledger_t *self, uint32_t index);
/*  NULL when there was none. It may be an operator's line.  */
attempt_t *ledger_last (ledger_t *self);
/*  How the last attempt ended, before what operators did; HOW_OPEN when there was none, too.  */
how_t ledger_outcome (const ledger_t *self);

void ledger_write (const ledger_t *self, plv_buf_t *buf);
bool ledger_read (plv_view_t bytes, size_t *at, ledger_t *ret_ledger);

#endif
