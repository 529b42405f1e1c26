#include "palaver/ask/ask.h"
#include "palaver/interrupt.h"
#include "palaver/replay/letters.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

typedef struct {
    uint64_t discarded;
    uint64_t in_hand;
} count_t;

static void put (plv_buf_t *map, const char *key, const char *text, uint32_t *count)
{
    if (!text)
        return;
    plv_mp_pair_text (map, key, text);
    ++*count;
}

static ending_t ask_once (const call_t *call, asker_t *asker, bool dry_run, plv_view_t *ret_body)
{
    plv_buf_t pairs = {0}, arguments = {0};
    uint32_t count = 1;
    put (&pairs, "session", call_text (call, OPTION_SESSION, NULL), &count);
    put (&pairs, "route", call_text (call, OPTION_ROUTE, NULL), &count);
    put (&pairs, "adapter", call_text (call, OPTION_ADAPTER, NULL), &count);
    put (&pairs, "reason", call_text (call, OPTION_WHY, NULL), &count);
    put (&pairs, "who", call_who (call), &count);
    plv_mp_pair_bool (&pairs, "dry_run", dry_run);
    plv_mp_put_map (&arguments, count);
    plv_buf_add_view (&arguments, plv_buf_view (&pairs));
    ending_t end = ask (asker, "events.discard", &arguments, ret_body);
    plv_buf_free (&pairs);
    plv_buf_free (&arguments);
    return end;
}

/*  Step by step, until none waits any more.  */
static ending_t discard (const call_t *call, asker_t *asker, count_t *count)
{
    plv_view_t body;
    uint64_t left = 1;
    while (left && !interrupt_seen ()) {
        ending_t end = ask_once (call, asker, false, &body);
        if (end)
            return end;
        count->discarded += ask_number (body, "done");
        count->in_hand = ask_number (body, "in_hand");
        left = ask_number (body, "left");
    }
    if (left)
        say ("interrupted: %llu more wait, and the same command goes on with them",
             (unsigned long long) left);
    return left ? END_PARTLY : END_OK;
}

static void report (const call_t *call, const count_t *count)
{
    plv_buf_t map = {0};
    if (call->out.json) {
        plv_mp_put_map (&map, 2);
        plv_mp_pair_u64 (&map, "discarded", count->discarded);
        plv_mp_pair_u64 (&map, "in_hand", count->in_hand);
        out_json (plv_buf_view (&map));
        plv_buf_free (&map);
        return;
    }
    say ("%llu event%s and replies %s among the dead letters",
         (unsigned long long) count->discarded, text_s (count->discarded),
         call_has (call, OPTION_DRY_RUN) ? "would be" : "are");
    if (count->in_hand)
        say ("%llu more %s with a worker or an adapter, and left as they are",
             (unsigned long long) count->in_hand, count->in_hand == 1 ? "is" : "are");
}

static ending_t run (const call_t *call, asker_t *asker)
{
    count_t count = {0};
    plv_view_t body;
    ending_t end = ask_once (call, asker, true, &body);
    if (end)
        return end;
    count.in_hand = ask_number (body, "in_hand");
    uint64_t waiting = ask_number (body, "done");
    end = letters_confirm_of (call, waiting, "discard", "pending event");
    if (end)
        return end;
    if (call_has (call, OPTION_DRY_RUN))
        count.discarded = waiting;
    else
        end = discard (call, asker, &count);
    report (call, &count);
    return !end && count.discarded == 0 ? END_NOTHING : end;
}

ending_t command_events_discard (call_t *call)
{
    asker_t asker;
    if (!call_has (call, OPTION_SESSION) && !call_has (call, OPTION_ROUTE)
        && !call_has (call, OPTION_ADAPTER)) {
        say ("say whose: --session, --route or --adapter");
        return END_USAGE;
    }
    interrupt_begin ();
    ending_t end = asker_open (&asker, call, 60);
    if (end)
        return end;
    end = run (call, &asker);
    asker_close (&asker);
    return end;
}
