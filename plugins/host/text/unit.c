#include "host/text/unit.h"

#include "base/utf8.h"

size_t text_size (plv_view_t text, pal_text_unit_t unit)
{
    size_t size = 0;
    if (unit == PAL_BYTES)
        return text.size;
    for (size_t at = 0; at < text.size;) {
        size_t step = plv_utf8_size (text.data + at, text.size - at);
        size += step == 4 && unit == PAL_UTF16_UNITS ? 2 : 1;
        at += step ? step : 1;
    }
    return size;
}
