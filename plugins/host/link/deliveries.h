/*  deliveries -- the replies that an adapter has in hand, their outcomes, and the replies that it lately sent
    OWNS    all of these, freed by deliveries_destroy
    THREAD  that of its owner
    FAILS   never: out of memory stops the process
    COST    O(1) a call; about 150 bytes a reply that was sent, for the last DELIVERIES_SENT_MAX of them

    A reply may come again under another number, when the broker believes that it did not arrive. Whoever has
    it in hand goes on with it, and whoever has sent it says so: it does not reach the platform twice.  */

#ifndef HOST_DELIVERIES_H
#define HOST_DELIVERIES_H

#include "base/buf.h"
#include "base/id.h"
#include "wire/mp.h"

enum { DELIVERIES_SENT_MAX = 4096 };

typedef struct deliveries deliveries_t;

deliveries_t *deliveries_new (void);
void deliveries_destroy (deliveries_t **self_p);

/*  True: try it, under this number, and end it with deliveries_finish. False: it is being tried already, or
    its outcome is known and will be said again. `reply` NULL: it has no id to know it by.  */
bool deliveries_take (deliveries_t *self, uint64_t number, const plv_id_t *reply);

/*  False: it is not being tried. `platform_id` and `reason` may be empty; `retry_after_ms` 0: nothing.  */
bool deliveries_finish (deliveries_t *self, uint64_t number, const char *outcome,
                        plv_view_t platform_id, uint32_t retry_after_ms, plv_view_t reason);

/*  Ends all that are being tried as "unknown".  */
void deliveries_abandon (deliveries_t *self, const char *why);

void deliveries_settled (deliveries_t *self, uint64_t number);

/*  The numbers, as a msgpack array of at most `most`: first those that are being tried.  */
void deliveries_put_holding (const deliveries_t *self, plv_buf_t *out, uint32_t most);

/*  Outcomes that are not settled, for another process to say; false: these are none.  */
void deliveries_put_outcomes (const deliveries_t *self, plv_buf_t *out);
bool deliveries_take_outcomes (deliveries_t *self, plv_mp_t *outcomes);

void deliveries_rewind (deliveries_t *self); /* say all outcomes again */
void deliveries_pack (deliveries_t *self, plv_buf_t *packet, size_t goal);
bool deliveries_has_unsent (const deliveries_t *self);
size_t deliveries_tried (const deliveries_t *self);
size_t deliveries_unsettled (const deliveries_t *self);

#endif
