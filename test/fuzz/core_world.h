/*  core_world -- a live core with effects and a memory store, for bytes to be thrown at
    OWNS    the core, the store, both turns' effects
    THREAD  one
    FAILS   what must not happen ends in CHECK, so that the fuzzer sees it
    COST    a new policy a world: some 100 microseconds

    It plays the shell: turns, commits, scans, restarts. Whatever the core sends is read again as a peer would
    read it, and must be what wire.def says.  */

#ifndef FUZZ_CORE_WORLD_H
#define FUZZ_CORE_WORLD_H

#include "base/rng.h"
#include "core/core.h"
#include "store/memory.h"

enum { WORLD_SLOTS = 8, WORLD_RING = 16 };

/*  The last numbers of a kind that the core has given out.  */
typedef struct {
    uint64_t numbers[WORLD_RING];
    unsigned next;
} world_ring_t;

/*  A place at a socket. The broker's number for it changes when the connection is forgotten.  */
typedef struct {
    uint32_t number; /* 0: none */
    unsigned allowed;
    char name[16]; /* of the last HELLO */
} world_slot_t;

typedef struct {
    core_t *core;
    store_t *store;
    effects_t effects[2];
    effects_t *gather;
    effects_t *flying;
    uint64_t flying_seq; /* 0: no batch is under way */
    uint64_t digest;     /* of what is stored */
    uint64_t digest_flying;
    unsigned variant; /* of the conf */
    core_now_t now;
    uint32_t next_number;
    world_slot_t slots[WORLD_SLOTS];
    world_ring_t leases;
    world_ring_t deliveries;
    uint64_t checkpoint_token;
} world_t;

void world_init (world_t *self);
void world_free (world_t *self);

void world_step (world_t *self, input_t input);
void world_packet (world_t *self, unsigned slot, plv_view_t packet);
void world_gone (world_t *self, unsigned slot);
void world_time (world_t *self, int64_t mono_us, int64_t jump_us);
void world_turn (world_t *self, bool all);
void world_commit (world_t *self);
/*  Answers what was scanned; `spoil` is written over the rows, at its first byte's place.  */
void world_rows (world_t *self, plv_view_t spoil);
void world_policy (world_t *self, unsigned variant);
void world_restart (world_t *self);

#endif
