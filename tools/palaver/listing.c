#include "palaver/listing.h"

ending_t listing_end (const call_t *call, size_t rows, uint64_t filters, const char *things)
{
    if (rows)
        return END_OK;
    if (call->given & filters) {
        say ("no %s pass the filters", things);
        return END_NOTHING;
    }
    if (!call->out.json)
        say ("no %s%s", call_has (call, OPTION_AFTER) ? "more " : "", things);
    return END_OK;
}
