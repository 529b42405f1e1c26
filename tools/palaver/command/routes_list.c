#include "palaver/ask/ask.h"
#include "palaver/show/table.h"

ending_t command_routes_list (call_t *call)
{
    static const column_t columns[] = {
        {.title = "NAME", .key = "name"},
        {.title = "SERVICE", .key = "service", .spare = 4},
        {.title = "BREAKER", .key = "breaker"},
        {.title = "PAUSED BY", .key = "paused_by", .most = 16, .spare = 2},
        {.title = "SINCE", .key = "paused_us", .kind = COLUMN_TIME, .spare = 1},
        {.title = "READY", .key = "ready", .kind = COLUMN_NUMBER, .spare = 6},
        {.title = "WAITING", .key = "waiting", .kind = COLUMN_NUMBER, .spare = 3},
        {.title = "WORKERS", .key = "workers", .kind = COLUMN_NUMBER, .spare = 5},
        {.title = "WHY", .key = "why"},
    };
    return ask_items (call, "routes.list", columns, sizeof columns / sizeof *columns, "routes");
}
