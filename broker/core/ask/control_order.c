#include "core/internal.h"

#include "base/format.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_dead.h"
#include "core/ask/control_order.h"
#include "core/dead/dead_retain.h"
#include "wire/mp.h"

/*  Commands about processes: the core has none, the shell carries them out and answers.  */

void control_order (core_t *self, const peer_t *peer, uint64_t request, int command,
                    plv_view_t arguments)
{
    ask_t *ask = control_ask_new (self, command);
    ask->peer = peer->number;
    ask->request = request;
    effects_order (self->effects, ask->token, (uint32_t) command, arguments);
}

void control_ordered (core_t *self, const input_t *input)
{
    ask_t *ask = plv_map_u64_remove (&self->asks, input->token);
    peer_t *peer = ask ? plv_map_u64_get (&self->peers, ask->peer) : NULL;
    char status[32];
    plv_buf_t body = {0};
    if (!ask)
        return;
    if (ask->command == COMMAND_RETAIN) {
        plv_view_t why = plv_mp_find_str (input->bytes, "text");
        retain_exported (self, ask, plv_mp_find_str (input->bytes, "file"),
                         input->fail.size && !why.size ? input->fail : why);
        control_ask_free (&ask);
        return;
    }
    plv_format (status, sizeof status, PLV_VIEW_FMT, PLV_VIEW_ARG (input->fail));
    plv_buf_add_view (&body, input->bytes);
    if (peer) /* a tool that is gone is not waited for */
        control_answer (self, peer, ask->request, input->fail.size ? status : "ok", &body);
    plv_buf_free (&body);
    control_ask_free (&ask);
}
