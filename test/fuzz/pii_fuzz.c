/*  pii_fuzz -- any bytes as a text with personal data
    What was hidden comes back byte for byte, in one piece or as a growing text.  */

#include "advisor/claude/pii.h"
#include "base/check.h"
#include "wire/mp.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    pii_t pii = {0};
    plv_buf_t hidden = {0}, shown = {0}, grown = {0};
    plv_view_t text = plv_view (data, size);
    pii_hide (&pii, text, &hidden);
    if (pii.count < PII_ITEMS_MAX) {
        pii_show (&pii, plv_buf_view (&hidden), &shown);
        CHECK (plv_view_equal (plv_buf_view (&shown), text), "it comes back");
        CHECK (!plv_utf8_valid (text) || plv_utf8_valid (plv_buf_view (&hidden)),
               "UTF-8 stays UTF-8");
    }
    plv_buf_t waiting = {0};
    for (size_t at = 0; at < hidden.size; at++) {
        plv_buf_add_u8 (&waiting, hidden.data[at]);
        size_t held = at + 1 < hidden.size ? pii_open_end (plv_buf_view (&waiting)) : 0;
        size_t ready = waiting.size - held;
        pii_show (&pii, plv_view (waiting.data, ready), &grown);
        memmove (waiting.data, waiting.data + ready, held);
        waiting.size = held;
    }
    CHECK (pii.count == PII_ITEMS_MAX || plv_view_equal (plv_buf_view (&grown), text),
           "it comes back as it grows");
    plv_buf_free (&waiting);
    plv_buf_free (&hidden);
    plv_buf_free (&shown);
    plv_buf_free (&grown);
    pii_free (&pii);
    return 0;
}
