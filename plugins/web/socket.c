/*  socket -- the WebSocket /chat/ws/ID: a session's events out, messages in

    Close codes: 1000 by the client, 1001 the gateway stops, 1003 a binary message, 1009 a message that is too
    large, 4008 a client that does not read, 4400 too many messages that make no sense.  */
#include "web/body.h"
#include "web/web.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_MAX = 20, LIVE_BYTES_MAX = 65536, SAYINGS_MAX = 64, ID_BYTES_MAX = 128 };

static const char protocol[] = "palaver.v1";

typedef struct saying saying_t;

typedef struct {
    call_t call;
    follower_t follower;
    asker_t asker;
    saying_t *sayings; /* messages that are not yet stored */
    unsigned saying_count;
    unsigned faults;
    bool resumes;
    bool closing;
    uint64_t after;
    pal_text_t conversation, user_id;
    char bytes[];
} socket_t;

/*  A message on its way into the broker.  */
struct saying {
    saying_t *next, *previous;
    socket_t *socket;
    ticket_t *ticket;
    char id[ID_BYTES_MAX + 1]; /* the client's */
};

/* ------------------------------------------------------------------ out */

static void send_text (socket_t *self, pal_text_t json)
{
    const pal_host_t *host = self->asker.web->host;
    if (!host->socket_send (host, self->call.number, json, false) && !self->closing)
        self->asker.web->meters.slow++;
}

static void show (follower_t *follower, const char *name, uint64_t seq, pal_text_t json)
{
    socket_t *self = ENTRY_OF (follower, socket_t, follower);
    const pal_host_t *host = self->asker.web->host;
    (void) name;
    /*  A client that reads slowly gets the whole answer, if not its pieces.  */
    if (seq || host->socket_waiting (host, self->call.number) < LIVE_BYTES_MAX)
        send_text (self, json);
}

static void close_with (socket_t *self, uint32_t code, const char *reason)
{
    const pal_host_t *host = self->asker.web->host;
    self->closing = true;
    host->socket_close (host, self->call.number, code, pal_text (reason));
}

static void add_id (text_t *out, const char *id)
{
    if (!*id)
        return;
    text_add (out, ",\"id\":");
    text_add_quoted (out, pal_text (id));
}

static void send_stored (socket_t *self, const char *id, const ticket_t *ticket)
{
    text_t json = {0};
    text_add (&json, "{\"type\":\"stored\"");
    add_id (&json, id);
    text_addf (&json, ",\"message_id\":\"%s\"}", ticket->id.text);
    send_text (self, text_view (&json));
    text_free (&json);
}

static void send_problem (socket_t *self, const char *id, problem_t problem, pal_text_t detail,
                          uint32_t retry_after_ms)
{
    text_t json = {0};
    text_add (&json, "{\"type\":\"problem\"");
    add_id (&json, id);
    text_addf (&json, ",\"retry_after_ms\":%u,\"problem\":", retry_after_ms);
    problem_begin (&json, problem, detail);
    text_add (&json, "}}");
    send_text (self, text_view (&json));
    text_free (&json);
}

/*  A client that says nothing but nonsense is sent away.  */
static void fault (socket_t *self, const char *id, problem_t problem, const char *detail)
{
    if (self->closing)
        return;
    send_problem (self, id, problem, pal_text (detail), 0);
    if (++self->faults >= FAULTS_MAX)
        close_with (self, 4400, "too many messages that make no sense");
}

static void send_after (socket_t *self, uint64_t after)
{
    const room_t *room = self->follower.room;
    text_t gap = {0};
    if (room_has_gap (room, after)) {
        events_gap (&gap, after, room->floor);
        send_text (self, text_view (&gap));
    }
    text_free (&gap);
    room_replay (&self->follower, after);
}

/* ------------------------------------------------------------------ messages in */

static void saying_free (saying_t *saying)
{
    socket_t *self = saying->socket;
    if (saying->previous)
        saying->previous->next = saying->next;
    else
        self->sayings = saying->next;
    if (saying->next)
        saying->next->previous = saying->previous;
    self->saying_count--;
    free (saying);
}

