/*  dead_filter -- which dead letters are meant, by the arguments of dead.list and dead.stats
    OWNS    nothing: views point into the arguments, which must outlive it
    THREAD  core only
    FAILS   dead_filter_read with false when `fingerprint` is none; an argument of another type asks for nothing
    COST    a few compares a letter; `text` is searched in the message  */

#ifndef CORE_DEAD_FILTER_H
#define CORE_DEAD_FILTER_H

#include "core/dead/dead_brief.h"

typedef struct {
    plv_view_t platform, adapter, session, user, route, type; /* empty: any */
    plv_view_t reason, outcome, code, text;
    plv_view_t service;   /* for who knows which routes lead there */
    uint64_t fingerprint; /* 0: any */
    uint64_t since_us;    /* dead at this time or later, wall clock; 0: any */
    uint64_t until_us;    /* dead before this time; 0: any */
    uint64_t attempts;    /* at least so many */
} dead_filter_t;

/*  Why it is false.  */
#define DEAD_FILTER_HOW "\"fingerprint\" is 16 hexadecimal digits"

bool dead_filter_read (plv_view_t arguments, dead_filter_t *ret_filter);
/*  Whether the letter passes, but for `service`.  */
bool dead_filter_takes (const dead_filter_t *self, const dead_t *dead, const entry_t *entry);

/*  The same for briefs: no letter that passes is left out, but for `text` one that does not may be let in.  */
typedef struct {
    const dead_filter_t *filter;
    uint32_t session, user, platform, adapter, route, type, code; /* hashes */
    unsigned whys;                                                /* bits of dead_why_t */
    plv_buf_t *routes; /* uint32_t hashes of the routes that lead to `service` */
} dead_match_t;

void dead_match_make (const dead_filter_t *filter, plv_buf_t *routes, dead_match_t *ret_match);
bool dead_match_takes (const dead_match_t *self, const dead_brief_t *brief);

#endif
