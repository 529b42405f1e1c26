#include "palaver/ask/each_session.h"

ending_t command_agents_drain (call_t *call)
{
    return each_named (call, "agents.drain", "name",
                       "gets no new jobs, and leaves when it holds none");
}
