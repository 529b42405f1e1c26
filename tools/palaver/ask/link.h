/*  link -- a connection to a running broker, as PROTOCOL.md describes it
    OWNS    its socket and the packet that it reads, freed by link_close
    THREAD  that of its owner
    FAILS   ERR_GONE: the broker is not there, or not any more; ERR_TIMEOUT: it does not answer in time; ERR_EXISTS:
            the adapter's name is taken; ERR_PROTOCOL, ERR_VERSION, ERR_AUTH: it will not have us
    COST    one socket; heartbeats are answered while link_next waits  */

#ifndef PALAVER_LINK_H
#define PALAVER_LINK_H

#include "base/id.h"
#include "wire/frame.h"

#include <zmq.h>

typedef struct {
    const char *role; /* "tool" or "adapter" */
    const char *name;
    const char *platform; /* of an adapter */
    unsigned credit;
    plv_id_t incarnation;
} hello_t;

typedef struct {
    void *context;
    void *socket;
    zmq_msg_t message;
    bool reading; /* `message` has frames left */
    plv_packet_reader_t reader;
    int64_t heartbeat_us, timeout_us;
    uint32_t history_turns; /* of a session, that the broker keeps for agents */
    int64_t heard_us, said_us;
} link_t;

/*  Connects to DIR/`door`.ipc, says HELLO, returns when WELCOME is there. What was in `self` is overwritten.
    Deadlines are those of plv_clock_mono_us.  */
plv_err_t link_open (link_t *self, const char *run, const char *door, const hello_t *hello,
                     int64_t deadline_us, plv_fail_t *ret_fail);

/*  Says BYE. Closing twice does nothing.  */
void link_close (link_t *self);

/*  The next frame that is about something; its views are good until the next call. ERR_TIMEOUT at the deadline, also
    when that is past: what has come already is returned first.  */
plv_err_t link_next (link_t *self, int64_t deadline_us, plv_frame_t *ret_frame,
                     plv_fail_t *ret_fail);

/*  Sends a packet and clears it.  */
plv_err_t link_send (link_t *self, plv_buf_t *packet, plv_fail_t *ret_fail);

#endif
