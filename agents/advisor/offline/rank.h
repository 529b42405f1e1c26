/*  rank -- the products that suit a profile best
    OWNS    nothing: picks are a plain value
    THREAD  that of the catalogue
    FAILS   never: where nothing suits, there are no picks
    COST    one pass over the catalogue and a sort of what passed

    A product passes when nothing that the user refuses is in it, it is of a kind that was asked for (if
    any), and its risk level is within the limit: the lower of the user's own and what the horizon bears
    (rank_horizon_limit). A limit that is not known is the middle, 5; 6 for whoever asks for a kind of
    product; 3 for whoever was asked and did not say. Only when the user asks for a kind of which
    every product is above the limit do such products pass, and `over` says so: the answer must warn.

    What passed is scored:
        up to 30  close to the limit: risk that one wants is not left unused
        up to 25  serves the goal (goals.def, the first words most)
        up to 20  may carry much of a plan (`core` in assumptions.def)
        up to 20  low fee (60 when low fees matter most)
        up to 40  of the kinds that were asked for, the more of them the better
           30     found by other words of the message ("Vanguard", "semiconductor")
        +/-15     legal form: UCITS where currencies.def says so, and not elsewhere
        -2        each per cent that a mixed fund is off the share of stocks that was asked for
        +/-25     the target date, for retirement and whoever asks for such a fund
    Of each asset class the best comes first; more of the same only where there is nothing else.  */

#ifndef ADVISOR_RANK_H
#define ADVISOR_RANK_H

#include "advisor/understand/understand.h"

enum { PICKS_MAX = 4, RISK_UNKNOWN_LIMIT = 5, RISK_KIND_LIMIT = 6 };

typedef struct {
    int products[PICKS_MAX]; /* indexes in the catalogue, best first */
    size_t count;
    int limit;       /* the highest risk level that was allowed */
    bool by_horizon; /* the horizon set it, below what the user wanted */
    bool over;       /* the picks are above the limit, as nothing asked for is within it */
} picks_t;

/*  The risk level that `months` bear: a fall must have time to recover. 0 months: not known, no limit.  */
int rank_horizon_limit (int months);

/*  The highest risk level that is recommended for a profile.  */
int rank_limit (const profile_t *profile);

void rank (catalogue_t *catalogue, const reading_t *reading, int year, picks_t *ret_picks);

#endif
