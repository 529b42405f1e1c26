#include "palaver/ask/each_session.h"

ending_t command_sessions_reset (call_t *call)
{
    return each_session (call, "sessions.reset", "is ended; its next message begins a new session");
}
