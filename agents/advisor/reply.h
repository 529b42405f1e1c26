/*  reply -- an answer as the body of a chat.response
    OWNS    nothing
    THREAD  any
    FAILS   as plv_buf_t does
    COST    one pass  */

#ifndef ADVISOR_REPLY_H
#define ADVISOR_REPLY_H

#include "advisor/answer.h"

/*  A map of response_text, recommendations [{name, symbol, risk_level, expected_return, fee, why}],
    confidence (0 to 1), sources and processing_time (`seconds`). `metadata`: an encoded value for the key of that
    name, or empty for none.  */
void reply_write (const catalogue_t *catalogue, const answer_t *answer, double seconds,
                  plv_view_t metadata, plv_buf_t *out);

#endif
