#include "store/crc32c.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void init (crc32c_t *self, bool portable)
{
    if (portable)
        crc32c_init_portable (self);
    else
        crc32c_init (self);
}

/*  RFC 3720, B.4, as numbers of the host.  */
static void the_published_examples (void **state)
{
    (void) state;
    for (int portable = 0; portable < 2; portable++) {
        crc32c_t table;
        init (&table, portable);
        uint8_t bytes[32] = {0};
        assert_int_equal (crc32c_of (&table, plv_view (bytes, 32)), 0x8a9136aa);
        memset (bytes, 0xff, 32);
        assert_int_equal (crc32c_of (&table, plv_view (bytes, 32)), 0x62a8ab43);
        for (int i = 0; i < 32; i++)
            bytes[i] = (uint8_t) i;
        assert_int_equal (crc32c_of (&table, plv_view (bytes, 32)), 0x46dd794e);
        assert_int_equal (crc32c_of (&table, plv_view_str ("123456789")), 0xe3069283);
    }
}

static void every_length_and_every_bit_counts (void **state)
{
    (void) state;
    crc32c_t table;
    crc32c_init (&table);
    uint8_t bytes[40] = {0};
    for (size_t size = 1; size <= sizeof bytes; size++) {
        uint32_t before = crc32c_of (&table, plv_view (bytes, size));
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
            assert_int_not_equal (crc32c_of (&table, plv_view (bytes, size)), before);
            bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
        }
    }
}

/*  A file may be written on one machine and read on another.  */
static void with_and_without_the_instruction_it_is_the_same (void **state)
{
    (void) state;
    crc32c_t best, portable;
    crc32c_init (&best);
    crc32c_init_portable (&portable);
    plv_rng_t rng = plv_rng_seed (12);
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t) plv_rng_next (&rng);
    for (int round = 0; round < 2000; round++) {
        size_t from = plv_rng_below (&rng, 50), size = plv_rng_below (&rng, 500);
        size_t cut = plv_rng_below (&rng, size + 1);
        uint32_t whole = crc32c_of (&best, plv_view (bytes + from, size));
        assert_int_equal (whole, crc32c_of (&portable, plv_view (bytes + from, size)));
        uint32_t pieces = crc32c_of (&best, plv_view (bytes + from, cut));
        pieces = crc32c_add (&portable, pieces, plv_view (bytes + from + cut, size - cut));
        assert_int_equal (whole, pieces);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_published_examples),
        cmocka_unit_test (every_length_and_every_bit_counts),
        cmocka_unit_test (with_and_without_the_instruction_it_is_the_same),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
