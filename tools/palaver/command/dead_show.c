#include "palaver/card.h"
#include "palaver/json.h"
#include "palaver/letters.h"
#include "palaver/text.h"
#include "wire/mp.h"

static const column_t fields[] = {
    {.title = "number", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "id", .key = "id"},
    {.title = "type", .key = "type"},
    {.title = "platform", .key = "platform"},
    {.title = "adapter", .key = "adapter"},
    {.title = "session", .key = "session_id"},
    {.title = "user", .key = "user_id"},
    {.title = "route", .key = "route"},
    {.title = "accepted", .key = "accepted_us", .kind = COLUMN_TIME},
    {.title = "dead", .key = "dead_us", .kind = COLUMN_TIME},
    {.title = "reason", .key = "reason"},
    {.title = "outcome", .key = "outcome"},
    {.title = "code", .key = "code"},
    {.title = "why", .key = "why"},
    {.title = "attempts", .key = "attempts", .kind = COLUMN_NUMBER},
};

static const column_t ledger[] = {
    {.title = "TRY", .key = "attempt", .kind = COLUMN_NUMBER},
    {.title = "BEGUN", .key = "at_us", .kind = COLUMN_TIME},
    {.title = "ENDED", .key = "ended_us", .kind = COLUMN_TIME},
    {.title = "WHO", .key = "who", .most = 48},
    {.title = "HOW", .key = "how"},
    {.title = "CODE", .key = "code"},
    {.title = "WHY", .key = "why"},
};

static void show (const out_t *out, plv_view_t letter, bool first)
{
    plv_buf_t buffer = {0};
    plv_mp_t body;
    plv_view_t raw;
    text_put (&buffer, first ? "" : "\n");
    card_put (out, &buffer, fields, sizeof fields / sizeof *fields, letter);
    if (plv_mp_find (letter, "body", &body) && plv_mp_skip (&body, &raw)) {
        card_title (out, &buffer, "body");
        json_put (&buffer, raw);
        plv_buf_add_u8 (&buffer, '\n');
    }
    card_table (out, &buffer, "ledger", letter, "ledger", ledger, sizeof ledger / sizeof *ledger);
    out_flush (&buffer);
    plv_buf_free (&buffer);
}

static ending_t ask_letter (asker_t *asker, uint64_t number, plv_view_t *ret_letter)
{
    plv_buf_t arguments = {0};
    plv_view_t body;
    plv_mp_t items;
    uint32_t count;
    plv_mp_put_map (&arguments, 1);
    plv_mp_put_text (&arguments, "number");
    plv_mp_put_u64 (&arguments, number);
    ending_t end = ask (asker, "dead.show", &arguments, &body);
    plv_buf_free (&arguments);
    if (end)
        return end;
    if (!plv_mp_find (body, "items", &items) || !plv_mp_array (&items, &count) || count == 0
        || !plv_mp_skip (&items, ret_letter))
        return END_NOTHING;
    return END_OK;
}

ending_t command_dead_show (call_t *call)
{
    asker_t asker;
    letters_t letters;
    plv_view_t letter;
    size_t shown = 0;
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = letters_choose (call, &asker, false, &letters);
    if (end) {
        asker_close (&asker);
        return end;
    }
    for (size_t i = 0; i < letters.count && !end; i++) {
        end = ask_letter (&asker, letters.numbers[i], &letter);
        if (!end && call->out.json)
            out_json (letter);
        else if (!end)
            show (&call->out, letter, shown == 0);
        shown += end ? 0 : 1;
    }
    if (!end && letters.missing)
        end = shown ? END_PARTLY : END_NOTHING;
    letters_free (&letters);
    asker_close (&asker);
    return end;
}
