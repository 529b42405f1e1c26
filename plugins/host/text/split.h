/*  split -- writes a layout as parts, each valid on its own and at most so long
    OWNS    nothing that outlives the call
    THREAD  that of its owner
    FAILS   never. What cannot be kept whole is given up step by step, for the part that needs it: words,
            links, then markup, then characters; a part is never shorter than one code point, even when
            that is longer than `max`
    COST    linear: what is written again after a cut is bounded by the length of a part  */

#ifndef HOST_TEXT_SPLIT_H
#define HOST_TEXT_SPLIT_H

#include "host/text/flavour.h"
#include "host/text/layout.h"
#include "host/text/text.h"

typedef struct {
    const flavour_t *flavour;
    pal_text_unit_t unit;
    uint32_t max; /* 0: one part */
    text_part_fn *part;
    void *arg;
} split_options_t;

void split_layout (const layout_t *layout, const split_options_t *options);

#endif
