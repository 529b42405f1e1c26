/*  text_fuzz -- any bytes as an event's text, for each platform, cut anywhere
    The first bytes say which flavour, unit and length. Parts are valid, short enough, and nothing is lost.  */

#include "host/text/rules.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    pal_markdown_t flavour = (pal_markdown_t) (data[0] % 7);
    pal_text_unit_t unit = (pal_text_unit_t) (data[1] % 3);
    /*  Short ones more often: there is most to go wrong.  */
    uint32_t max = data[2] < 128 ? data[2] : (uint32_t) (data[2] - 127) * 16;
    rules_check (plv_view (data + 3, size - 3), flavour, unit, max);
    return 0;
}
