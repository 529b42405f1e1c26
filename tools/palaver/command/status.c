#include "palaver/ask.h"
#include "palaver/card.h"
#include "palaver/text.h"
#include "wire/mp.h"

#include <inttypes.h>

static const column_t head[] = {
    {.title = "version", .key = "version"},
    {.title = "state", .key = "state"},
    {.title = "up (s)", .key = "uptime_s", .kind = COLUMN_NUMBER},
    {.title = "time", .key = "time_us", .kind = COLUMN_TIME},
};

static const column_t routes[] = {
    {.title = "NAME", .key = "name"},
    {.title = "SERVICE", .key = "service"},
    {.title = "BREAKER", .key = "breaker"},
    {.title = "READY", .key = "ready", .kind = COLUMN_NUMBER},
    {.title = "WORKERS", .key = "workers", .kind = COLUMN_NUMBER},
    {.title = "WHY", .key = "why"},
};

/*  The counts as the broker names them, "pending_events" as "pending events".  */
static void put_counts (const out_t *out, plv_buf_t *buffer, plv_view_t body)
{
    plv_mp_t counts;
    plv_view_t key;
    uint32_t pairs;
    int64_t number;
    if (!plv_mp_find (body, "counts", &counts) || !plv_mp_map (&counts, &pairs))
        return;
    card_title (out, buffer, "counts");
    while (pairs-- && plv_mp_str (&counts, &key) && plv_mp_i64 (&counts, &number)) {
        size_t from = buffer->size;
        text_put_line (buffer, key, 30);
        plv_buf_check (buffer);
        for (size_t i = from; i < buffer->size; i++)
            if (buffer->data[i] == '_')
                buffer->data[i] = ' ';
        text_putf (buffer, "%*s%" PRId64 "\n",
                   (int) (from + 24 > buffer->size ? from + 24 - buffer->size : 1), "", number);
    }
}

ending_t command_status (call_t *call)
{
    asker_t asker;
    plv_view_t body;
    plv_buf_t buffer = {0};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = ask (&asker, "status", NULL, &body);
    if (!end && call->out.json) {
        out_json (body);
    } else if (!end) {
        card_put (&call->out, &buffer, head, sizeof head / sizeof *head, body);
        put_counts (&call->out, &buffer, body);
        card_table (&call->out, &buffer, "routes", body, "routes", routes,
                    sizeof routes / sizeof *routes);
        out_flush (&buffer);
    }
    plv_buf_free (&buffer);
    asker_close (&asker);
    return end;
}
