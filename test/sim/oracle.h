/*  oracle -- what must hold after every step, from the outside: journal, frames, and what the platforms saw
    OWNS    its own model of the broker, made from the journal alone
    THREAD  one
    FAILS   by sim_fail, with words that name the message, the entry or the peer
    COST    O(1) a record or frame

    Invariants:
      kept       a frame that promises something leaves only when the record of it is stored
      accepted   what was answered STORED ends delivered, dead, merged or superseded
      once       no reply reaches its platform twice, but where the platform drops second copies, or an
                 operator sent an unknown one again; one platform id is accepted once
      order      an event is given to a worker only when every earlier one of its session is done; answers
                 reach the platform in that order
      ledger     attempts are numbered without gaps, one at a time, and every frame has its own
      steps      a step that was saved in one attempt is not done again in a later one
      credit     nobody holds more than it asked for
      trials     what is only tried leaves nothing in the journal, and no lease behind; calls leave none either
      copies     a letter that is sent again with another text is another event
      pause      while an operator has paused a route, no event of it goes to a worker, whatever happens to the broker
      recovery   after a crash the broker is in the state that it had stored  */

#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct oracle oracle_t;
struct sim;

oracle_t *oracle_new (struct sim *sim);
void oracle_destroy (oracle_t **self_p);

/*  The store has kept this journal value.  */
void oracle_committed (oracle_t *self, plv_view_t journal);
/*  After a crash: only what is stored up to `last_seq` counts.  */
void oracle_rebuild (oracle_t *self, uint64_t last_seq);

/*  The broker lets this packet go to a peer whose frames wait for the store.  */
void oracle_released (oracle_t *self, plv_view_t packet);

/*  Adapters tell: the platform gave event `id` for message `index`; it was answered STORED, or REJECTED,
    which no event of the simulator deserves; a reply was shown.  */
void oracle_published (oracle_t *self, const uint8_t id[16], unsigned index);
void oracle_stored (oracle_t *self, unsigned index);
void oracle_rejected (oracle_t *self, unsigned index);
void oracle_shown (oracle_t *self, const uint8_t reply_id[16], const uint8_t reply_to[16],
                   bool deduplicates, bool fallback);

/*  Workers tell: the step of the job that they have under this lease was done.  */
void oracle_step_done (oracle_t *self, uint64_t lease);

/*  Is this the name of a session that operators only try?  */
bool oracle_is_trial (plv_view_t session);

/*  The run is over.  */
void oracle_finish (oracle_t *self);

#endif
