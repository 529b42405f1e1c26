#include "store/crc32c.h"

static const uint32_t polynomial_reflected = 0x82f63b78;

void crc32c_init_portable (crc32c_t *self)
{
    self->hardware = false;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ polynomial_reflected : value >> 1;
        self->table[0][i] = value;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int lane = 1; lane < CRC32C_LANES; lane++) {
            uint32_t value = self->table[lane - 1][i];
            self->table[lane][i] = value >> 8 ^ self->table[0][value & 0xff];
        }
}

void crc32c_init (crc32c_t *self)
{
    crc32c_init_portable (self);
    self->hardware = crc32c_hardware_there ();
}

static uint32_t load_u32 (const uint8_t *at)
{
    return at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16 | (uint32_t) at[3] << 24;
}

/*  Eight bytes a step, each through its own table, so that the loads do not wait for each
    other.  */
static uint32_t step (const crc32c_t *self, uint32_t crc, plv_view_t bytes)
{
    const uint32_t (*table)[256] = self->table;
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    for (; left >= CRC32C_LANES; at += CRC32C_LANES, left -= CRC32C_LANES) {
        uint32_t low = load_u32 (at) ^ crc;
        uint32_t high = load_u32 (at + 4);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff]
              ^ table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff]
              ^ table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
    }
    for (; left; left--)
        crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xff];
    return crc;
}

uint32_t crc32c_add (const crc32c_t *self, uint32_t crc, plv_view_t bytes)
{
    return ~(self->hardware ? crc32c_hardware_step (~crc, bytes) : step (self, ~crc, bytes));
}

uint32_t crc32c_of (const crc32c_t *self, plv_view_t bytes)
{
    return crc32c_add (self, 0, bytes);
}
