/*  advise -- the offline advisor: from a message and a session's profile to an answer
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   only when memory runs out (answer->text.failed)
    COST    under a millisecond on thousands of products

    Three parts, so that a caller may keep the result of the second one (a saved step of the job), or put
    another author in the place of the third:
        understand ()       reads the message; reading->intent says what it wants
        rank ()             finds products; only when advise_needs_picks ()
        advise_write ()     says it, and updates reading->profile with what was shown and asked  */

#ifndef ADVISOR_ADVISE_H
#define ADVISOR_ADVISE_H

#include "advisor/answer.h"

bool advise_needs_picks (const reading_t *reading);

/*  `picks` may be NULL unless advise_needs_picks.  */
void advise_write (catalogue_t *catalogue, reading_t *reading, const picks_t *picks,
                   answer_t *answer);

/*  All three parts in a row; `profile` is the session's, before and after.  */
void advise (catalogue_t *catalogue, plv_view_t text, int year, profile_t *profile,
             answer_t *answer);

/*  Picks as bytes and back (symbols, so that another build with another catalogue can read them); false
    when the bytes are not picks.  */
void advise_write_picks (const catalogue_t *catalogue, const picks_t *picks, plv_buf_t *out);
bool advise_read_picks (catalogue_t *catalogue, plv_view_t bytes, picks_t *ret_picks);

#endif
