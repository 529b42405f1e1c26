/*  compliance -- the disclaimers that every response carries, added in this one place
    OWNS    nothing
    THREAD  any
    FAILS   never; a body that is not a map is copied as it is
    COST    one walk over the top-level keys, one copy of the body

    Adds `disclaimers`, an array of texts (investment_advice, risk_disclosure when `recommendations`
    is an array that is not empty, regulatory_notice; an empty text in conf is left out), and
    `compliance_version`. What a worker put under these two keys is replaced, so that adding twice
    is adding once.  */

#ifndef CORE_COMPLIANCE_H
#define CORE_COMPLIANCE_H

#include "base/buf.h"
#include "base/conf/conf.h"

/*  Appends to `buf` the body of a chat.response (an encoded map, already checked) with the
    disclaimers, or as it is when compliance.on is false. `body` must not lie in `buf`.  */
void compliance_add (plv_buf_t *buf, const plv_conf_t *conf, plv_view_t body);

#endif
