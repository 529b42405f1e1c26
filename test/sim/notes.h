/*  notes -- what a simulated adapter keeps with the broker: kv.put, kv.get, kv.delete
    OWNS    the memory of what was answered; no crash takes it back
    THREAD  one
    FAILS   by sim_fail: what was answered is there, with its value, until it is deleted
    COST    none to speak of

    Every key is written once, so that a packet that comes twice or late changes nothing.  */

#ifndef SIM_NOTES_H
#define SIM_NOTES_H

#include "sim/sim.h"

enum { NOTES_MAX = 256 };

typedef struct {
    sim_t *sim;
    const char *owner; /* the adapter */
    unsigned count;
    bool kept[NOTES_MAX];     /* the put was answered */
    bool deleting[NOTES_MAX]; /* a delete was sent */
} notes_t;

/*  Asks for something, or not, as chance has it.  */
void notes_beat (notes_t *self, sim_conn_t *conn);
void notes_result (notes_t *self, const plv_frame_t *frame);
/*  The run is over: everything is in the store.  */
void notes_finish (const notes_t *self);

#endif
