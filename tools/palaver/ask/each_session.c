#include "palaver/ask/each_session.h"

#include "palaver/show/text.h"
#include "wire/mp.h"

#include <string.h>

static ending_t ask_one (const call_t *call, asker_t *asker, const char *command, const char *key,
                         const char *name, plv_view_t *ret_body)
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
    ending_t end = ask (asker, command, &arguments, ret_body);
    plv_buf_free (&arguments);
    return end;
}

/*  It was so already: only routes say that.  */
static bool is_unchanged (plv_view_t body)
{
    plv_mp_t value;
    bool changed = true;
    return plv_mp_find (body, "changed", &value) && plv_mp_bool (&value, &changed) && !changed;
}

static void report_json (const char *key, const char *name, plv_view_t body)
{
    plv_buf_t map = {0};
    plv_view_t who = plv_mp_find_str (body, "paused_by");
    plv_mp_put_map (&map, who.size ? 5 : 2);
    plv_mp_put_text (&map, strcmp (key, "session") == 0 ? "session_id" : key);
    plv_mp_put_text (&map, name);
    plv_mp_pair_text (&map, "status", is_unchanged (body) ? "unchanged" : "success");
    if (who.size) {
        plv_mp_pair_str (&map, "paused_by", who);
        plv_mp_pair_u64 (&map, "paused_us", ask_number (body, "paused_us"));
        plv_mp_pair_str (&map, "why", plv_mp_find_str (body, "why"));
    }
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

static void say_unchanged (const char *name, plv_view_t body)
{
    plv_view_t who = plv_mp_find_str (body, "paused_by"), why = plv_mp_find_str (body, "why");
    char since[TEXT_TIME_BYTES];
    text_time ((int64_t) ask_number (body, "paused_us"), false, since);
    if (who.size)
        say ("%s is paused already, since %s by " PLV_VIEW_FMT "%s" PLV_VIEW_FMT
             "; that stays on the record",
             name, since, PLV_VIEW_ARG (who), why.size ? ": " : "", PLV_VIEW_ARG (why));
    else
        say ("%s is not paused", name);
}

static void report (const call_t *call, const char *key, const char *name, const char *words,
                    plv_view_t body)
{
    if (call->out.json)
        report_json (key, name, body);
    else if (is_unchanged (body))
        say_unchanged (name, body);
    else
        say ("%s %s", name, words);
}

ending_t each_named (call_t *call, const char *command, const char *key, const char *words)
{
    asker_t asker;
    plv_view_t body;
    size_t done = 0, unknown = 0;
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    for (size_t i = 0; i < call->operand_count && end != END_UNREACHABLE; i++) {
        end = ask_one (call, &asker, command, key, call->operands[i], &body);
        if (!end)
            report (call, key, call->operands[i], words, body);
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
