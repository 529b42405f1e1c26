/*  signature -- the checks with which platforms sign what they send
    OWNS    nothing
    THREAD  any
    FAILS   signature_ed25519 with false; the other never
    COST    that of libsodium: a hash of the message, about 100 us for Ed25519  */

#ifndef HOST_SIGNATURE_H
#define HOST_SIGNATURE_H

#include "sdk/adapter.h"

void signature_hmac_sha256 (pal_text_t key, pal_text_t message, uint8_t ret_hash[32]);
bool signature_ed25519 (const uint8_t public_key[32], const uint8_t signature[64],
                        pal_text_t message);

#endif
