#include "palaver/ask/ask.h"
#include "palaver/ask/hosts.h"
#include "palaver/show/card.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <string.h>

static const column_t head[] = {
    {.title = "version", .key = "version"},
    {.title = "state", .key = "state"},
    {.title = "up", .key = "uptime_s", .kind = COLUMN_SPAN},
    {.title = "time", .key = "time_us", .kind = COLUMN_TIME},
};

static const column_t places[] = {
    {.title = "pid", .key = "pid", .kind = COLUMN_NUMBER},
    {.title = "conf", .key = "conf"},
    {.title = "data", .key = "data"},
    {.title = "plugins", .key = "plugins"},
};

static const column_t routes[] = {
    {.title = "NAME", .key = "name"},
    {.title = "SERVICE", .key = "service", .spare = 1},
    {.title = "BREAKER", .key = "breaker"},
    {.title = "READY", .key = "ready", .kind = COLUMN_NUMBER, .spare = 3},
    {.title = "WORKERS", .key = "workers", .kind = COLUMN_NUMBER, .spare = 2},
    {.title = "WHY", .key = "why"},
};

static const column_t adapters[] = {
    {.title = "NAME", .key = "name"},
    {.title = "STATE", .key = "state"},
    {.title = "PID", .key = "pid", .kind = COLUMN_NUMBER, .spare = 1},
    {.title = "RESTARTS", .key = "restarts", .kind = COLUMN_NUMBER, .spare = 2},
    {.title = "WAITING", .key = "waiting", .kind = COLUMN_NUMBER, .spare = 3},
    {.title = "WHY", .key = "why", .most = 60},
    {.title = "LAST FAILURE", .key = "last", .most = 80, .below = true},
};

/*  What is said of a healthy, idle broker, too; another count only when there is something to count.  */
static bool always_shown (plv_view_t key)
{
    static const char *const names[] = {"pending_events", "outbox",   "sessions",
                                        "dead",           "adapters", "agents"};
    for (size_t at = 0; at < sizeof names / sizeof *names; at++)
        if (plv_view_is (key, names[at]))
            return true;
    return false;
}

static bool is_bytes (plv_view_t key)
{
    static const char ending[] = "_bytes";
    size_t size = sizeof ending - 1;
    return key.size > size && memcmp (key.data + key.size - size, ending, size) == 0;
}

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
        if (!number && !always_shown (key))
            continue;
        text_put_line (buffer, key, 30);
        plv_buf_check (buffer);
        for (size_t i = from; i < buffer->size; i++)
            if (buffer->data[i] == '_')
                buffer->data[i] = ' ';
        text_putf (buffer, "%*s", (int) (from + 24 > buffer->size ? from + 24 - buffer->size : 1),
                   "");
        if (is_bytes (key))
            text_put_bytes (buffer, number);
        else
            text_putf (buffer, "%" PRId64, number);
        text_put (buffer, "\n");
    }
}

/*  The broker's map, and the adapters in it under their name.  */
static void print_json (plv_view_t status, plv_view_t hosts)
{
    plv_mp_t at = plv_mp (status), items;
    plv_view_t raw;
    plv_buf_t map = {0};
    uint32_t pairs;
    if (!plv_mp_map (&at, &pairs) || !plv_mp_find (hosts, "items", &items))
        return;
    plv_mp_put_map (&map, pairs + 1);
    for (uint32_t left = 2 * pairs; left && plv_mp_skip (&at, &raw); left--)
        plv_buf_add_view (&map, raw);
    plv_mp_put_text (&map, "adapters");
    if (plv_mp_skip (&items, &raw))
        plv_buf_add_view (&map, raw);
    plv_buf_check (&map);
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

/*  A route that is paused, in one line: since when, by whom or what, and how many events wait.  */
static void put_paused (const out_t *out, plv_buf_t *buffer, plv_view_t route)
{
    char since[TEXT_TIME_BYTES];
    plv_buf_t line = {0};
    plv_view_t by = plv_mp_find_str (route, "paused_by"), why = plv_mp_find_str (route, "why");
    uint64_t waiting = ask_number (route, "waiting");
    if (by.size == 0)
        return;
    text_time ((int64_t) ask_number (route, "paused_us"), false, since);
    text_putf (&line,
               "route " PLV_VIEW_FMT " is paused since %s by " PLV_VIEW_FMT "%s" PLV_VIEW_FMT
               "; %" PRIu64 " event%s %s",
               PLV_VIEW_ARG (plv_mp_find_str (route, "name")), since, PLV_VIEW_ARG (by),
               why.size ? ": " : "", PLV_VIEW_ARG (why), waiting, text_s (waiting),
               waiting == 1 ? "waits" : "wait");
    plv_buf_check (&line);
    out_colour (out, buffer, "33");
    text_put_line (buffer, plv_buf_view (&line), 0);
    out_colour (out, buffer, "0");
    text_put (buffer, "\n");
    plv_buf_free (&line);
}

static void put_all_paused (const out_t *out, plv_buf_t *buffer, plv_view_t status)
{
    plv_mp_t items;
    plv_view_t route;
    uint32_t count;
    if (!plv_mp_find (status, "routes", &items) || !plv_mp_array (&items, &count))
        return;
    while (count-- && plv_mp_skip (&items, &route))
        put_paused (out, buffer, route);
}

static void put_expiring (const out_t *out, plv_buf_t *buffer, plv_view_t status)
{
    plv_mp_t counts;
    plv_view_t map;
    uint64_t letters = 0;
    if (plv_mp_find (status, "counts", &counts) && plv_mp_skip (&counts, &map))
        letters = ask_number (map, "dead_expiring");
    if (!letters)
        return;
    out_colour (out, buffer, "33");
    text_putf (buffer,
               "%" PRIu64
               " dead letters will be thrown away soon (dead.max_age_d, dead.max): palaver "
               "dead export saves them\n",
               letters);
    out_colour (out, buffer, "0");
}

static void print_cards (const out_t *out, plv_view_t status, plv_view_t hosts)
{
    plv_buf_t buffer = {0};
    plv_mp_t process;
    plv_view_t map;
    card_put (out, &buffer, head, sizeof head / sizeof *head, status);
    if (plv_mp_find (status, "process", &process) && plv_mp_skip (&process, &map))
        card_put (out, &buffer, places, sizeof places / sizeof *places, map);
    put_all_paused (out, &buffer, status);
    put_expiring (out, &buffer, status);
    put_counts (out, &buffer, status);
    card_table (out, &buffer, "routes", status, "routes", routes, sizeof routes / sizeof *routes);
    card_table (out, &buffer, "adapters", hosts, "items", adapters,
                sizeof adapters / sizeof *adapters);
    out_flush (&buffer);
    plv_buf_free (&buffer);
}

ending_t command_status (call_t *call)
{
    asker_t asker;
    plv_view_t body;
    plv_buf_t hosts = {0}, status = {0};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = ask (&asker, "status", NULL, &body);
    if (!end) {
        plv_buf_add_view (&status, body);
        plv_buf_check (&status);
        end = hosts_ask (&asker, &hosts);
    }
    if (!end && call->out.json)
        print_json (plv_buf_view (&status), plv_buf_view (&hosts));
    else if (!end)
        print_cards (&call->out, plv_buf_view (&status), plv_buf_view (&hosts));
    plv_buf_free (&hosts);
    plv_buf_free (&status);
    asker_close (&asker);
    return end;
}