static void on_stored (void *arg, ticket_t *ticket)
{
    saying_t *saying = arg;
    send_stored (saying->socket, saying->id, ticket);
    saying_free (saying);
    ticket_leave (ticket);
}

static void on_ended (void *arg, ticket_t *ticket, const ticket_end_t *end)
{
    saying_t *saying = arg;
    switch (end->how) {
    case TICKET_ANSWERED:
    case TICKET_ASIDE:
    case TICKET_INTERRUPTED: /* which those who follow the session are told */
        send_stored (saying->socket, saying->id, ticket);
        break;
    case TICKET_BUSY:
    case TICKET_REJECTED:
        send_problem (saying->socket, saying->id, ticket_problem (end), end->reason,
                      end->retry_after_ms);
        break;
    case TICKET_LATE:
    case TICKET_STOPPED:
        send_problem (saying->socket, saying->id, ticket_problem (end), pal_text (NULL), 1000);
        break;
    }
    saying_free (saying);
}

static const ticket_waiter_t waiter = {.stored = on_stored, .ended = on_ended};

static saying_t *saying_new (socket_t *self, const char *id)
{
    saying_t *saying = calloc (1, sizeof *saying);
    if (!saying)
        return NULL;
    saying->socket = self;
    snprintf (saying->id, sizeof saying->id, "%s", id);
    saying->next = self->sayings;
    if (self->sayings)
        self->sayings->previous = saying;
    self->sayings = saying;
    self->saying_count++;
    return saying;
}

static void untaken (socket_t *self, const char *id, ticket_taking_t taking, const ticket_t *ticket)
{
    switch (taking) {
    case TICKET_TAKEN:
        break;
    case TICKET_REPEATED: /* what it led to is in the session */
        send_stored (self, id, ticket);
        break;
    case TICKET_IN_FLIGHT:
        send_problem (self, id, PROBLEM_IN_FLIGHT, pal_text (NULL), 1000);
        break;
    case TICKET_OTHER_BODY:
        send_problem (self, id, PROBLEM_OTHER_BODY, pal_text (NULL), 0);
        break;
    case TICKET_FULL:
        send_problem (self, id, PROBLEM_BUSY, pal_text (NULL), 1000);
        break;
    case TICKET_TOO_SOON:
        send_problem (self, id, PROBLEM_NO_BROKER, pal_text (NULL), 1000);
        break;
    }
}

static void publish (socket_t *self, const char *id, pal_event_t *event, pal_text_t frame)
{
    web_t *web = self->asker.web;
    uint32_t excess_ms = asker_excess_ms (&self->asker);
    saying_t *saying = NULL;
    ticket_t *ticket = NULL;
    trace_t trace;
    if (web->draining || excess_ms) {
        send_problem (self, id, excess_ms ? PROBLEM_TOO_MANY : PROBLEM_STOPPING, pal_text (NULL),
                      excess_ms ? excess_ms : 1000);
        return;
    }
    if (self->saying_count < SAYINGS_MAX)
        saying = saying_new (self, id);
    if (!saying) {
        send_problem (self, id, PROBLEM_BUSY, pal_text (NULL), 1000);
        return;
    }
    trace_begin (&trace, web->host, (pal_text_t){self->asker.trace.text, TRACE_BYTES});
    event->conversation = self->conversation;
    event->traceparent = (pal_text_t){trace.text, TRACE_BYTES};
    ticket_order_t order = {.event = *event,
                            .key = pal_text (id),
                            .scope = self->conversation,
                            .same = frame,
                            .wait_ms = web->timeout_ms};
    ticket_taking_t taking = ticket_take (web, &order, &waiter, saying, &ticket);
    if (taking == TICKET_TAKEN && !ticket->stored) {
        saying->ticket = ticket;
        return;
    }
    if (taking == TICKET_TAKEN) { /* it was taken before, and is not answered yet */
        taking = TICKET_REPEATED;
        send_stored (self, id, ticket);
        saying_free (saying);
        ticket_leave (ticket);
        return;
    }
    untaken (self, id, taking, ticket);
    saying_free (saying);
}

