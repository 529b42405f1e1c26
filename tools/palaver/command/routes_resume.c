#include "palaver/ask/each_session.h"

ending_t command_routes_resume (call_t *call)
{
    return each_named (call, "routes.resume", "route", "goes on");
}
