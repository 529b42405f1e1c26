/*  frame -- packets: what one message on a socket holds
    OWNS    nothing: a reader walks borrowed bytes, a writer appends to the caller's buffer
    THREAD  any
    FAILS   on bytes that are not a packet, with an error that names the offset; never crashes
    COST    a bounded walk over the bytes; nothing is copied or allocated

    A packet is 'P' 'V' MAJOR MINOR, then frames until its end; a frame is one byte of verb, four bytes
    of length in network order, and that many bytes of msgpack: an array of the verb's arguments.
    A verb's `max bytes` in wire.def counts those msgpack bytes, not the five in front of them.  */

#ifndef PLV_WIRE_FRAME_H
#define PLV_WIRE_FRAME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

enum {
    PLV_WIRE_MAJOR = 1,
    PLV_WIRE_MINOR = 2,
    PLV_PACKET_HEAD_BYTES = 4,
    PLV_FRAME_HEAD_BYTES = 5,
    PLV_FRAME_ARGS_MAX = 10,
};

typedef enum {
#define VERB(number, name, from, state, max, types, arguments, meaning) VERB_##name = (number),
#include "wire/wire.def"
#undef VERB
} plv_verb_t;

/*  Who may send a verb, as a set.  */
enum {
    FROM_BROKER = 1,
    FROM_ADAPTER = 2,
    FROM_WORKER = 4,
    FROM_TOOL = 8,
    FROM_ASKERS = FROM_ADAPTER | FROM_TOOL,
    FROM_PEERS = FROM_ADAPTER | FROM_WORKER | FROM_TOOL,
    FROM_ANY = FROM_BROKER | FROM_PEERS,
};

typedef enum { STATE_NEW, STATE_READY, STATE_ALWAYS } plv_conn_state_t;

typedef struct {
    const char *name; /* NULL: there is no such verb */
    const char *types;
    const char *arguments;
    const char *meaning;
    uint32_t bytes_max;
    uint8_t from;
    uint8_t state;
    uint8_t args;
} plv_verb_info_t;

/*  How many arguments must be there: those at the end that may be nil may be missing.  */
unsigned plv_verb_args_least (const plv_verb_info_t *info);

/*  NULL for a number that is no verb.  */
const plv_verb_info_t *plv_verb_info (unsigned number);
const char *plv_verb_name (unsigned number); /* "?" for a number that is no verb */

/*  One decoded argument. `bytes` holds the content of s and b, and the whole encoded value of m and a.  */
typedef struct {
    bool nil;
    uint64_t number; /* u, and t as 0 or 1 */
    plv_view_t bytes;
} plv_arg_t;

typedef struct {
    plv_verb_t verb;
    plv_arg_t arg[PLV_FRAME_ARGS_MAX];
    plv_view_t raw; /* the frame's body, undecoded */
} plv_frame_t;

typedef struct {
    plv_view_t packet;
    size_t at;
    uint8_t minor; /* the peer's minor version */
} plv_packet_reader_t;

/*  ERR_PROTOCOL when it is no packet, ERR_VERSION when its major version is another one (the text says
    which side to upgrade). `packet` must outlive the reader and its frames.  */
plv_err_t plv_packet_open (plv_view_t packet, plv_packet_reader_t *ret_reader,
                           plv_fail_t *ret_fail);

/*  The next frame, checked against wire.def: known verb, length, argument types, UTF-8. At the end of the
    packet returns ERR_NOENT. The maps and arrays inside are checked to be well-formed msgpack, but their
    texts are not checked for UTF-8: what reads them does that (event.h). After a failure the reader stays
    where it was, and the same failure comes again.  */
plv_err_t plv_packet_next (plv_packet_reader_t *self, plv_frame_t *ret_frame, plv_fail_t *ret_fail);

/*  May a peer of role `from` send this verb in this state?  */
bool plv_verb_legal (plv_verb_t verb, unsigned from, plv_conn_state_t state);

/*  Writers. Append the packet's head once, then frames: begin, the arguments in order, end.  */
void plv_packet_begin (plv_buf_t *self);
size_t plv_frame_begin (plv_buf_t *self, plv_verb_t verb); /* returns a mark for plv_frame_end */
void plv_frame_end (plv_buf_t *self, size_t mark);

#endif
