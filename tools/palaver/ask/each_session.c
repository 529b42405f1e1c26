#include "palaver/ask/each_session.h"

#include "wire/mp.h"

#include <string.h>

static ending_t ask_one (const call_t *call, asker_t *asker, const char *command, const char *key,
                         const char *name)
{
    plv_buf_t arguments = {0};
    const char *why = call_text (call, OPTION_WHY, NULL);
    plv_mp_put_map (&arguments, why ? 3 : 2);
    plv_mp_put_text (&arguments, key);
    plv_mp_put_text (&arguments, name);
    if (why) {
        plv_mp_pair_text (&arguments, "reason", why);
    }
    plv_mp_pair_text (&arguments, "who", call_who (call));
    ending_t end = ask (asker, command, &arguments, NULL);
    plv_buf_free (&arguments);
    return end;
}

static void report (const call_t *call, const char *key, const char *name, const char *words)
{
    plv_buf_t map = {0};
    if (!call->out.json) {
        say ("%s %s", name, words);
        return;
    }
    plv_mp_put_map (&map, 2);
    plv_mp_put_text (&map, strcmp (key, "session") == 0 ? "session_id" : key);
    plv_mp_put_text (&map, name);
    plv_mp_put_text (&map, "status");
    plv_mp_put_text (&map, "success");
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

ending_t each_named (call_t *call, const char *command, const char *key, const char *words)
{
    asker_t asker;
    size_t done = 0, unknown = 0;
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    for (size_t i = 0; i < call->operand_count && end != END_UNREACHABLE; i++) {
        end = ask_one (call, &asker, command, key, call->operands[i]);
        if (!end)
            report (call, key, call->operands[i], words);
        done += end ? 0 : 1;
        unknown += end == END_NOTHING ? 1 : 0;
    }
    asker_close (&asker);
    if (done == call->operand_count || end == END_UNREACHABLE)
        return end;
    return unknown == call->operand_count ? END_NOTHING : END_PARTLY;
}

ending_t each_session (call_t *call, const char *command, const char *words)
{
    return each_named (call, command, "session", words);
}
