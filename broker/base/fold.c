#include "base/fold.h"

enum { FOLD_SECOND = 0x80, FOLD_THIRD = 0x800, FOLD_FOURTH = 0x10000 };

/*  Ranges of capital letters: `step` 1 adds `add` to each; 2 does so to every second one, from the
    first on. From Unicode's CaseFolding.txt, status C and S.  */
typedef struct {
    uint16_t first;
    uint16_t last;
    uint16_t step;
    int16_t add;
} fold_range_t;

static const fold_range_t RANGES[] = {
    {0xb5, 0xb5, 1, 0x3bc - 0xb5},
    {0xc0, 0xd6, 1, 32},
    {0xd8, 0xde, 1, 32},
    {0x100, 0x12e, 2, 1},
    {0x132, 0x136, 2, 1},
    {0x139, 0x147, 2, 1},
    {0x14a, 0x176, 2, 1},
    {0x178, 0x178, 1, 0xff - 0x178},
    {0x179, 0x17d, 2, 1},
    {0x17f, 0x17f, 1, 's' - 0x17f},
    {0x181, 0x181, 1, 210},
    {0x182, 0x184, 2, 1},
    {0x186, 0x186, 1, 206},
    {0x187, 0x187, 1, 1},
    {0x189, 0x18a, 1, 205},
    {0x18b, 0x18b, 1, 1},
    {0x18e, 0x18e, 1, 79},
    {0x18f, 0x18f, 1, 202},
    {0x190, 0x190, 1, 203},
    {0x191, 0x191, 1, 1},
    {0x193, 0x193, 1, 205},
    {0x194, 0x194, 1, 207},
    {0x196, 0x196, 1, 211},
    {0x197, 0x197, 1, 209},
    {0x198, 0x198, 1, 1},
    {0x19c, 0x19c, 1, 211},
    {0x19d, 0x19d, 1, 213},
    {0x19f, 0x19f, 1, 214},
    {0x1a0, 0x1a4, 2, 1},
    {0x1a6, 0x1a6, 1, 218},
    {0x1a7, 0x1a7, 1, 1},
    {0x1a9, 0x1a9, 1, 218},
    {0x1ac, 0x1ac, 1, 1},
    {0x1ae, 0x1ae, 1, 218},
    {0x1af, 0x1af, 1, 1},
    {0x1b1, 0x1b2, 1, 217},
    {0x1b3, 0x1b5, 2, 1},
    {0x1b7, 0x1b7, 1, 219},
    {0x1b8, 0x1b8, 1, 1},
    {0x1bc, 0x1bc, 1, 1},
    {0x1c4, 0x1c4, 1, 2},
    {0x1c5, 0x1c5, 1, 1},
    {0x1c7, 0x1c7, 1, 2},
    {0x1c8, 0x1c8, 1, 1},
    {0x1ca, 0x1ca, 1, 2},
    {0x1cb, 0x1db, 2, 1},
    {0x1de, 0x1ee, 2, 1},
    {0x1f1, 0x1f1, 1, 2},
    {0x1f2, 0x1f4, 2, 1},
    {0x1f6, 0x1f6, 1, -97},
    {0x1f7, 0x1f7, 1, -56},
    {0x1f8, 0x21e, 2, 1},
    {0x220, 0x220, 1, -130},
    {0x222, 0x232, 2, 1},
    {0x23b, 0x23b, 1, 1},
    {0x23d, 0x23d, 1, -163},
    {0x241, 0x241, 1, 1},
    {0x243, 0x243, 1, -195},
    {0x244, 0x244, 1, 69},
    {0x245, 0x245, 1, 71},
    {0x246, 0x24e, 2, 1},
    {0x370, 0x372, 2, 1},
    {0x376, 0x376, 1, 1},
    {0x37f, 0x37f, 1, 116},
    {0x386, 0x386, 1, 38},
    {0x388, 0x38a, 1, 37},
    {0x38c, 0x38c, 1, 64},
    {0x38e, 0x38f, 1, 63},
    {0x391, 0x3a1, 1, 32},
    {0x3a3, 0x3ab, 1, 32},
    {0x3c2, 0x3c2, 1, 1},
    {0x3cf, 0x3cf, 1, 8},
    {0x3d0, 0x3d0, 1, 0x3b2 - 0x3d0},
    {0x3d1, 0x3d1, 1, 0x3b8 - 0x3d1},
    {0x3d5, 0x3d5, 1, 0x3c6 - 0x3d5},
    {0x3d6, 0x3d6, 1, 0x3c0 - 0x3d6},
    {0x3d8, 0x3ee, 2, 1},
    {0x3f0, 0x3f0, 1, 0x3ba - 0x3f0},
    {0x3f1, 0x3f1, 1, 0x3c1 - 0x3f1},
    {0x3f4, 0x3f4, 1, 0x3b8 - 0x3f4},
    {0x3f5, 0x3f5, 1, 0x3b5 - 0x3f5},
    {0x3f7, 0x3f7, 1, 1},
    {0x3f9, 0x3f9, 1, -7},
    {0x3fa, 0x3fa, 1, 1},
    {0x3fd, 0x3ff, 1, -130},
    {0x400, 0x40f, 1, 80},
    {0x410, 0x42f, 1, 32},
    {0x460, 0x480, 2, 1},
    {0x48a, 0x4be, 2, 1},
    {0x4c0, 0x4c0, 1, 15},
    {0x4c1, 0x4cd, 2, 1},
    {0x4d0, 0x52e, 2, 1},
    {0x531, 0x556, 1, 48},
    {0x1e00, 0x1e94, 2, 1},
    {0x1e9b, 0x1e9b, 1, 0x1e61 - 0x1e9b},
    {0x1e9e, 0x1e9e, 1, 0xdf - 0x1e9e},
    {0x1ea0, 0x1efe, 2, 1},
};

