/*  ground -- checks what the model wrote against what the catalogue says
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   never: a sentence that cannot be confirmed is left out, and counted
    COST    one pass over the text, one look at the catalogue for each word in capitals

    A sentence stays when
        every symbol in it belongs to a product that a tool returned, or is the person's own word and is not
        recommended;
        every longer name that begins like a product's name is the name of such a product, and a name beside a symbol
        is that product's;
        every per cent, price and risk level is a figure of the products that the sentence names (of all that were
        returned, when it names none), was computed by a tool, or was said by the person.  */

#ifndef ADVISOR_CLAUDE_GROUND_H
#define ADVISOR_CLAUDE_GROUND_H

#include "advisor/claude/evidence.h"
#include "advisor/profile.h"
#include "base/buf.h"

typedef struct {
    catalogue_t *catalogue;
    const evidence_t *evidence;
    const profile_t *profile;
    int about; /* the product that the text is about, or -1 */
} ground_t;

/*  Appends the sentences that stay; returns how many were left out.  */
unsigned ground_text (const ground_t *self, plv_view_t text, plv_buf_t *out);

#endif
