#include "palaver/listing.h"
#include "palaver/replay/letters.h"
#include "palaver/show/table.h"
#include "wire/mp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const column_t columns[] = {
    {.title = "NUMBER", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "ID", .key = "id", .spare = 2},
    {.title = "DEAD", .key = "dead_us", .kind = COLUMN_TIME, .spare = 7},
    {.title = "TYPE", .key = "type", .most = 24, .spare = 4},
    {.title = "SESSION", .key = "session_id", .most = 32},
    {.title = "ROUTE", .key = "route", .most = 16, .spare = 5},
    {.title = "REASON", .key = "reason", .spare = 8},
    {.title = "OUTCOME", .key = "outcome", .spare = 3},
    {.title = "TRIES", .key = "attempts", .kind = COLUMN_NUMBER, .spare = 6},
    {.title = "FINGERPRINT", .key = "fingerprint", .spare = 1},
    {.title = "WHY", .key = "why"},
};

enum { PAGE = 1000, SHOWN = 100 };

typedef struct {
    table_t table;
    uint64_t limit;
    uint64_t last; /* the number of the last one that was shown */
    bool more;
} listing_t;

static bool show (void *arg, plv_view_t letter)
{
    listing_t *self = arg;
    plv_mp_t value;
    if (self->table.total == self->limit) {
        self->more = true;
        return false;
    }
    table_add (&self->table, letter);
    if (plv_mp_find (letter, "number", &value))
        plv_mp_u64 (&value, &self->last);
    if (self->table.total % PAGE == 0)
        table_flush (&self->table);
    return true;
}

static bool read_after (const char *text, uint64_t *ret_after)
{
    char *end;
    errno = 0;
    *ret_after = strtoull (text, &end, 10);
    return !errno && end != text && *end == '\0' && text[0] != '-';
}

ending_t command_dead_list (call_t *call)
{
    listing_t listing = {
        .limit = (uint64_t) call_number (call, OPTION_LIMIT, call->out.json ? INT64_MAX : SHOWN)};
    asker_t asker;
    uint64_t after = 0;
    filter_t filter = {0};
    if (call_has (call, OPTION_AFTER) && !read_after (call->text[OPTION_AFTER], &after)) {
        say ("--after %s: not the number of a dead letter", call->text[OPTION_AFTER]);
        return END_USAGE;
    }
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    filter = filter_of (call);
    listing.table = table_new (&call->out, columns, sizeof columns / sizeof *columns);
    end = letters_walk (&asker, &filter, after, listing.limit + 1, show, &listing);
    table_flush (&listing.table);
    if (!end)
        end = listing_end (call, listing.table.total, SELECTS | WITH_TEXT, "dead letters");
    table_free (&listing.table);
    filter_free (&filter);
    asker_close (&asker);
    if (listing.more && !call->out.json)
        say ("there are more: --after %" PRIu64, listing.last);
    return end;
}