static void say_message (socket_t *self, const char *id, const json_t *frame, pal_text_t text)
{
    message_t message = {0};
    const message_t standard = {.session_id = self->conversation, .user_id = self->user_id};
    const char *wrong = message_read (&message, frame, &standard);
    if (wrong)
        fault (self, id, PROBLEM_INVALID, wrong);
    else
        publish (self, id,
                 &(pal_event_t){.type = PAL_CHAT_MESSAGE,
                                .user_id = message.user_id,
                                .timestamp_us = message.timestamp_us,
                                .message_text = message.message_text,
                                .metadata = pal_text (message.metadata)},
                 text);
    message_free (&message);
}

static void say_action (socket_t *self, const char *id, const json_t *frame, pal_text_t text)
{
    const json_t *action = json_object_get (frame, "action");
    const json_t *value = json_object_get (frame, "value");
    if (!json_is_string (action) || (value && !json_is_string (value))) {
        fault (self, id, PROBLEM_INVALID, "action and value: take texts");
        return;
    }
    json_t *body = json_object ();
    json_object_set (body, "action", (json_t *) (uintptr_t) action);
    if (value)
        json_object_set (body, "value", (json_t *) (uintptr_t) value);
    char *dumped = json_dumps (body, JSON_COMPACT);
    publish (self, id,
             &(pal_event_t){
                 .type = PAL_CHAT_ACTION, .user_id = self->user_id, .body = pal_text (dumped)},
             text);
    free (dumped);
    json_decref (body);
}

static void say_typing (socket_t *self, const json_t *frame)
{
    const pal_host_t *host = self->asker.web->host;
    const json_t *active = json_object_get (frame, "active");
    host->live (host,
                &(pal_event_t){.type = PAL_CHAT_TYPING,
                               .conversation = self->conversation,
                               .user_id = self->user_id,
                               .body = pal_text (json_is_false (active) ? "{\"active\":false}"
                                                                        : "{\"active\":true}")});
}

static void resume (socket_t *self, const char *id, const json_t *frame)
{
    const json_t *after = json_object_get (frame, "after");
    if (json_is_integer (after) && json_integer_value (after) >= 0)
        send_after (self, (uint64_t) json_integer_value (after));
    else
        fault (self, id, PROBLEM_INVALID, "after: takes the seq of an event");
}

static void take (socket_t *self, const json_t *frame, pal_text_t text)
{
    const json_t *type = json_object_get (frame, "type"), *said = json_object_get (frame, "id");
    const char *name = json_string_value (type), *id = json_string_value (said);
    if (!name || (said && (!id || strlen (id) > ID_BYTES_MAX))) {
        fault (self, "", PROBLEM_INVALID, "type and id: take texts, the id of at most 128 bytes");
        return;
    }
    id = id ? id : "";
    if (strcmp (name, "chat.message") == 0)
        say_message (self, id, frame, text);
    else if (strcmp (name, "chat.action") == 0)
        say_action (self, id, frame, text);
    else if (strcmp (name, "chat.typing") == 0)
        say_typing (self, frame);
    else if (strcmp (name, "resume") == 0)
        resume (self, id, frame);
    else if (strcmp (name, "ping") == 0)
        send_text (self, pal_text ("{\"type\":\"pong\"}"));
    else
        fault (self, id, PROBLEM_INVALID,
               "type: takes chat.message, chat.action, chat.typing, resume or ping");
}

static void on_message (call_t *call, pal_text_t text)
{
    socket_t *self = ENTRY_OF (call, socket_t, call);
    char wrong[BODY_FAULT_BYTES];
    json_t *frame = body_read (text, wrong);
    if (self->closing || !self->follower.room)
        ;
    else if (*wrong)
        fault (self, "", PROBLEM_NOT_JSON, wrong);
    else
        take (self, frame, text);
    json_decref (frame);
}

