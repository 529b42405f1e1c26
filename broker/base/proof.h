/*  proof -- that an adapter was started by the broker and not by somebody who took its name
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    a hash of a name

    The broker makes a key each time it starts, and hands the proof of its name to each host that it starts: on a pipe
    that nobody else can read. The host says it in HELLO.  */

#ifndef BASE_PROOF_H
#define BASE_PROOF_H

#include "base/view.h"

enum { PLV_PROOF_BYTES = 32, PLV_PROOF_KEY_BYTES = 32 };

void plv_proof (const uint8_t key[PLV_PROOF_KEY_BYTES], const char *name,
                uint8_t ret_proof[PLV_PROOF_BYTES]);

/*  Takes the same time whatever is wrong with it.  */
bool plv_proof_good (const uint8_t key[PLV_PROOF_KEY_BYTES], const char *name, plv_view_t proof);

#endif
