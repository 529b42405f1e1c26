#include "palaver/past/events.h"

#include "palaver/interrupt.h"
#include "wire/mp.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE = 1000, PAGE_WHOLE = 100 };

bool events_read_number (const char *text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    uint64_t number = strtoull (text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || number == 0)
        return false;
    *ret_number = number;
    return true;
}

events_wanted_t events_wanted_of (const call_t *call)
{
    return (events_wanted_t){
        .platform = call_text (call, OPTION_PLATFORM, NULL),
        .session = call_text (call, OPTION_SESSION, NULL),
        .user = call_text (call, OPTION_USER, NULL),
        .type = call_text (call, OPTION_TYPE, NULL),
        .outcome = call_text (call, OPTION_OUTCOME, NULL),
        .since_us = call_number (call, OPTION_SINCE, 0),
        .until_us = call_number (call, OPTION_UNTIL, 0),
    };
}

static uint32_t put_text (plv_buf_t *pairs, const char *key, const char *text)
{
    if (!text)
        return 0;
    plv_mp_put_text (pairs, key);
    plv_mp_put_text (pairs, text);
    return 1;
}

static uint32_t put_number (plv_buf_t *pairs, const char *key, int64_t number)
{
    if (number <= 0)
        return 0;
    plv_mp_put_text (pairs, key);
    plv_mp_put_i64 (pairs, number);
    return 1;
}

/*  Where a walk is: behind an event, which stands at this position of the journal.  */
typedef struct {
    uint64_t after, position;
} place_t;

static void put_wanted (const events_wanted_t *wanted, const place_t *place, uint64_t limit,
                        plv_buf_t *map)
{
    plv_buf_t pairs = {0};
    uint32_t count = put_text (&pairs, "platform", wanted->platform);
    count += put_text (&pairs, "session", wanted->session);
    count += put_text (&pairs, "user", wanted->user);
    count += put_text (&pairs, "type", wanted->type);
    count += put_text (&pairs, "outcome", wanted->outcome);
    count += put_number (&pairs, "since_us", wanted->since_us);
    count += put_number (&pairs, "until_us", wanted->until_us);
    count += put_number (&pairs, "after", (int64_t) place->after);
    count += put_number (&pairs, "position", (int64_t) place->position);
    count += put_number (&pairs, "limit", (int64_t) limit);
    plv_mp_put_map (map, count + 1 + (wanted->sessions != NULL));
    plv_buf_check (&pairs);
    plv_buf_add_view (map, plv_buf_view (&pairs));
    plv_mp_pair_bool (map, "whole", wanted->whole);
    if (wanted->sessions) {
        plv_mp_put_text (map, "sessions");
        plv_buf_add_view (map, plv_buf_view (wanted->sessions));
    }
    plv_buf_free (&pairs);
}

static ending_t ask_page (asker_t *asker, const events_wanted_t *wanted, const place_t *place,
                          uint64_t limit, plv_buf_t *page)
{
    uint64_t most = wanted->whole ? PAGE_WHOLE : PAGE;
    plv_buf_t arguments = {0};
    plv_view_t body;
    put_wanted (wanted, place, limit < most ? limit : most, &arguments);
    ending_t end = ask (asker, "events.list", &arguments, &body);
    plv_buf_free (&arguments);
    /* what is done with an event may be a question of its own, which takes the place of this answer */
    plv_buf_clear (page);
    if (!end)
        plv_buf_add_view (page, body);
    plv_buf_check (page);
    return end;
}

/*  `*limit` goes down by what the page has. False: no more are wanted.  */
static bool walk_page (plv_view_t page, const events_each_t *each, uint64_t *limit)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t count = 0;
    if (each->page)
        each->page (each->arg, page);
    if (!plv_mp_find (page, "items", &items) || !plv_mp_array (&items, &count))
        return false;
    for (; count && *limit && plv_mp_skip (&items, &item); count--, --*limit)
        if (!each->event (each->arg, item))
            return false;
    return true;
}

ending_t events_walk (asker_t *asker, const events_wanted_t *wanted, uint64_t after, uint64_t limit,
                      const events_each_t *each)
{
    plv_buf_t page = {0};
    place_t place = {.after = after};
    ending_t end = END_OK;
    while (limit && !interrupt_seen ()) {
        end = ask_page (asker, wanted, &place, limit, &page);
        if (end)
            break;
        place.after = ask_number (plv_buf_view (&page), "next");
        place.position = ask_number (plv_buf_view (&page), "position");
        if (!walk_page (plv_buf_view (&page), each, &limit) || !place.after)
            break;
    }
    plv_buf_free (&page);
    return end;
}
