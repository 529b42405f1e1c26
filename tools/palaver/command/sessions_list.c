#include "palaver/ask/ask.h"
#include "palaver/interrupt.h"
#include "palaver/listing.h"
#include "palaver/show/table.h"
#include "wire/mp.h"

#include <inttypes.h>

static const column_t columns[] = {
    {.title = "SESSION", .key = "session_id", .most = 48},
    {.title = "PLATFORM", .key = "platform", .most = 16, .spare = 3},
    {.title = "USER", .key = "user_id", .most = 32, .spare = 2},
    {.title = "MESSAGES", .key = "message_count", .kind = COLUMN_NUMBER, .spare = 5},
    {.title = "PENDING", .key = "pending", .kind = COLUMN_NUMBER, .spare = 4},
    {.title = "PARKED BY", .key = "parked_by", .kind = COLUMN_LETTER, .spare = 6},
    {.title = "CREATED", .key = "created_us", .kind = COLUMN_TIME, .spare = 1},
    {.title = "ACTIVE", .key = "active_us", .kind = COLUMN_TIME},
};

enum { PAGE = 1000, SHOWN = 100 };

static ending_t ask_page (const call_t *call, asker_t *asker, const plv_buf_t *after,
                          uint64_t limit, plv_view_t *ret_body)
{
    plv_buf_t arguments = {0};
    plv_mp_put_map (&arguments, 3);
    plv_mp_pair_str (&arguments, "after", plv_buf_view (after));
    plv_mp_pair_u64 (&arguments, "limit", limit);
    plv_mp_pair_text (&arguments, "platform", call_text (call, OPTION_PLATFORM, ""));
    ending_t end = ask (asker, "sessions.list", &arguments, ret_body);
    plv_buf_free (&arguments);
    return end;
}

static void add_page (table_t *table, plv_view_t body)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t count;
    if (plv_mp_find (body, "items", &items) && plv_mp_array (&items, &count))
        while (count-- && plv_mp_skip (&items, &item))
            table_add (table, item);
    table_flush (table);
}

/*  Page by page; `after` is where to go on, empty behind the last.  */
static ending_t list (const call_t *call, asker_t *asker, table_t *table, plv_buf_t *after)
{
    int64_t limit = call_number (call, OPTION_LIMIT, call->out.json ? INT64_MAX : SHOWN);
    plv_view_t body;
    while (limit > (int64_t) table->total && !interrupt_seen ()) {
        uint64_t left = (uint64_t) limit - table->total;
        ending_t end = ask_page (call, asker, after, left < PAGE ? left : PAGE, &body);
        if (end)
            return end;
        add_page (table, body);
        plv_buf_clear (after);
        plv_buf_add_view (after, plv_mp_find_str (body, "next"));
        plv_buf_check (after);
        if (after->size == 0)
            break;
    }
    return END_OK;
}

ending_t command_sessions_list (call_t *call)
{
    asker_t asker;
    plv_buf_t after = {0};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    table_t table = table_new (&call->out, columns, sizeof columns / sizeof *columns);
    plv_buf_add_view (&after, plv_view_str (call_text (call, OPTION_AFTER, "")));
    end = list (call, &asker, &table, &after);
    if (!end && after.size && !call->out.json)
        say ("there are more: --after " PLV_VIEW_FMT, PLV_VIEW_ARG (plv_buf_view (&after)));
    if (!end)
        end = listing_end (call, table.total, WITH_PLATFORM, "open sessions");
    plv_buf_free (&after);
    table_free (&table);
    asker_close (&asker);
    return end;
}
