/*  events -- GET /chat/session/ID/events: a session as a stream of server-sent events

    Kept events carry their number as `id:`, so that a browser that comes back says it in Last-Event-ID; what
    is not kept (chat.delta, chat.typing) has none. A comment every 15 s keeps proxies from cutting it.  */
#include "web/web.h"

#include <stdlib.h>
#include <string.h>

enum { COMMENT_MS = 15000 };

typedef struct {
    call_t call;
    follower_t follower;
    web_t *web;
    uint64_t comment; /* timer */
} stream_t;

static void write_event (text_t *out, const char *name, uint64_t seq, pal_text_t json)
{
    text_addf (out, "event: %s\n", name);
    if (seq)
        text_addf (out, "id: %llu\n", (unsigned long long) seq);
    text_add (out, "data: ");
    text_add_view (out, json); /* JSON has no line ends of its own: jansson and we write none */
    text_add (out, "\n\n");
}

static void show (follower_t *follower, const char *name, uint64_t seq, pal_text_t json)
{
    stream_t *self = ENTRY_OF (follower, stream_t, follower);
    const pal_host_t *host = self->web->host;
    text_t piece = {0};
    write_event (&piece, name, seq, json);
    if (!host->http_write (host, self->call.number, text_view (&piece)))
        self->web->meters.slow++; /* on_gone follows */
    text_free (&piece);
}

static void on_comment (void *arg)
{
    stream_t *self = arg;
    const pal_host_t *host = self->web->host;
    host->http_write (host, self->call.number, pal_text (": still here\n\n"));
}

static void on_gone (call_t *call)
{
    stream_t *self = ENTRY_OF (call, stream_t, call);
    self->web->host->timer_cancel (self->web->host, self->comment);
    self->web->streams--;
    room_leave (self->web, &self->follower);
    free (self);
}

static void on_stop (call_t *call)
{
    stream_t *self = ENTRY_OF (call, stream_t, call);
    self->web->host->http_end (self->web->host, call->number);
    on_gone (call);
}

/*  The last event that the client saw; false: it does not say a number. `ret_seq` 0 with `ret_given` false:
    only what happens from now on.  */
static bool read_after (const asker_t *asker, const request_t *request, uint64_t *ret_seq,
                        bool *ret_given)
{
    char bytes[32];
    pal_text_t text = asker_header (asker, "last-event-id", bytes, sizeof bytes);
    *ret_given = asker_has (asker, "last-event-id")
                 || request_query (request->http->query, "after", bytes, sizeof bytes, &text)
                        != QUERY_MISSING;
    *ret_seq = 0;
    return !*ret_given || events_number (text, ret_seq);
}

bool events_number (pal_text_t text, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (!text.size || text.size > 16)
        return false;
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9')
            return false;
        number = number * 10 + (uint64_t) (text.data[at] - '0');
    }
    *ret_number = number;
    return true;
}

void events_gap (text_t *out, uint64_t after, uint64_t floor)
{
    text_addf (out, "{\"type\":\"gap\",\"after\":%llu,\"until\":%llu}", (unsigned long long) after,
               (unsigned long long) floor);
}

void events_hello (text_t *out, pal_text_t conversation, uint64_t seq)
{
    text_add (out, "{\"type\":\"hello\",\"session_id\":");
    text_add_quoted (out, conversation);
    answer_end (out, seq);
}

static void replay (stream_t *self, uint64_t after)
{
    const room_t *room = self->follower.room;
    text_t gap = {0};
    if (room_has_gap (room, after)) {
        events_gap (&gap, after, room->floor);
        show (&self->follower, "gap", 0, text_view (&gap));
    }
    text_free (&gap);
    room_replay (&self->follower, after);
}

static stream_t *stream_new (asker_t *asker, pal_text_t conversation)
{
    stream_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->web = asker->web;
    self->call.gone = on_gone;
    self->call.stop = on_stop;
    self->follower.show = show;
    if (room_follow (asker->web, conversation, &self->follower))
        return self;
    free (self);
    return NULL;
}

static void begin (asker_t *asker, stream_t *self, bool given, uint64_t after)
{
    const pal_host_t *host = asker->web->host;
    text_t head = {0}, hello = {0};
    const room_t *room = self->follower.room;
    events_hello (&hello, (pal_text_t){room->entry.key.data, room->entry.key.size}, room->seq);
    text_add (&head, "retry: 1000\n");
    write_event (&head, "hello", 0, text_view (&hello));
    call_put (&asker->web->calls, &self->call, asker->call);
    asker->web->streams++;
    self->comment = host->timer (host, COMMENT_MS, COMMENT_MS, on_comment, self);
    asker_begin (asker,
                 &(asker_answer_t){.status = 200,
                                   .type = "text/event-stream",
                                   .body = text_view (&head),
                                   .more = {{pal_text ("x-accel-buffering"), pal_text ("no")}},
                                   .more_count = 1});
    text_free (&head);
    text_free (&hello);
    if (given)
        replay (self, after);
}

void route_session_events (asker_t *asker, const request_t *request)
{
    uint64_t after;
    bool given;
    if (!request_session_good (asker, request->part))
        return;
    if (!read_after (asker, request, &after, &given)) {
        asker_problem (asker, PROBLEM_BAD_PARAMETER,
                       pal_text ("after and Last-Event-ID take the `seq` of an event"), 0);
        return;
    }
    if (asker->web->draining) {
        asker_problem (asker, PROBLEM_STOPPING, pal_text (NULL), 1000);
        return;
    }
    stream_t *self = stream_new (asker, request->part);
    if (self)
        begin (asker, self, given, after);
    else
        asker_problem (asker, PROBLEM_BUSY, pal_text ("out of memory"), 1000);
}
