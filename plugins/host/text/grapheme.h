/*  grapheme -- where a character, as a reader sees it, ends (Unicode's extended grapheme clusters)
    OWNS    a compiled pattern of PCRE2, which brings Unicode's tables
    THREAD  that of its owner
    FAILS   never: out of memory stops the process
    COST    linear in the bytes looked at  */

#ifndef HOST_TEXT_GRAPHEME_H
#define HOST_TEXT_GRAPHEME_H

#include "base/view.h"

typedef struct grapheme grapheme_t;

grapheme_t *grapheme_new (void);
void grapheme_destroy (grapheme_t **self_p);

/*  The bytes of the one that `text` (valid UTF-8) begins with; 0 at the end.  */
size_t grapheme_size (grapheme_t *self, plv_view_t text);

/*  How many there are.  */
size_t grapheme_count (grapheme_t *self, plv_view_t text);

#endif
