#include "palaver/listing.h"

#include "palaver/interrupt.h"

ending_t listing_cut (ending_t end)
{
    if (end || !interrupt_seen ())
        return end;
    if (!interrupt_by_pipe ())
        say ("interrupted: there may be more");
    return END_PARTLY;
}

ending_t listing_end (const call_t *call, size_t rows, uint64_t filters, const char *things)
{
    if (interrupt_seen ())
        return listing_cut (END_OK);
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
