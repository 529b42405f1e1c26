#include "host/kit/signature.h"

#include <sodium.h>

static const unsigned char *bytes_of (pal_text_t text)
{
    return (const unsigned char *) (text.size ? text.data : "");
}

void signature_hmac_sha256 (pal_text_t key, pal_text_t message, uint8_t ret_hash[32])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init (&state, bytes_of (key), key.size);
    crypto_auth_hmacsha256_update (&state, bytes_of (message), message.size);
    crypto_auth_hmacsha256_final (&state, ret_hash);
    sodium_memzero (&state, sizeof state);
}

bool signature_ed25519 (const uint8_t public_key[32], const uint8_t signature[64],
                        pal_text_t message)
{
    return crypto_sign_verify_detached (signature, bytes_of (message), message.size, public_key)
           == 0;
}
