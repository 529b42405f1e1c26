#include "palaver/ask/ask.h"
#include "palaver/show/card.h"
#include "palaver/show/json.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

static const column_t fields[] = {
    {.title = "session", .key = "session_id"},
    {.title = "platform", .key = "platform"},
    {.title = "user", .key = "user_id"},
    {.title = "created", .key = "created_us", .kind = COLUMN_TIME},
    {.title = "active", .key = "active_us", .kind = COLUMN_TIME},
    {.title = "messages", .key = "message_count", .kind = COLUMN_NUMBER},
    {.title = "pending", .key = "pending", .kind = COLUMN_NUMBER},
};

static void put_state (const out_t *out, plv_buf_t *buffer, plv_view_t body)
{
    plv_mp_t state;
    plv_view_t raw;
    if (!plv_mp_find (body, "state", &state) || !plv_mp_skip (&state, &raw) || raw.size < 2)
        return;
    card_title (out, buffer, "state");
    json_put (buffer, raw);
    plv_buf_add_u8 (buffer, '\n');
}

static void put_turn (const out_t *out, plv_buf_t *buffer, plv_view_t turn)
{
    static const column_t when = {.key = "timestamp", .kind = COLUMN_TIME};
    table_cell (buffer, &when, turn);
    text_put (buffer, " ");
    out_colour (out, buffer, "1");
    text_put_line (buffer, plv_mp_find_str (turn, "role"), 0);
    out_colour (out, buffer, "0");
    text_put (buffer, "\n    ");
    text_put_lines (buffer, plv_mp_find_str (turn, "text"), 4);
    plv_buf_add_u8 (buffer, '\n');
}

static void put_history (const out_t *out, plv_buf_t *buffer, plv_view_t body)
{
    plv_mp_t history;
    plv_view_t turn;
    uint32_t count;
    if (!plv_mp_find (body, "history", &history) || !plv_mp_array (&history, &count) || count == 0)
        return;
    card_title (out, buffer, "history");
    while (count-- && plv_mp_skip (&history, &turn))
        put_turn (out, buffer, turn);
}

static void show (const out_t *out, plv_view_t body)
{
    plv_buf_t buffer = {0};
    plv_mp_t value;
    uint64_t parked_by = 0;
    card_put (out, &buffer, fields, sizeof fields / sizeof *fields, body);
    if (plv_mp_find (body, "parked_by", &value) && plv_mp_u64 (&value, &parked_by) && parked_by)
        text_putf (&buffer, "parked by dead letter %llu: its later events wait for that\n",
                   (unsigned long long) parked_by);
    put_state (out, &buffer, body);
    put_history (out, &buffer, body);
    out_flush (&buffer);
    plv_buf_free (&buffer);
}

ending_t command_sessions_show (call_t *call)
{
    asker_t asker;
    plv_view_t body;
    plv_buf_t arguments = {0};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    plv_mp_put_map (&arguments, 1);
    plv_mp_pair_text (&arguments, "session", call->operands[0]);
    end = ask (&asker, "sessions.show", &arguments, &body);
    if (!end && call->out.json)
        out_json (body);
    else if (!end)
        show (&call->out, body);
    plv_buf_free (&arguments);
    asker_close (&asker);
    return end;
}
