/*  dedup -- the platform ids that were seen, so that a second copy is answered and dropped
    OWNS    its table, freed by dedup_destroy
    THREAD  core only
    FAILS   dedup_add says DEDUP_FULL at `max`; dedup_run_read with ERR_CORRUPT
    COST    has, add: O(1), one or two cache misses; growth moves one segment (1/16384 of the table)
            at a time, so no call stalls; 20 bytes a slot, at most 3/4 of the slots used

    An id is remembered as a keyed 128-bit hash (SipHash-x-2-4) of adapter, 0 and platform id, with
    the second at which it expires (believed time, see calm.h). Its time is what dedup_sweep was told
    last.  */

#ifndef CORE_DEDUP_H
#define CORE_DEDUP_H

#include "base/buf.h"
#include "base/err.h"

enum {
    DEDUP_SECRET_BYTES = 16,
    DEDUP_KEY_BYTES = 16,
    DEDUP_RUN_HEAD_BYTES = 4,
    DEDUP_RUN_ENTRY_BYTES = 20,
};

typedef struct {
    uint8_t bytes[DEDUP_KEY_BYTES];
} dedup_key_t;

typedef enum { DEDUP_ADDED, DEDUP_SEEN, DEDUP_FULL } dedup_add_t;

typedef struct dedup dedup_t;

dedup_t *dedup_new (const uint8_t secret[DEDUP_SECRET_BYTES], uint64_t max);
void dedup_destroy (dedup_t **self_p);

/*  A lower `max` forgets nothing: it only refuses more.  */
void dedup_set_max (dedup_t *self, uint64_t max);

dedup_key_t dedup_key (const dedup_t *self, plv_view_t adapter, plv_view_t platform_id);

/*  Is it there and not expired?  */
bool dedup_has (const dedup_t *self, const dedup_key_t *key);

/*  SEEN: it was there and not expired, and stays as it is. FULL: nothing is added (BUSY is the
    answer); expired ones are looked for first, in a bounded part of the table, so that a later call
    may succeed.  */
dedup_add_t dedup_add (dedup_t *self, const dedup_key_t *key, uint32_t expires_s);

/*  As dedup_add, but above `max` too, and an id that is there keeps the later expiry: for what was
    accepted, whose id must be known whatever the limit says.  */
void dedup_keep (dedup_t *self, const dedup_key_t *key, uint32_t expires_s);

/*  Would dedup_add say FULL for a new id? Looks for expired ones as it does.  */
bool dedup_is_full (dedup_t *self);

/*  Moves the time and drops what has expired, a bounded part of the table a call (a few
    microseconds; nothing at all while nothing can have expired): call it every turn, or several
    times a second.  */
void dedup_sweep (dedup_t *self, uint32_t now_s);

/*  Ids in the table, expired ones that were not dropped yet included.  */
uint64_t dedup_count (const dedup_t *self);
uint64_t dedup_bytes (const dedup_t *self); /* of memory */

/*  A run is a packed list of ids as a value of the DEDUP view: u32 latest expiry, then key and u32
    expiry each. Begin with an empty buffer and add one after the other; the head is kept up to
    date.  */
void dedup_run_add (plv_buf_t *run, const dedup_key_t *key, uint32_t expires_s);

/*  The latest expiry: at this second the whole run may be deleted; 0 for bytes that are no run.  */
uint32_t dedup_run_expires (plv_view_t run);

/*  Puts what has not expired by `now_s` into the table, above `max` too: what was accepted once
    stays known. An id that is there keeps the later expiry. A second reading changes nothing.  */
plv_err_t dedup_run_read (dedup_t *self, plv_view_t run, uint32_t now_s, plv_fail_t *ret_fail);

#endif
