#include "palaver/ask/each_session.h"

ending_t command_agents_resume (call_t *call)
{
    return each_named (call, "agents.resume", "name", "gets jobs again");
}
