#include "core/ask/control_order.h"

#include "base/format.h"
#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/internal.h"

/*  Commands about processes: the core has none, the shell carries them out and answers.  */

static void ordered (core_t *self, ask_t *ask, const input_t *input)
{
    peer_t *peer = control_asker (self, ask, "");
    char status[32];
    plv_buf_t body = {0};
    plv_format (status, sizeof status, PLV_VIEW_FMT, PLV_VIEW_ARG (input->fail));
    plv_buf_add_view (&body, input->bytes);
    if (peer)
        control_answer (self, peer, ask->request, input->fail.size ? status : "ok", &body);
    plv_buf_free (&body);
}

static const ask_kind_t ask_order = {.ordered = ordered};

void control_order (core_t *self, const peer_t *peer, uint64_t request, int command,
                    plv_view_t arguments)
{
    ask_t *ask = control_ask_new (self, &ask_order);
    control_ask_from (ask, peer, request);
    effects_order (self->effects, ask->token, (uint32_t) command, arguments);
}
