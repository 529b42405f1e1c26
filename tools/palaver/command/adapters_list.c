#include "palaver/ask/hosts.h"
#include "palaver/listing.h"
#include "wire/mp.h"

static const column_t columns[] = {
    {.title = "NAME", .key = "name"},
    {.title = "STATE", .key = "state"},
    {.title = "PLATFORM", .key = "platform", .spare = 1},
    {.title = "VERSION", .key = "version", .spare = 2},
    {.title = "PID", .key = "pid", .kind = COLUMN_NUMBER, .spare = 5},
    {.title = "UP S", .key = "uptime_s", .kind = COLUMN_NUMBER, .spare = 6},
    {.title = "RESTARTS", .key = "restarts", .kind = COLUMN_NUMBER},
    {.title = "NEXT S", .key = "next_s", .kind = COLUMN_NUMBER, .spare = 4},
    {.title = "IN/MIN", .key = "in_per_min", .kind = COLUMN_NUMBER, .spare = 8},
    {.title = "OUT/MIN", .key = "out_per_min", .kind = COLUMN_NUMBER, .spare = 7},
    {.title = "WAITING", .key = "waiting", .kind = COLUMN_NUMBER, .spare = 9},
    {.title = "HELD", .key = "held", .kind = COLUMN_NUMBER, .spare = 3},
    {.title = "WHY", .key = "why", .most = 60},
    {.title = "LAST FAILURE", .key = "last", .below = true},
};

static ending_t show (const call_t *call, plv_view_t body)
{
    table_t table = table_new (&call->out, columns, sizeof columns / sizeof *columns);
    plv_mp_t items;
    plv_view_t item;
    uint32_t left = 0;
    if (plv_mp_find (body, "items", &items))
        plv_mp_array (&items, &left);
    while (left-- && plv_mp_skip (&items, &item))
        table_add (&table, item);
    table_flush (&table);
    table_free (&table);
    return listing_end (call, table.total, 0, "adapters");
}

ending_t command_adapters_list (call_t *call)
{
    asker_t asker;
    plv_buf_t body = {0};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = hosts_ask (&asker, &body);
    if (!end)
        end = show (call, plv_buf_view (&body));
    plv_buf_free (&body);
    asker_close (&asker);
    return end;
}
