/*  control_answer -- what a tool asked with, and what it is told
    OWNS    nothing
    THREAD  core only
    FAILS   never
    COST    one pass over the arguments, or over the answer  */

#ifndef CORE_CONTROL_ANSWER_H
#define CORE_CONTROL_ANSWER_H

#include "core/core.h"
#include "core/peer/peer.h"

uint64_t control_number (plv_view_t arguments, const char *key, uint64_t standard);
bool control_flag (plv_view_t arguments, const char *key);
void control_answer (core_t *self, peer_t *peer, uint64_t request, const char *status,
                     const plv_buf_t *body);
/*  What people and agents wrote: to an adapter without what looks like a secret.  */
void control_answer_shown (core_t *self, peer_t *peer, uint64_t request, const plv_buf_t *body);
void control_part (core_t *self, peer_t *peer, uint64_t request,
                   const plv_buf_t *body); /* of an answer that goes on */
void control_fail (core_t *self, peer_t *peer, uint64_t request, plv_err_t err, const char *format,
                   ...) __attribute__ ((format (printf, 5, 6)));

#endif
