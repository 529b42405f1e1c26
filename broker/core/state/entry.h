/*  entry -- one event on its way to an agent, or one reply on its way to a platform
    OWNS    its bytes, its ledger, its saved steps; freed by entry_destroy
    THREAD  core only
    FAILS   entry_read with ERR_CORRUPT on bytes that entry_write did not write
    COST    about 230 bytes and the bytes of the event

    An entry belongs to one session, from the moment it is accepted until it is done or dead. Its number is
    its place in the order in which everything was accepted.  */

#ifndef CORE_ENTRY_H
#define CORE_ENTRY_H

#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "core/state/ledger.h"
#include "core/state/steps.h"
#include "core/timers.h"

typedef enum { ENTRY_EVENT, ENTRY_REPLY } entry_kind_t;

/*  LEASED: an attempt is open and `holder` has it; when `holder` is NULL nobody has claimed it since the
    broker was restarted or the adapter's connection was lost.  */
typedef enum { ENTRY_WAITING, ENTRY_GATHERED, ENTRY_LEASED, ENTRY_BACKOFF } entry_state_t;

enum {
    ENTRY_TOLD = 1,     /* the user has been given a fallback for this event */
    ENTRY_FALLBACK = 2, /* this reply is a fallback: it makes no turn of history */
    ENTRY_REPLAYED = 4,
    ENTRY_DEDUPLICATED =
        8, /* the present attempt went to an adapter whose platform drops second copies */
    ENTRY_OPENS = 16,                       /* session.created, or an answer to it */
    ENTRY_CLOSES = 32,                      /* session.ended, or an answer to it */
    ENTRY_OWN = ENTRY_OPENS | ENTRY_CLOSES, /* made by the broker: no sign of life of a person */
};

struct peer;
struct session;
struct lane;
struct outlet;

typedef struct entry {
    uint64_t number;
    struct session *session;
    struct lane *lane;     /* events: the route it waits in; NULL: not known yet */
    struct outlet *outlet; /* replies: the adapter that it goes through */
    struct peer *holder;
    plv_node_t in_session;
    plv_node_t in_holder;
    plv_node_t unsent;    /* replies: in the outlet's list */
    core_timer_t timer;   /* the end of the attempt, or of the backoff */
    int64_t accepted_us;  /* wall clock */
    int64_t until_us;     /* wall clock: BACKOFF ends */
    int64_t not_after_us; /* wall clock; replies only */
    int64_t lease_us;     /* monotonic: when the present attempt began */
    uint64_t
        lease_seq; /* the journal position of its record: before that is stored, it has not left; 0: it was claimed */
    int64_t
        wall_at_0_us; /* wall clock at monotonic 0, when the entry came: a clock that jumps moves nothing */
    plv_id_t holder_incarnation; /* of the process that got the present attempt */
    ledger_t ledger;
    steps_t steps;
    label_t *route;    /* its name */
    uint16_t attempts; /* made so far, replays included */
    uint16_t charged;  /* of those, since accepted or replayed, the ones that count */
    uint8_t kind;
    uint8_t state;
    uint8_t flags;
    bool dirty;   /* differs from its row */
    bool in_view; /* has a row */
    uint32_t envelope_size;
    uint32_t body_size;
    uint8_t *bytes; /* envelope, then body: those below, until the body is changed */
    uint8_t own[];
} entry_t;

entry_t *entry_new (entry_kind_t kind, uint64_t number, plv_view_t envelope, plv_view_t body);
void entry_destroy (entry_t **self_p);

static inline plv_view_t entry_envelope (const entry_t *self)
{
    return plv_view (self->bytes, self->envelope_size);
}

static inline plv_view_t entry_body (const entry_t *self)
{
    return plv_view (self->bytes + self->envelope_size, self->body_size);
}

/*  A wall clock time of this entry as a monotonic one.  */
static inline int64_t entry_mono (const entry_t *self, int64_t wall_us)
{
    return wall_us - self->wall_at_0_us;
}

void entry_set_body (entry_t *self, plv_view_t body);

/*  What its peer knows it by: the number and the attempt.  */
static inline uint64_t entry_lease (const entry_t *self)
{
    return self->number << 16 | self->attempts;
}

static inline uint64_t entry_of_lease (uint64_t lease)
{
    return lease >> 16;
}

/*  As a row of the ENTRIES or DEAD view; `session` is the id of its session.  */
void entry_write (const entry_t *self, plv_view_t session, plv_buf_t *buf);
plv_err_t entry_read (uint64_t number, plv_view_t bytes, entry_t **ret_entry,
                      plv_view_t *ret_session, plv_fail_t *ret_fail);

#endif
