/*  crc32c -- the checksum of the journal (Castagnoli polynomial, RFC 3720 B.4)
    OWNS    its tables, by value
    THREAD  any, once made
    FAILS   never
    COST    an eighth of a nanosecond a byte where the processor has an instruction for it
            (crc32c_x86_64.c), under a nanosecond where it has not  */

#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include "base/view.h"

enum { CRC32C_LANES = 8 };

typedef struct {
    bool hardware;
    uint32_t table[CRC32C_LANES][256];
} crc32c_t;

void crc32c_init (crc32c_t *self);
uint32_t crc32c_of (const crc32c_t *self, plv_view_t bytes);

/*  The checksum of what `crc` is of, followed by `bytes`; 0: of nothing.  */
uint32_t crc32c_add (const crc32c_t *self, uint32_t crc, plv_view_t bytes);

/*  Without the instruction, for the tests too.  */
void crc32c_init_portable (crc32c_t *self);

/*  crc32c_x86_64.c, crc32c_generic.c; `crc` as it is between two steps, not yet complemented.  */
bool crc32c_hardware_there (void);
uint32_t crc32c_hardware_step (uint32_t crc, plv_view_t bytes);

#endif
