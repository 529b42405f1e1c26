/*  bytes -- fixed-width numbers in network byte order
    OWNS    nothing
    THREAD  any
    FAILS   never; the caller has checked the length
    COST    one load or store  */

#ifndef PLV_BASE_BYTES_H
#define PLV_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void plv_put_u16 (uint8_t *at, uint16_t value)
{
    value = __builtin_bswap16 (value);
    memcpy (at, &value, sizeof value);
}

static inline void plv_put_u32 (uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32 (value);
    memcpy (at, &value, sizeof value);
}

static inline void plv_put_u64 (uint8_t *at, uint64_t value)
{
    value = __builtin_bswap64 (value);
    memcpy (at, &value, sizeof value);
}

static inline uint16_t plv_get_u16 (const uint8_t *at)
{
    uint16_t value;
    memcpy (&value, at, sizeof value);
    return __builtin_bswap16 (value);
}

static inline uint32_t plv_get_u32 (const uint8_t *at)
{
    uint32_t value;
    memcpy (&value, at, sizeof value);
    return __builtin_bswap32 (value);
}

static inline uint64_t plv_get_u64 (const uint8_t *at)
{
    uint64_t value;
    memcpy (&value, at, sizeof value);
    return __builtin_bswap64 (value);
}

#endif
