/*  tools -- what the model may look up, and what it gets
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   a call that makes no sense gets a result that says so (`is_error`)
    COST    at most one pass over the catalogue  */

#ifndef ADVISOR_CLAUDE_TOOLS_H
#define ADVISOR_CLAUDE_TOOLS_H

#include "advisor/offline/rank.h"

#include <jansson.h>

typedef struct {
    catalogue_t *catalogue;
    const reading_t *reading; /* of the message, for what suits and what is refused */
    int year;
} tools_t;

/*  The list for a request; NULL when memory runs out.  */
json_t *tools_list (void);

/*  Runs one; the result is an object. NULL when memory runs out.  */
json_t *tools_run (const tools_t *self, const char *name, const json_t *input, bool *ret_is_error);

/*  Are the figures of this tool's results computed, and no product's own?  */
bool tools_computes (const char *name);

/*  A product as the tools show it.  */
json_t *tools_product (const product_t *product);

#endif
