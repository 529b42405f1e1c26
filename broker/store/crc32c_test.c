#include "store/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/*  RFC 3720, B.4, as numbers of the host.  */
static void the_published_examples (void **state)
{
    (void) state;
    crc32c_t table;
    crc32c_init (&table);
    uint8_t bytes[32] = {0};
    assert_int_equal (crc32c_of (&table, plv_view (bytes, 32)), 0x8a9136aa);
    memset (bytes, 0xff, 32);
    assert_int_equal (crc32c_of (&table, plv_view (bytes, 32)), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t) i;
    assert_int_equal (crc32c_of (&table, plv_view (bytes, 32)), 0x46dd794e);
    assert_int_equal (crc32c_of (&table, plv_view_str ("123456789")), 0xe3069283);
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

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_published_examples),
        cmocka_unit_test (every_length_and_every_bit_counts),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
