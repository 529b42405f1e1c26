/*  rules -- regular expressions (PCRE2) under limits, for content and routes
    OWNS    the compiled expressions and the memory of a match, freed by rules_destroy
    THREAD  core only: a match uses memory of the set
    FAILS   rules_add with ERR_CONF and "pattern: reason at offset N"
    COST    compiled by the JIT where the system allows it; a few hundred nanoseconds a match over
            500 bytes; no allocation

    Caseless, UTF-8, and a dot matches a line break too. Bytes that are not UTF-8 match nothing, and
    do no harm.  */

#ifndef CORE_RULES_H
#define CORE_RULES_H

#include "base/err.h"
#include "base/view.h"

typedef enum {
    RULES_NO,
    RULES_YES,
    RULES_LIMIT, /* the match needs more steps or memory than it may take: neither yes nor no */
} rules_answer_t;

typedef struct rules rules_t;

/*  `match_limit`: steps that a match may take from one place in the text on.  */
rules_t *rules_new (uint32_t match_limit);
void rules_destroy (rules_t **self_p);

/*  Rules are numbered from 0 in the order in which they were added.  */
plv_err_t rules_add (rules_t *self, const char *pattern, plv_fail_t *ret_fail);
size_t rules_count (const rules_t *self);
rules_answer_t rules_match (rules_t *self, size_t number, plv_view_t text);

#endif
