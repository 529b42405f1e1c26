#include "palaver/interrupt.h"
#include "palaver/new_file.h"
#include "palaver/replay/edit.h"
#include "palaver/replay/plan.h"
#include "palaver/replay/shadow.h"
#include "wire/mp.h"

#include <string.h>

static const char set_key[] = "message_text=";

/*  A broker of an older version passes over arguments that it does not know, and would send what is only to be tried.
    Letter 0 is none: asked about it, a broker shows whether it knows them.  */
static ending_t check_broker (const sending_t *sending, asker_t *asker, bool trial)
{
    plv_buf_t arguments = {0};
    plv_view_t body = {0};
    plv_mp_t value;
    if (!trial && !sending->to && !sending->text)
        return END_OK;
    plv_mp_put_map (&arguments, trial ? 2 : 1);
    plv_mp_put_text (&arguments, "numbers");
    plv_mp_put_array (&arguments, 1);
    plv_mp_put_u64 (&arguments, 0);
    if (trial) {
        plv_mp_pair_bool (&arguments, "shadow", true);
    }
    asker->quiet = true;
    ending_t end = ask (asker, "dead.replay", &arguments, &body);
    asker->quiet = false;
    plv_buf_free (&arguments);
    if (end == END_UNREACHABLE || plv_mp_find (body, trial ? "failed" : "done_numbers", &value))
        return end == END_UNREACHABLE ? end : END_OK;
    say ("the broker is of an older version, and does not know %s; nothing was done",
         trial ? "--shadow" : "--to, --set and --edit");
    return END_PARTLY;
}

static ending_t send_now (const call_t *call, sending_t *sending, asker_t *asker,
                          const letters_t *letters)
{
    tally_t tally = {.missing = letters->missing, .unknown = letters->unknown};
    ending_t end = letters_confirm (call, letters->count, "send again");
    if (end)
        return end;
    if (call_has (call, OPTION_DRY_RUN))
        tally.done = letters->count;
    else
        end = send_again (sending, asker, letters, &tally);
    return send_again_report (call, &tally, "replayed", end);
}

/*  The text of the one letter, changed by whoever sits there.  */
static ending_t edit_letter (sending_t *sending, asker_t *asker, const letters_t *letters,
                             plv_buf_t *text)
{
    plv_view_t letter, message = {0};
    plv_mp_t body;
    if (letters->count != 1) {
        say ("--edit takes one letter, not %zu; --set gives many the same text", letters->count);
        return END_USAGE;
    }
    ending_t end = letters_show (asker, letters->list[0].number, &letter);
    if (end)
        return end;
    if (plv_mp_find (letter, "body", &body) && plv_mp_skip (&body, &letter))
        message = plv_mp_find_str (letter, "message_text");
    if (!message.size) {
        say ("this letter is no message with a text");
        return END_PARTLY;
    }
    plv_buf_add_view (text, message);
    plv_buf_check (text);
    end = edit_text (text);
    if (!end)
        sending->text = (const char *) text->data;
    return end;
}

static ending_t replay (const call_t *call, sending_t *sending, asker_t *asker)
{
    letters_t letters;
    plv_buf_t text = {0};
    bool trial = call_has (call, OPTION_SHADOW);
    ending_t end = letters_choose (call, asker, !sending->allow_duplicates && !trial, &letters);
    if (end)
        return end;
    if (call_has (call, OPTION_EDIT))
        end = edit_letter (sending, asker, &letters, &text);
    if (!end)
        end = check_broker (sending, asker, trial);
    if (!end && trial)
        end = shadow (sending, asker, &letters);
    else if (!end)
        end = send_now (call, sending, asker, &letters);
    plv_buf_free (&text);
    letters_free (&letters);
    return end;
}

/*  The file is looked at first: what is wrong with it is wrong whether there is a broker or not.  */
static ending_t apply (sending_t *sending, const char *path)
{
    asker_t asker;
    plan_t plan;
    ending_t end = plan_open (path, &plan);
    if (end)
        return end;
    end = asker_open (&asker, sending->call, 10);
    if (!end) {
        end = plan_apply (sending, &asker, &plan, path);
        asker_close (&asker);
    }
    plan_close (&plan);
    return end;
}

static ending_t make_plan (sending_t *sending, const char *path)
{
    asker_t asker;
    ending_t end = call_has (sending->call, OPTION_DRY_RUN) ? END_OK : new_file_check (path);
    if (!end)
        end = asker_open (&asker, sending->call, 10);
    if (end)
        return end;
    end = plan_make (sending, &asker, path);
    asker_close (&asker);
    return end;
}

/*  Options that have no meaning beside each other.  */
static ending_t check (const call_t *call)
{
    static const uint64_t with_apply = WITH_RATE | WITH_CONCURRENCY | WITH_APPLY | WITH_DRY_RUN
                                       | WITH_WHO | WITH_YES | CONNECTS | ALWAYS;
    const char *set = call_text (call, OPTION_SET, set_key);
    if (call_has (call, OPTION_APPLY) && (call->given & ~with_apply || call->operand_count))
        say (
            "--apply does what stands in the plan: only --rate, --concurrency, --who and --dry-run "
            "go with it");
    else if (strncmp (set, set_key, sizeof set_key - 1) != 0)
        say ("--set %s: only message_text=TEXT can be set", set);
    else if (call_has (call, OPTION_SET) && !set[sizeof set_key - 1])
        say ("--set %s: the text is empty; nothing was done", set_key);
    else if (call_has (call, OPTION_SET) && call_has (call, OPTION_EDIT))
        say ("--set and --edit exclude each other");
    else if (call_has (call, OPTION_PLAN) && (call->given & (WITH_EDIT | WITH_SHADOW)))
        say ("--plan does not go with --edit or --shadow");
    else if (call_has (call, OPTION_SHADOW) && call_has (call, OPTION_DRY_RUN))
        say ("--dry-run does nothing, and --shadow has agents work: they exclude each other");
    else
        return END_OK;
    return END_USAGE;
}

ending_t command_dead_replay (call_t *call)
{
    asker_t asker;
    const char *set = call_text (call, OPTION_SET, NULL);
    sending_t sending = {
        .call = call,
        .command = "dead.replay",
        .to = call_text (call, OPTION_TO, NULL),
        .text = set ? set + sizeof set_key - 1 : NULL,
        .allow_duplicates = call_has (call, OPTION_DUPLICATES),
        .per_second = call_number (call, OPTION_RATE, 0),
        .at_a_time = (size_t) call_number (call, OPTION_CONCURRENCY, 0),
    };
    ending_t end = check (call);
    if (end)
        return end;
    interrupt_begin ();
    if (call_has (call, OPTION_APPLY))
        return apply (&sending, call->text[OPTION_APPLY]);
    if (call_has (call, OPTION_PLAN))
        return make_plan (&sending, call->text[OPTION_PLAN]);
    end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = replay (call, &sending, &asker);
    asker_close (&asker);
    return end;
}
