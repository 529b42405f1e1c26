/*  history -- the last turns of a session, encoded as agents get them
    OWNS    its turns, freed by history_free
    THREAD  core only
    FAILS   never
    COST    add: O(1); a turn is kept as the bytes that a job carries

    A turn is what the user said and what was answered: one or two msgpack maps {role, text, timestamp}.
    Turns are numbered from 1; the oldest go when there are more than the limit.  */

#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include "base/buf.h"

typedef struct {
    uint8_t *bytes;
    uint32_t size;
    uint32_t capacity;
    uint8_t maps; /* 1 or 2 */
} history_turn_t;

typedef struct {
    history_turn_t *ring;
    uint32_t capacity;
    uint32_t count;
    uint64_t next;      /* the number of the next turn */
    uint64_t written;   /* turns up to this one have rows */
    uint64_t rows_from; /* rows below this one are deleted */
} history_t;

void history_free (history_t *self);
void history_clear (history_t *self); /* the numbering goes on */

/*  Takes a copy of an encoded turn, which gets the number `next`; keeps at most `limit` turns.  */
void history_add (history_t *self, plv_view_t encoded, uint8_t maps, uint32_t limit);

/*  The turn of this number, or NULL when it is gone.  */
const history_turn_t *history_get (const history_t *self, uint64_t number);
uint64_t history_first (
    const history_t *self); /* number of the oldest kept; `next` when there is none */

/*  The last `turns` turns, as many as fit into HISTORY_BYTES_MAX, as one msgpack array.  */
void history_write (const history_t *self, uint32_t turns, plv_buf_t *buf);

/*  Is it an array of turns as jobs carry them, of at most HISTORY_BYTES_MAX?  */
bool history_is (plv_view_t array);
/*  The last `turns` turns of such an array (empty: none), as one msgpack array.  */
void history_write_given (plv_view_t array, uint32_t turns, plv_buf_t *buf);

/*  Encodes a turn; an empty `answer` makes a turn of the user's words alone. Times: wall clock, us.
    Returns the number of maps.  */
uint8_t history_encode (plv_buf_t *buf, plv_view_t said, int64_t said_us, plv_view_t answer,
                        int64_t answered_us);

#endif
