#include "palaver/each_session.h"

#include "wire/mp.h"

static ending_t ask_one (const call_t *call, asker_t *asker, const char *command,
                         const char *session)
{
    plv_buf_t arguments = {0};
    plv_mp_put_map (&arguments, 2);
    plv_mp_put_text (&arguments, "session");
    plv_mp_put_text (&arguments, session);
    plv_mp_put_text (&arguments, "who");
    plv_mp_put_text (&arguments, call_who (call));
    ending_t end = ask (asker, command, &arguments, NULL);
    plv_buf_free (&arguments);
    return end;
}

static void report (const call_t *call, const char *session, const char *words)
{
    plv_buf_t map = {0};
    if (!call->out.json) {
        say ("%s %s", session, words);
        return;
    }
    plv_mp_put_map (&map, 2);
    plv_mp_put_text (&map, "session_id");
    plv_mp_put_text (&map, session);
    plv_mp_put_text (&map, "status");
    plv_mp_put_text (&map, "success");
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

ending_t each_session (call_t *call, const char *command, const char *words)
{
    asker_t asker;
    size_t done = 0, unknown = 0;
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    for (size_t i = 0; i < call->operand_count && end != END_UNREACHABLE; i++) {
        end = ask_one (call, &asker, command, call->operands[i]);
        if (!end)
            report (call, call->operands[i], words);
        done += end ? 0 : 1;
        unknown += end == END_NOTHING ? 1 : 0;
    }
    asker_close (&asker);
    if (done == call->operand_count || end == END_UNREACHABLE)
        return end;
    return unknown == call->operand_count ? END_NOTHING : END_PARTLY;
}
