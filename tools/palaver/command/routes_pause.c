#include "palaver/ask/each_session.h"

ending_t command_routes_pause (call_t *call)
{
    return each_named (call, "routes.pause", "route",
                       "is paused: its events wait for: palaver routes resume");
}
