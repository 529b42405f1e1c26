/*  label -- a short text that many hold: who an attempt was given to
    OWNS    itself, by a count of holders
    THREAD  core only
    FAILS   never
    COST    one allocation per text, none per holder  */

#ifndef CORE_LABEL_H
#define CORE_LABEL_H

#include "base/view.h"

typedef struct {
    uint32_t holders;
    uint32_t size;
    uint8_t text[];
} label_t;

label_t *label_new (plv_view_t text); /* held once */
label_t *label_hold (label_t *self);
void label_drop (label_t **self_p);

static inline plv_view_t label_view (const label_t *self)
{
    return self ? plv_view (self->text, self->size) : plv_view (NULL, 0);
}

#endif
