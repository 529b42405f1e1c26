#include "web/room.h"

#include "web/web.h"

#include <stdlib.h>
#include <string.h>

enum { OVERHEAD_BYTES = 64 };

static room_event_t *event_at (const room_t *self, unsigned at)
{
    return &self->events[(self->first + at) % ROOM_EVENTS];
}

room_t *room_find (web_t *web, pal_text_t conversation)
{
    entry_t *entry = shelf_get (&web->rooms, conversation);
    return entry ? ENTRY_OF (entry, room_t, entry) : NULL;
}

static void account (web_t *web, room_t *self, size_t more, size_t less)
{
    self->bytes += more - less;
    web->recent_bytes += more - less;
}

static void drop_oldest_event (web_t *web, room_t *self)
{
    room_event_t *event = event_at (self, 0);
    self->floor = event->seq;
    account (web, self, 0, event->json.size + OVERHEAD_BYTES);
    free ((char *) (uintptr_t) event->json.data);
    self->first = (self->first + 1) % ROOM_EVENTS;
    self->count--;
}

static void drop_events (web_t *web, room_t *self)
{
    while (self->count)
        drop_oldest_event (web, self);
    if (self->events)
        account (web, self, 0, ROOM_EVENTS * sizeof *self->events);
    free (self->events);
    self->events = NULL;
}

static void destroy (web_t *web, room_t *self)
{
    drop_events (web, self);
    shelf_remove (&web->rooms, &self->entry);
    web->recent_bytes -= self->bytes;
    free (self);
}

/*  A room that is made now knows nothing of what was before.  */
static room_t *make (web_t *web, pal_text_t conversation)
{
    room_t *self = calloc (1, sizeof *self + conversation.size);
    if (!self)
        return NULL;
    memcpy (self->conversation, conversation.data, conversation.size);
    self->entry.key = (pal_text_t){self->conversation, conversation.size};
    self->floor = (uint64_t) web->forgotten_us;
    shelf_put (&web->rooms, &self->entry);
    account (web, self, sizeof *self + conversation.size + OVERHEAD_BYTES, 0);
    return self;
}

static room_t *find_or_make (web_t *web, pal_text_t conversation)
{
    room_t *self = room_find (web, conversation);
    return self ? self : make (web, conversation);
}

uint64_t room_next (web_t *web, pal_text_t conversation, int64_t at_us)
{
    room_t *self = find_or_make (web, conversation);
    if (!self)
        return 0;
    return at_us > 0 && (uint64_t) at_us > self->seq ? (uint64_t) at_us : self->seq + 1;
}

/*  The room in use stays, and with it those that somebody follows, without their events if need be.  */
static void make_space (web_t *web, const room_t *in_use)
{
    size_t looks = web->rooms.count;
    while (web->recent_bytes > web->recent_bytes_max && looks-- > 0) {
        room_t *oldest = ENTRY_OF (shelf_oldest (&web->rooms), room_t, entry);
        if (oldest == in_use)
            return;
        if (oldest->followers) {
            drop_events (web, oldest);
            shelf_touch (&web->rooms, &oldest->entry);
        } else {
            web->forgotten_us = web->host->wall_us (web->host);
            destroy (web, oldest);
        }
    }
}

static bool is_answer (const room_event_t *event)
{
    return strcmp (event->type, "chat.response") == 0;
}

static void show_all (room_t *self, const char *name, uint64_t seq, pal_text_t json)
{
    for (follower_t *at = self->followers, *next; at; at = next) {
        next = at->next;
        at->show (at, name, seq, json);
    }
}

bool room_add (web_t *web, pal_text_t conversation, uint64_t seq, const char *type, text_t *json,
               pal_text_t *ret_kept)
{
    room_t *self = find_or_make (web, conversation);
    char *bytes = self && !json->failed ? realloc (json->data, json->size + 1) : NULL;
    if (!bytes)
        return false;
    pal_text_t text = {bytes, json->size};
    *json = (text_t){0};
    if (!self->events && (self->events = calloc (ROOM_EVENTS, sizeof *self->events)))
        account (web, self, ROOM_EVENTS * sizeof *self->events, 0);
    if (!self->events) {
        free (bytes);
        return false;
    }
    if (self->count == ROOM_EVENTS)
        drop_oldest_event (web, self);
    *event_at (self, self->count++) = (room_event_t){seq, text, type};
    self->seq = seq > self->seq ? seq : self->seq;
    account (web, self, text.size + OVERHEAD_BYTES, 0);
    shelf_touch (&web->rooms, &self->entry);
    show_all (self, type, seq, text);
    make_space (web, self);
    *ret_kept = text;
    return true;
}

void room_tell (web_t *web, pal_text_t conversation, const char *name, pal_text_t json)
{
    room_t *self = room_find (web, conversation);
    if (self)
        show_all (self, name, 0, json);
}

bool room_follow (web_t *web, pal_text_t conversation, follower_t *follower)
{
    room_t *self = find_or_make (web, conversation);
    if (!self)
        return false;
    follower->room = self;
    follower->previous = NULL;
    follower->next = self->followers;
    if (self->followers)
        self->followers->previous = follower;
    self->followers = follower;
    self->following++;
    shelf_touch (&web->rooms, &self->entry);
    return true;
}

void room_leave (web_t *web, follower_t *follower)
{
    room_t *self = follower->room;
    if (!self)
        return;
    if (follower->previous)
        follower->previous->next = follower->next;
    else
        self->followers = follower->next;
    if (follower->next)
        follower->next->previous = follower->previous;
    follower->room = NULL;
    self->following--;
    if (!self->followers && !self->count && !self->seq)
        destroy (web, self);
}

bool room_has_gap (const room_t *self, uint64_t seq)
{
    return seq != 0 && seq < self->floor;
}

void room_replay (follower_t *follower, uint64_t seq)
{
    const room_t *self = follower->room;
    for (unsigned at = 0; at < self->count; at++) {
        const room_event_t *event = event_at (self, at);
        if (event->seq > seq)
            follower->show (follower, event->type, event->seq, event->json);
    }
}

bool room_has_answers (const room_t *self)
{
    for (unsigned at = 0; at < self->count; at++) {
        if (is_answer (event_at (self, at)))
            return true;
    }
    return false;
}

void room_write_answers (const room_t *self, text_t *out)
{
    bool first = true;
    text_add (out, "[");
    for (unsigned at = 0; at < self->count; at++) {
        const room_event_t *event = event_at (self, at);
        if (!is_answer (event))
            continue;
        text_add (out, first ? "" : ",");
        text_add_view (out, event->json);
        first = false;
    }
    text_add (out, "]");
}

void room_forget (web_t *web, pal_text_t conversation)
{
    static const char reset[] = "{\"type\":\"session.reset\"}";
    room_t *self = room_find (web, conversation);
    if (!self)
        return;
    drop_events (web, self);
    show_all (self, "session.reset", 0, pal_text (reset));
    if (!self->followers)
        destroy (web, self);
}

void rooms_close (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->rooms));)
        destroy (web, ENTRY_OF (entry, room_t, entry));
}
