#include "store/crc32c.h"

#include <nmmintrin.h>

bool crc32c_hardware_there (void)
{
    return __builtin_cpu_supports ("sse4.2");
}

__attribute__ ((target ("sse4.2"))) uint32_t crc32c_hardware_step (uint32_t crc, plv_view_t bytes)
{
    uint64_t wide = crc, word;
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
        memcpy (&word, at, sizeof word);
        wide = _mm_crc32_u64 (wide, word);
    }
    crc = (uint32_t) wide;
    for (; left; left--)
        crc = _mm_crc32_u8 (crc, *at++);
    return crc;
}