static uint32_t fold_case (uint32_t character)
{
    if (character < FOLD_SECOND)
        return character - 'A' < 26 ? character + 32 : character;
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES && character >= RANGES[i].first; i++) {
        const fold_range_t *range = &RANGES[i];
        if (character <= range->last)
            return (character - range->first) % range->step
                       ? character
                       : (uint32_t) ((int32_t) character + range->add);
    }
    return character;
}

/*  How many bytes a character has that begins with this one; 0 when none does.  */
static size_t fold_length (uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

static bool fold_decode (const uint8_t *bytes, size_t length, uint32_t *ret_character)
{
    static const uint32_t least[] = {0, 0, FOLD_SECOND, FOLD_THIRD, FOLD_FOURTH};
    uint32_t character = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return false;
        character = character << 6 | (bytes[i] & 0x3f);
    }
    if (character < least[length] || character >= PLV_FOLD_RAW
        || (character >= 0xd800 && character < 0xe000))
        return false;
    *ret_character = character;
    return true;
}

/*  As it stands there, not folded; `*at` moves behind it.  */
static uint32_t fold_read (plv_view_t text, size_t *at)
{
    const uint8_t *bytes = text.data + *at;
    size_t length = fold_length (*bytes);
    uint32_t character;
    if (length == 0 || length > text.size - *at || !fold_decode (bytes, length, &character)) {
        *at += 1;
        return PLV_FOLD_RAW + *bytes;
    }
    *at += length;
    return character;
}

uint32_t plv_fold_next (plv_view_t text, size_t *at)
{
    return fold_case (fold_read (text, at));
}

bool plv_fold_is_capital (plv_view_t text)
{
    size_t at = 0;
    uint32_t character = text.size ? fold_read (text, &at) : 0;
    return fold_case (character) != character;
}

void plv_fold_put (plv_buf_t *buf, uint32_t character)
{
    if (character < FOLD_SECOND) {
        plv_buf_add_u8 (buf, (uint8_t) character);
    } else if (character >= PLV_FOLD_RAW) {
        plv_buf_add_u8 (buf, (uint8_t) (character - PLV_FOLD_RAW));
    } else {
        int more = character < FOLD_THIRD ? 1 : character < FOLD_FOURTH ? 2 : 3;
        plv_buf_add_u8 (buf, (uint8_t) (0xf00 >> (more + 1) | character >> 6 * more));
        while (more-- > 0)
            plv_buf_add_u8 (buf, (uint8_t) (0x80 | (character >> 6 * more & 0x3f)));
    }
}

bool plv_fold_is_space (uint32_t character)
{
    if (character < FOLD_SECOND)
        return character == ' ' || (character >= '\t' && character <= '\r');
    return character == 0x85 || character == 0xa0 || character == 0x1680
           || (character >= 0x2000 && character <= 0x200a) || character == 0x2028
           || character == 0x2029 || character == 0x202f || character == 0x205f
           || character == 0x3000;
}

bool plv_fold_is_word (uint32_t character)
{
    if (character < FOLD_SECOND)
        return (character | 32) - 'a' < 26 || character - '0' < 10;
    if (character < 0xc0)
        return character == 0xaa || character == 0xb5 || character == 0xba;
    return character != 0xd7 && character != 0xf7 && character != 0x1680
           && !(character >= 0x2000 && character < 0x2c00) /* punctuation, signs, arrows */
           && !(character >= 0x3000 && character < 0x3005) /* of East Asia */
           && !(character >= 0x3008 && character < 0x3021)
           && !(character >= 0x1f000 && character < 0x1fb00) /* emoji */
           && character < PLV_FOLD_RAW;
}

void plv_fold_normal (plv_buf_t *buf, plv_view_t text)
{
    size_t begin = buf->size;
    bool space = false;
    if (!plv_buf_reserve (buf, text.size))
        return;
    for (size_t at = 0; at < text.size;) {
        uint32_t character = plv_fold_next (text, &at);
        if (plv_fold_is_space (character)) {
            space = true;
            continue;
        }
        if (space && buf->size > begin)
            plv_buf_add_u8 (buf, ' ');
        space = false;
        plv_fold_put (buf, character);
    }
}
