#include "base/limits.h"
#include "palaver/ask/ask.h"
#include "palaver/show/table.h"

ending_t command_agents_list (call_t *call)
{
    static const column_t columns[] = {
        {.title = "NAME", .key = "name", .most = NAME_BYTES_MAX},
        {.title = "SERVICES", .key = "services", .kind = COLUMN_LIST, .most = 40, .spare = 5},
        {.title = "STATE", .key = "state"},
        {.title = "SILENT S", .key = "silent_s", .kind = COLUMN_NUMBER, .spare = 3},
        {.title = "DRAINED BY", .key = "drained_by", .most = 16, .spare = 1},
        {.title = "HELD", .key = "held", .kind = COLUMN_NUMBER},
        {.title = "CREDIT", .key = "credit", .kind = COLUMN_NUMBER, .spare = 4},
        {.title = "PID", .key = "pid", .kind = COLUMN_NUMBER, .spare = 2},
        {.title = "BUILD", .key = "build"},
    };
    return ask_items (call, "agents.list", columns, sizeof columns / sizeof *columns,
                      "connected workers");
}
