/*  bench_link -- one DEALER that speaks the wire as our own peers do: everything that waits is read, and all that
    there is to say to it goes out as one packet
    OWNS    its context, its socket, the packet being gathered; freed by bench_link_close
    THREAD  that of its owner
    FAILS   whatever is not as it should be ends the process (bench_die)
    COST    a copy of each packet  */

#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include "base/buf.h"
#include "wire/frame.h"

typedef struct {
    void *context;
    void *socket;
    plv_buf_t packet;
    int64_t said_us;
    bool welcome;
    bool name_in_use; /* HELLO was refused for that, and is to be said again */
} bench_link_t;

typedef struct {
    const char *role;
    const char *name;
    const char *service; /* NULL: an adapter */
    unsigned credit;
    unsigned history;
} bench_hello_t;

/*  Appends HELLO to a packet.  */
void bench_hello_put (const bench_hello_t *hello, plv_buf_t *packet);

/*  Connects to `run`/`door`.ipc, says HELLO, returns at WELCOME.  */
void bench_link_open (bench_link_t *self, const char *run, const char *door,
                      const bench_hello_t *hello);
/*  Says BYE, so that the next process finds the name free.  */
void bench_link_close (bench_link_t *self);

/*  Where frames to be said are appended.  */
plv_buf_t *bench_link_packet (bench_link_t *self);
void bench_link_flush (bench_link_t *self);

/*  Waits up to half a second for a packet, then gives every frame of all packets that wait to `take`. False
    when there was none.  */
typedef void bench_take_t (void *arg, const plv_frame_t *frame);
bool bench_link_turn (bench_link_t *self, bench_take_t *take, void *arg);

#endif
