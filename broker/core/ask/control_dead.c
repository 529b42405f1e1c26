#include "core/ask/control_dead.h"

#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/dead/dead_import.h"
#include "core/dead/dead_list.h"
#include "core/dead/dead_show.h"
#include "core/dead/dead_stats.h"
#include "core/dead/dead_take.h"
#include "core/text.h"
#include "wire/mp.h"

static const ask_kind_t *const kinds[COMMAND_COUNT_] = {
    [COMMAND_DEAD_LIST] = &ask_dead_list,    [COMMAND_DEAD_SHOW] = &ask_dead_show,
    [COMMAND_DEAD_STATS] = &ask_dead_stats,  [COMMAND_DEAD_REPLAY] = &ask_dead_take,
    [COMMAND_DEAD_DISCARD] = &ask_dead_take, [COMMAND_DEAD_IMPORT] = &ask_dead_import,
};

void control_dead (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments)
{
    ask_t *ask = control_ask_new (self, kinds[command]);
    ask->command = command;
    control_ask_from (ask, peer, request);
    text_name (ask->who, plv_mp_find_str (arguments, "who"));
    text_name (ask->reason, plv_mp_find_str (arguments, "reason"));
    text_name (ask->plan, plv_mp_find_str (arguments, "plan"));
    text_name (ask->file, plv_mp_find_str (arguments, "file"));
    /* what is seen through an adapter is seen by whoever looks over somebody's shoulder */
    ask->masked = peer->from == FROM_ADAPTER || control_flag (arguments, "masked");
    ask->rows = !ask->masked && control_flag (arguments, "row");
    const char *why = ask->kind->start (self, ask, arguments);
    if (!why)
        return;
    control_fail (self, peer, request, ERR_ARG, "%s", why);
    control_finish (self, ask);
}
