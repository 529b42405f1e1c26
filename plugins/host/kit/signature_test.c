#include "host/kit/signature.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void from_hex (const char *hex, uint8_t *ret_bytes, size_t size)
{
    size_t got = 0;
    assert_int_equal (sodium_hex2bin (ret_bytes, size, hex, strlen (hex), NULL, &got, NULL), 0);
    assert_int_equal (got, size);
}

static void expect_hmac (pal_text_t key, pal_text_t message, const char *wanted)
{
    uint8_t hash[32];
    char hex[65];
    signature_hmac_sha256 (key, message, hash);
    sodium_bin2hex (hex, sizeof hex, hash, sizeof hash);
    assert_string_equal (hex, wanted);
}

/*  RFC 4231, test cases 1, 2, 3, 6 and 7.  */
static void test_hmac (void **state)
{
    char key[131], data[50];
    (void) state;
    memset (key, 0x0b, 20);
    expect_hmac ((pal_text_t){key, 20}, pal_text ("Hi There"),
                 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect_hmac (pal_text ("Jefe"), pal_text ("what do ya want for nothing?"),
                 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset (key, 0xaa, sizeof key);
    memset (data, 0xdd, sizeof data);
    expect_hmac ((pal_text_t){key, 20}, (pal_text_t){data, sizeof data},
                 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    expect_hmac ((pal_text_t){key, sizeof key},
                 pal_text ("Test Using Larger Than Block-Size Key - Hash Key First"),
                 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    expect_hmac ((pal_text_t){key, sizeof key},
                 pal_text ("This is a test using a larger than block-size key and a larger than "
                           "block-size data. The key needs to be hashed before being used by the "
                           "HMAC algorithm."),
                 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void test_hmac_of_nothing (void **state)
{
    (void) state;
    expect_hmac (pal_text (NULL), pal_text (NULL),
                 "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

typedef struct {
    const char *key, *message, *signature;
    size_t size;
} signed_t;

/*  RFC 8032, 7.1, tests 1 to 3.  */
static const signed_t signed_texts[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
     "595bbe24655141438e7a100b",
     0},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
     "b4302aeeb00d291612bb0c00",
     1},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9"
     "716ed28dc027beceea1ec40a",
     2},
};

static void test_ed25519 (void **state)
{
    (void) state;
    for (size_t at = 0; at < sizeof signed_texts / sizeof *signed_texts; at++) {
        const signed_t *one = &signed_texts[at];
        uint8_t key[32], signature[64], message[8] = {0};
        from_hex (one->key, key, sizeof key);
        from_hex (one->signature, signature, sizeof signature);
        from_hex (one->message, message, one->size);
        pal_text_t text = {(const char *) message, one->size};
        assert_true (signature_ed25519 (key, signature, text));
        text.size++;
        assert_false (signature_ed25519 (key, signature, text));
        text.size--;
        signature[at * 20] ^= 1;
        assert_false (signature_ed25519 (key, signature, text));
        signature[at * 20] ^= 1;
        key[at] ^= 1;
        assert_false (signature_ed25519 (key, signature, text));
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_hmac),
        cmocka_unit_test (test_hmac_of_nothing),
        cmocka_unit_test (test_ed25519),
    };
    return sodium_init () < 0 ? 1 : cmocka_run_group_tests (tests, NULL, NULL);
}
