/*  fallback -- what a user is told when there is no answer
    OWNS    nothing; the texts are in conf, the kinds in fallback.def
    THREAD  any
    FAILS   never
    COST    one walk over the query, for its words  */

#ifndef CORE_FALLBACK_H
#define CORE_FALLBACK_H

#include "base/buf.h"
#include "base/conf/conf.h"

typedef enum {
#define FALLBACK(name, text, field) FALLBACK_##name,
#include "core/policy/fallback.def"
#undef FALLBACK
    FALLBACK_COUNT_
} fallback_kind_t;

const char *fallback_name (fallback_kind_t kind);

/*  The kind that an agent's code names; GENERAL_ERROR for every other code.  */
fallback_kind_t fallback_of_code (plv_view_t code);

/*  The text in conf; "": nothing is said to the user.  */
const char *fallback_text (const plv_conf_t *conf, fallback_kind_t kind);

/*  Appends the whole body of a chat.response: response_text with the extra sentences that the query
    asks for, recommendations [], confidence 0, sources [], processing_time 0, metadata {fallback:
    NAME}. `query`: the user's text, may be empty.  */
void fallback_body (plv_buf_t *buf, const plv_conf_t *conf, fallback_kind_t kind, plv_view_t query);

/*  Does a word of `text` begin with one of `words`, caseless (see fold.h)?  */
bool fallback_speaks_of (plv_view_t text, const plv_conf_list_t *words);

#endif
