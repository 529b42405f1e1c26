#include "palaver/listing.h"
#include "palaver/past/events.h"
#include "palaver/show/progress.h"
#include "palaver/show/table.h"

#include <inttypes.h>

static const column_t columns[] = {
    {.title = "NUMBER", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "ID", .key = "id", .spare = 1},
    {.title = "ACCEPTED", .key = "accepted_us", .kind = COLUMN_TIME, .spare = 7},
    {.title = "TYPE", .key = "type", .most = 24, .spare = 3},
    {.title = "SESSION", .key = "session_id", .most = 32},
    {.title = "USER", .key = "user_id", .most = 24, .spare = 5},
    {.title = "ROUTE", .key = "route", .most = 16, .spare = 4},
    {.title = "TRIES", .key = "attempts", .kind = COLUMN_NUMBER, .spare = 6},
    {.title = "OUTCOME", .key = "outcome"},
    {.title = "SETTLED", .key = "settled_us", .kind = COLUMN_TIME, .spare = 2},
};

enum { PAGE = 1000, SHOWN = 100 };

typedef struct {
    table_t table;
    progress_t progress;
    uint64_t limit;
    uint64_t last; /* the number of the last one that was shown */
    bool more;
} listing_t;

static void show_progress (void *arg, plv_view_t body)
{
    listing_t *self = arg;
    uint64_t end = ask_number (body, "end");
    if (end)
        progress_at (&self->progress, ask_number (body, "position") * 100 / end);
}

static bool show (void *arg, plv_view_t event)
{
    listing_t *self = arg;
    if (self->table.total == self->limit) {
        self->more = true;
        return false;
    }
    progress_end (&self->progress);
    table_add (&self->table, event);
    self->last = ask_number (event, "number");
    if (self->table.total % PAGE == 0)
        table_flush (&self->table);
    return true;
}

ending_t command_events_list (call_t *call)
{
    listing_t listing = {
        .limit = (uint64_t) call_number (call, OPTION_LIMIT, call->out.json ? INT64_MAX : SHOWN)};
    events_wanted_t wanted = events_wanted_of (call);
    asker_t asker;
    uint64_t after = 0;
    if (call_has (call, OPTION_AFTER) && !events_read_number (call->text[OPTION_AFTER], &after)) {
        say ("--after %s: not the number of an event", call->text[OPTION_AFTER]);
        return END_USAGE;
    }
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    listing.progress = progress_new ("percent of the journal", 100);
    asker.part = show_progress;
    asker.part_arg = &listing;
    listing.table = table_new (&call->out, columns, sizeof columns / sizeof *columns);
    end = events_walk (&asker, &wanted, after, listing.limit + 1,
                       &(events_each_t){.event = show, .arg = &listing});
    progress_end (&listing.progress);
    table_flush (&listing.table);
    if (!end)
        end = listing_end (call, listing.table.total, TRAFFIC, "events");
    table_free (&listing.table);
    asker_close (&asker);
    if (listing.more && !call->out.json)
        say ("there are more: --after %" PRIu64, listing.last);
    return end;
}
