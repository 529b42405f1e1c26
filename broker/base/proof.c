#include "base/proof.h"

#include <sodium.h>
#include <string.h>

void plv_proof (const uint8_t key[PLV_PROOF_KEY_BYTES], const char *name,
                uint8_t ret_proof[PLV_PROOF_BYTES])
{
    crypto_generichash (ret_proof, PLV_PROOF_BYTES, (const uint8_t *) name, strlen (name), key,
                        PLV_PROOF_KEY_BYTES);
}

bool plv_proof_good (const uint8_t key[PLV_PROOF_KEY_BYTES], const char *name, plv_view_t proof)
{
    uint8_t right[PLV_PROOF_BYTES];
    plv_proof (key, name, right);
    return proof.size == sizeof right && sodium_memcmp (proof.data, right, sizeof right) == 0;
}
