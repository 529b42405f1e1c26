#include "palaver/ask/each_session.h"

ending_t command_sessions_unpark (call_t *call)
{
    return each_session (call, "sessions.unpark", "is held by no dead letter any more");
}
