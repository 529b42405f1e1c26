/*  effects -- what the core wants done: records to keep, frames to send, rows to read, lines to log
    OWNS    all its buffers; they are reused from turn to turn
    THREAD  that of its owner
    FAILS   never: out of memory stops the daemon
    COST    a copy of what is sent and kept

    Two kinds of sends: `held` frames leave only when everything recorded so far is stored; `prompt`
    frames promise nothing that is not on disk yet, and leave at once. Frames to one peer are packed
    into one packet a turn: a message on a socket costs more than what is in it.  */

#ifndef CORE_EFFECTS_H
#define CORE_EFFECTS_H

#include "base/buf.h"
#include "base/log/log.h"
#include "base/rows.h"
#include "wire/frame.h"

/*  Lists of numbers that one frame acknowledges, gathered over a turn.  */
typedef enum { ACK_STORED, ACK_SETTLED, ACK_COMMITTED, ACK_COUNT_ } effects_ack_t;

typedef struct {
    uint32_t peer;
    bool
        only_acks; /* known when it is sealed: nobody can go on by it, so it may leave behind the others */
    plv_buf_t bytes;
    plv_buf_t acks[ACK_COUNT_]; /* encoded numbers */
    uint32_t ack_count[ACK_COUNT_];
} effects_packet_t;

typedef struct {
    effects_packet_t *items;
    size_t count;
    size_t capacity; /* items up to here keep their buffers */
    uint64_t turn;   /* the core's number of it; 0: the core has not seen these buffers yet */
} effects_packets_t;

typedef struct {
    uint64_t token;
    plv_row_view_t view;
    plv_buf_t from;
    plv_buf_t to; /* empty: to the end */
    uint32_t limit;
    bool journal; /* values of the journal, from_seq <= position < to_seq, instead of rows */
    uint64_t from_seq, to_seq;
} effects_scan_t;

typedef struct {
    plv_buf_t journal; /* the records of this turn; empty: nothing happened that must be kept */
    plv_buf_t rows;
    bool sync; /* a record among them must survive a power cut before anything held leaves
    */
    effects_packets_t held;
    effects_packets_t prompt;
    plv_buf_t closes;   /* uint32_t numbers of peers that are to be forgotten */
    plv_buf_t accepted; /* int64_t monotonic times at which events were taken: for the metrics */
    plv_buf_t logs;     /* see effects_log */
    plv_log_level_t log_least;
    effects_scan_t *scans;
    size_t scan_count;
    size_t scan_capacity;
    uint64_t checkpoint_token; /* 0: none asked for */
    plv_buf_t checkpoint_dir;  /* NUL-terminated */
    plv_buf_t orders;          /* see effects_order */
} effects_t;

void effects_init (effects_t *self);
void effects_free (effects_t *self);

/*  Empties everything, keeps the memory.  */
void effects_clear (effects_t *self);
/*  The same for what does not wait for the store: prompt frames, closes, log lines, scans.  */
void effects_clear_prompt (effects_t *self);

/*  Where a peer remembers its packet of the present turn, so that finding it costs nothing.  */
typedef struct {
    uint64_t turn;
    uint32_t at;
} effects_slot_t;

effects_packet_t *effects_packet (effects_packets_t *packets, uint32_t peer, effects_slot_t *slot);

/*  Adds `number` to the acknowledgements of a packet.  */
void effects_ack (effects_packet_t *packet, effects_ack_t kind, uint64_t number);

/*  Writes the acknowledgements behind the frames; call once before the packets are sent.  */
void effects_seal (effects_t *self);

void effects_close (effects_t *self, uint32_t peer);

/*  Room for one more scan; the caller fills in the rest.  */
effects_scan_t *effects_scan (effects_t *self, uint64_t token, plv_row_view_t view, uint32_t limit);

/*  Values of the journal with from <= position < to, at most `limit`.  */
void effects_scan_journal (effects_t *self, uint64_t token, uint64_t from, uint64_t to,
                           uint32_t limit);

/*  Something for the shell to do, which it answers with INPUT_ANSWER: a command of commands.def.  */
void effects_order (effects_t *self, uint64_t token, uint32_t command, plv_view_t arguments);

typedef struct {
    uint64_t token;
    uint32_t command;
    plv_view_t arguments; /* points into `self` */
} effects_order_t;

/*  The order at `*at`, which moves behind it; false at the end.  */
bool effects_order_next (const effects_t *self, size_t *at, effects_order_t *ret_order);

/*  The core does not log, it says what to log. `fields` are copied.  */
void effects_log_fields (effects_t *self, plv_log_id_t id, const plv_field_t *fields, size_t count);

#define effects_log(self, id, ...)                                                                 \
    effects_log_fields ((self), (id), (const plv_field_t[]){__VA_ARGS__},                          \
                        sizeof ((const plv_field_t[]){__VA_ARGS__}) / sizeof (plv_field_t))

enum { EFFECTS_FIELDS_MAX = 8 };

/*  The log line at `*at`, which moves behind it; false at the end. Texts point into `self`.  */
bool effects_log_next (const effects_t *self, size_t *at, plv_log_id_t *ret_id,
                       plv_field_t ret_fields[EFFECTS_FIELDS_MAX], size_t *ret_count);

#endif
