/*  provenance -- the metadata of a reply: who made it, by which calls, and what they cost
    OWNS    nothing
    THREAD  any
    FAILS   as plv_buf_t does
    COST    one pass  */

#ifndef ADVISOR_PROVENANCE_H
#define ADVISOR_PROVENANCE_H

#include "advisor/claude/author.h"

/*  A map: answered_by ("claude" or "offline"), reason (why not by Claude, see troubles.def; only then), model,
    request_ids, input_tokens, output_tokens, cost_usd, model_rounds and left_out.  */
void provenance_write (const talk_result_t *talked, const author_removed_t *removed,
                       plv_buf_t *out);

#endif
