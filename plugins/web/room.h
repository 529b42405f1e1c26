/*  room -- a session's recent events, and the streams and WebSockets that follow it
    OWNS    rooms and their events; followers belong to the stream or socket that embeds them
    THREAD  the host's loop
    FAILS   room_add when memory runs out
    COST    about 200 bytes a room and its events; what all keep is bounded by `recent_mb`: the rooms that were
            not used for longest lose their events first, and go when nobody follows them

    Every kept event has a number that grows within its session. It is made of the time in microseconds, so
    that it grows over restarts too. A follower that comes back says the last number that it saw.  */

#ifndef WEB_ROOM_H
#define WEB_ROOM_H

#include "web/shelf.h"
#include "web/text.h"

struct web;

enum { ROOM_EVENTS = 20 };

typedef struct {
    uint64_t seq;
    pal_text_t json;  /* whole; its own memory */
    const char *type; /* "chat.response", or of what somebody sent; a constant */
} room_event_t;

typedef struct follower follower_t;

typedef struct {
    entry_t entry;
    uint64_t seq;   /* of the newest event, also when it is no longer kept */
    uint64_t floor; /* events up to here may be missing */
    size_t bytes;
    unsigned first, count;
    unsigned following;
    room_event_t *events; /* ROOM_EVENTS, a ring; NULL: none yet */
    follower_t *followers;
    char conversation[];
} room_t;

struct follower {
    room_t *room;
    follower_t *next, *previous;
    /*  `name`: the event's type; `seq` 0: it is not kept, and is dropped when it cannot be shown.  */
    void (*show) (follower_t *self, const char *name, uint64_t seq, pal_text_t json);
};

/*  The number that the next kept event gets; `at_us` is its time. Makes the room; 0: no memory.  */
uint64_t room_next (struct web *web, pal_text_t conversation, int64_t at_us);

/*  Keeps an event with the number that room_next gave, and shows it to who follows. `type`: a constant. Takes the text;
    `ret_kept` is lent until the next one is kept. False: no memory.  */
bool room_add (struct web *web, pal_text_t conversation, uint64_t seq, const char *type,
               text_t *json, pal_text_t *ret_kept);

/*  Shows something that is not kept.  */
void room_tell (struct web *web, pal_text_t conversation, const char *name, pal_text_t json);

bool room_follow (struct web *web, pal_text_t conversation, follower_t *follower);
void room_leave (struct web *web, follower_t *follower);

/*  May some of the events after `seq` be missing?  */
bool room_has_gap (const room_t *self, uint64_t seq);
/*  Shows the events after `seq` that there are.  */
void room_replay (follower_t *follower, uint64_t seq);

room_t *room_find (struct web *web, pal_text_t conversation);
bool room_has_answers (const room_t *self);
/*  The answers of a room as a JSON array.  */
void room_write_answers (const room_t *self, text_t *out);
/*  The session was reset: its events go.  */
void room_forget (struct web *web, pal_text_t conversation);

/*  Frees all; nobody follows any more.  */
void rooms_close (struct web *web);

#endif
