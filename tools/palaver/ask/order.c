#include "palaver/ask/order.h"

#include "wire/mp.h"

static ending_t order_one (asker_t *asker, const call_t *call, const char *command,
                           const char *name, const char *done)
{
    plv_buf_t arguments = {0};
    plv_view_t body;
    plv_mp_put_map (&arguments, 1);
    plv_mp_pair_text (&arguments, "name", name);
    plv_buf_check (&arguments);
    ending_t end = ask (asker, command, &arguments, &body);
    plv_buf_free (&arguments);
    if (!end && call->out.json)
        out_json (body);
    else if (!end)
        say ("%s %s", name, done);
    return end;
}

ending_t order_each (call_t *call, const char *command, const char *done)
{
    asker_t asker;
    size_t good = 0, unknown = 0;
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    for (size_t i = 0; i < call->operand_count && end != END_UNREACHABLE; i++) {
        end = order_one (&asker, call, command, call->operands[i], done);
        good += end ? 0 : 1;
        unknown += end == END_NOTHING ? 1 : 0;
    }
    asker_close (&asker);
    if (good == call->operand_count || end == END_UNREACHABLE)
        return end;
    return unknown == call->operand_count ? END_NOTHING : END_PARTLY;
}
