#include "palaver/ask/ask.h"
#include "palaver/ask/filter.h"
#include "palaver/listing.h"
#include "wire/mp.h"

#include <inttypes.h>

static const column_t columns[] = {
    {.title = "COUNT", .key = "count", .kind = COLUMN_NUMBER},
    {.title = "FIRST", .key = "first_us", .kind = COLUMN_TIME, .spare = 3},
    {.title = "LAST", .key = "last_us", .kind = COLUMN_TIME, .spare = 6},
    {.title = "FINGERPRINT", .key = "fingerprint"},
    {.title = "REASON", .key = "reason", .spare = 5},
    {.title = "OUTCOME", .key = "outcome", .spare = 1},
    {.title = "CODE", .key = "code", .most = 16, .spare = 4},
    {.title = "ROUTE", .key = "route", .most = 16, .spare = 2},
    {.title = "WHY", .key = "why"},
};

enum { SHOWN = 100, GROUPS_MAX = 1000, TIMEOUT_S = 60 };

static ending_t ask_stats (const call_t *call, asker_t *asker, plv_view_t *ret_body)
{
    plv_buf_t arguments = {0};
    filter_t filter = filter_of (call);
    int64_t limit = call_number (call, OPTION_LIMIT, call->out.json ? GROUPS_MAX : SHOWN);
    plv_mp_put_map (&arguments, 1 + filter.count);
    plv_mp_pair_i64 (&arguments, "limit", limit < GROUPS_MAX ? limit : GROUPS_MAX);
    plv_buf_add_view (&arguments, plv_buf_view (&filter.pairs));
    ending_t end = ask (asker, "dead.stats", &arguments, ret_body);
    plv_buf_free (&arguments);
    filter_free (&filter);
    return end;
}

ending_t command_dead_stats (call_t *call)
{
    asker_t asker;
    plv_view_t body, item;
    plv_mp_t items;
    uint32_t count = 0;
    ending_t end = asker_open (&asker, call, TIMEOUT_S);
    if (end)
        return end;
    table_t table = table_new (&call->out, columns, sizeof columns / sizeof *columns);
    end = ask_stats (call, &asker, &body);
    if (!end && plv_mp_find (body, "items", &items) && plv_mp_array (&items, &count)) {
        while (count-- && plv_mp_skip (&items, &item))
            table_add (&table, item);
        table_flush (&table);
        if (table.total < ask_number (body, "groups"))
            say ("these are the largest %zu of %" PRIu64 " groups", table.total,
                 ask_number (body, "groups"));
    }
    if (!end)
        end = listing_end (call, table.total, SELECTS, "dead letters");
    table_free (&table);
    asker_close (&asker);
    return end;
}
