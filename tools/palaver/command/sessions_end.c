#include "palaver/ask/each_session.h"

ending_t command_sessions_end (call_t *call)
{
    return each_session (call, "sessions.end",
                         "is ended by an operator; its next message begins a new session");
}
