#include "palaver/interrupt.h"
#include "palaver/listing.h"
#include "palaver/past/events.h"
#include "palaver/show/card.h"
#include "palaver/show/json.h"
#include "palaver/show/text.h"
#include "wire/mask.h"
#include "wire/mp.h"

#include <errno.h>
#include <stdlib.h>

static const column_t fields[] = {
    {.title = "number", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "id", .key = "id"},
    {.title = "type", .key = "type"},
    {.title = "platform", .key = "platform"},
    {.title = "platform id", .key = "platform_id"},
    {.title = "adapter", .key = "adapter"},
    {.title = "session", .key = "session_id"},
    {.title = "user", .key = "user_id"},
    {.title = "route", .key = "route"},
    {.title = "service", .key = "service"},
    {.title = "outcome", .key = "outcome"},
    {.title = "attempts", .key = "attempts", .kind = COLUMN_NUMBER},
    {.title = "answer id", .key = "reply_id"},
};

static const column_t timeline[] = {
    {.title = "TIME", .key = "at_us", .kind = COLUMN_EXACT, .spare = 2},
    {.title = "AFTER", .key = "after_ms", .kind = COLUMN_MS, .spare = 3},
    {.title = "HOP", .key = "hop"},
    {.title = "TRY", .key = "attempt", .kind = COLUMN_NUMBER, .spare = 1},
    {.title = "WHAT", .key = "what"},
};

/*  What an operator did: `who` is not to whom it went.  */
static bool is_operators (plv_view_t hop)
{
    plv_view_t name = plv_mp_find_str (hop, "hop");
    return plv_view_is (name, "sent_again") || plv_view_is (name, "imported")
           || plv_view_is (name, "discarded");
}

/*  What a station says of itself, in one text.  */
static void put_what (plv_buf_t *what, plv_view_t hop)
{
    static const struct {
        const char *key, *before;
    } words[] = {{"who", "to "}, {"step", ""},           {"how", ""}, {"code", ""},
                 {"why", ""},    {"platform_id", "as "}, {"id", ""}};
    bool by = is_operators (hop);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        plv_view_t text = plv_mp_find_str (hop, words[i].key);
        if (text.size == 0)
            continue;
        text_put (what, what->size ? ", " : "");
        text_put (what, by && i == 0 ? "by " : words[i].before);
        plv_buf_add_view (what, text);
    }
    plv_buf_check (what);
}

/*  Each station with its words as one text, for a table.  */
static void put_timeline (plv_buf_t *map, plv_view_t event)
{
    plv_mp_t hops;
    plv_view_t hop;
    uint32_t count = 0, pairs;
    plv_buf_t what = {0};
    if (!plv_mp_find (event, "hops", &hops) || !plv_mp_array (&hops, &count))
        count = 0;
    plv_mp_put_map (map, 1);
    plv_mp_put_text (map, "hops");
    plv_mp_put_array (map, count);
    while (count-- && plv_mp_skip (&hops, &hop)) {
        plv_mp_t at = plv_mp (hop);
        plv_buf_clear (&what);
        put_what (&what, hop);
        plv_mp_map (&at, &pairs);
        plv_mp_put_map (map, pairs + 1);
        plv_buf_add (map, at.at, (size_t) (at.end - at.at));
        plv_mp_pair_str (map, "what", plv_buf_view (&what));
    }
    plv_buf_check (map);
    plv_buf_free (&what);
}

static void put_body (const out_t *out, plv_buf_t *buffer, const char *title, plv_view_t event)
{
    plv_mp_t body;
    plv_view_t raw;
    if (!plv_mp_find (event, title, &body) || plv_mp_nil (&body) || !plv_mp_skip (&body, &raw))
        return;
    card_title (out, buffer, title);
    json_put (buffer, raw);
    plv_buf_add_u8 (buffer, '\n');
}

static void show (const out_t *out, plv_view_t event, bool first)
{
    plv_buf_t buffer = {0}, map = {0};
    uint64_t left_out = ask_number (event, "hops_left_out");
    text_put (&buffer, first ? "" : "\n");
    card_put (out, &buffer, fields, sizeof fields / sizeof *fields, event);
    put_body (out, &buffer, "body", event);
    put_body (out, &buffer, "answer", event);
    put_timeline (&map, event);
    card_table (out, &buffer, "timeline", plv_buf_view (&map), "hops", timeline,
                sizeof timeline / sizeof *timeline);
    if (left_out)
        text_putf (&buffer, "... and %llu more\n", (unsigned long long) left_out);
    out_flush (&buffer);
    plv_buf_free (&buffer);
    plv_buf_free (&map);
}

static ending_t ask_event (asker_t *asker, const char *operand, plv_view_t *ret_body)
{
    plv_buf_t arguments = {0};
    uint64_t number;
    plv_mp_put_map (&arguments, 1);
    if (events_read_number (operand, &number)) {
        plv_mp_pair_u64 (&arguments, "number", number);
    } else {
        plv_mp_pair_text (&arguments, "id", operand);
    }
    asker->quiet = true;
    ending_t end = ask (asker, "events.show", &arguments, ret_body);
    asker->quiet = false;
    plv_buf_free (&arguments);
    if (end) {
        plv_view_t text = plv_mp_find_str (*ret_body, "text");
        if (text.size)
            say ("%s: " PLV_VIEW_FMT, operand, PLV_VIEW_ARG (text));
    }
    return end;
}

static void print (const out_t *out, plv_view_t body, bool first)
{
    plv_mp_t items;
    plv_view_t item;
    plv_buf_t masked = {0};
    uint32_t count;
    if (!plv_mp_find (body, "items", &items) || !plv_mp_array (&items, &count)
        || !plv_mp_skip (&items, &item))
        return;
    plv_mask_put (&masked, item);
    plv_buf_check (&masked);
    if (out->json)
        out_json (plv_buf_view (&masked));
    else
        show (out, plv_buf_view (&masked), first);
    plv_buf_free (&masked);
}

static bool check_operands (const call_t *call)
{
    uint64_t number;
    plv_id_t id;
    for (size_t i = 0; i < call->operand_count; i++)
        if (!events_read_number (call->operands[i], &number)
            && !plv_id_parse (call->operands[i], &id)) {
            say ("%s: neither the number of an entry nor the id of an event or an answer",
                 call->operands[i]);
            return false;
        }
    return true;
}

ending_t command_events_show (call_t *call)
{
    asker_t asker;
    plv_view_t body;
    size_t shown = 0, missing = 0;
    if (!check_operands (call))
        return END_USAGE;
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    for (size_t i = 0; i < call->operand_count && !interrupt_seen (); i++) {
        body = plv_view (NULL, 0);
        end = ask_event (&asker, call->operands[i], &body);
        if (end && end != END_NOTHING)
            break;
        missing += end == END_NOTHING;
        if (!end)
            print (&call->out, body, shown++ == 0);
        end = END_OK;
    }
    asker_close (&asker);
    end = listing_cut (end);
    if (end || !missing)
        return end;
    return shown ? END_PARTLY : END_NOTHING;
}