/* ------------------------------------------------------------------ life */

static void on_open (call_t *call)
{
    socket_t *self = ENTRY_OF (call, socket_t, call);
    text_t hello = {0};
    if (!room_follow (self->asker.web, self->conversation, &self->follower)) {
        close_with (self, 1011, "out of memory");
        return;
    }
    events_hello (&hello, self->conversation, self->follower.room->seq);
    send_text (self, text_view (&hello));
    text_free (&hello);
    if (self->resumes)
        send_after (self, self->after);
}

static void on_gone (call_t *call)
{
    socket_t *self = ENTRY_OF (call, socket_t, call);
    self->asker.web->sockets--;
    while (self->sayings) { /* they are stored all the same */
        ticket_t *ticket = self->sayings->ticket;
        saying_free (self->sayings);
        ticket_leave (ticket);
    }
    room_leave (self->asker.web, &self->follower);
    free (self);
}

static void on_stop (call_t *call)
{
    socket_t *self = ENTRY_OF (call, socket_t, call);
    close_with (self, 1001, "the gateway stops; connect again");
    on_gone (call);
}

static bool offers (const asker_t *asker)
{
    char bytes[512];
    pal_text_t list = asker_header (asker, "sec-websocket-protocol", bytes, sizeof bytes), one;
    while (text_next_word (&list, &one)) {
        if (pal_text_is (one, protocol))
            return true;
    }
    return false;
}

static socket_t *socket_new (const asker_t *asker, pal_text_t conversation, pal_text_t user)
{
    socket_t *self = calloc (1, sizeof *self + conversation.size + user.size);
    if (!self)
        return NULL;
    self->asker = *asker;
    self->call = (call_t){.gone = on_gone, .open = on_open, .message = on_message, .stop = on_stop};
    self->follower.show = show;
    memcpy (self->bytes, conversation.data, conversation.size);
    memcpy (self->bytes + conversation.size, user.data, user.size);
    self->conversation = (pal_text_t){self->bytes, conversation.size};
    self->user_id = (pal_text_t){self->bytes + conversation.size, user.size};
    return self;
}

/*  Browsers do not show this to their pages, but everybody else sees why.  */
static uint32_t refuse (asker_t *asker, problem_t problem, const char *detail)
{
    asker_problem (asker, problem, pal_text (detail), 0);
    return problem_status (problem);
}

uint32_t socket_accept (web_t *web, const pal_http_request_t *request, const char **ret_protocol)
{
    asker_t asker;
    char user_bytes[USER_BYTES_MAX], after_bytes[32];
    pal_text_t conversation, user, after;
    uint64_t number = 0;
    asker_init (&asker, web, request);
    uint32_t status = route_socket (&asker, request->path, &conversation);
    if (status)
        return status;
    if (web->draining)
        return refuse (&asker, PROBLEM_STOPPING, NULL);
    query_t named = request_query (request->query, "user_id", user_bytes, sizeof user_bytes, &user);
    if (named == QUERY_TOO_LONG || named == QUERY_TWICE
        || (user.size && !text_is_id (user, sizeof user_bytes)))
        return refuse (&asker, PROBLEM_BAD_PARAMETER, "user_id takes 1 to 255 bytes, once");
    if (!user.size)
        user = conversation;
    bool resumes = request_query (request->query, "after", after_bytes, sizeof after_bytes, &after)
                   != QUERY_MISSING;
    if (resumes && !events_number (after, &number))
        return refuse (&asker, PROBLEM_BAD_PARAMETER, "after takes the `seq` of an event");
    socket_t *self = socket_new (&asker, conversation, user);
    if (!self)
        return refuse (&asker, PROBLEM_BUSY, "out of memory");
    meters_count (&web->meters, ROUTE_socket_refuse, 101);
    self->resumes = resumes;
    self->after = number;
    web->sockets++;
    call_put (&web->calls, &self->call, request->call);
    if (offers (&asker))
        *ret_protocol = protocol;
    return 0;
}
