#include "web/ticket.h"

#include "web/answer.h"
#include "web/room.h"
#include "web/web.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t FULL_RETRY_MS = 1000;

/* ------------------------------------------------------------------ how long it is kept */

static void free_if_over (ticket_t *self)
{
    if (!self->published && !self->waiter && !self->kept && !self->ending)
        ticket_destroy (self);
}

/*  Nobody can name it any more; it goes when it is over.  */
static void forget (ticket_t *self)
{
    ticket_store_remove (self);
    self->web->kept_count--;
    self->kept = false;
    free_if_over (self);
}

void tickets_make_room (web_t *web)
{
    int64_t old = web->host->wall_us (web->host) - web->kept_us_max;
    size_t looks = web->tickets.count;
    while (looks-- > 0 && shelf_oldest (&web->tickets)) {
        ticket_t *oldest = ENTRY_OF (shelf_oldest (&web->tickets), ticket_t, by_name);
        bool over = web->kept_count > web->kept_max || oldest->since_us < old;
        if (!over)
            return;
        bool may_go = oldest->kept && !oldest->waiter && !oldest->published;
        if (may_go)
            forget (oldest);
        else /* one that waits: it ends by itself */
            shelf_touch (&web->tickets, &oldest->by_name);
    }
}

void ticket_keep (ticket_t *self)
{
    if (self->kept)
        return;
    self->kept = true;
    self->web->kept_count++;
    ticket_store_save (self, NULL, NULL);
    tickets_make_room (self->web);
}

/* ------------------------------------------------------------------ who waits */

void ticket_leave (ticket_t *self)
{
    web_t *web = self->web;
    bool last = self->waiter && --web->waiting == 0;
    web->host->timer_cancel (web->host, self->timer);
    self->timer = 0;
    self->waiter = NULL;
    free_if_over (self);
    if (last && web->idle)
        web->idle (web);
}

bool ticket_is_awaited (const web_t *web, pal_text_t conversation)
{
    const shelf_t *tickets = &web->tickets;
    for (const entry_t *at = tickets->ends.newer; at != &tickets->ends; at = at->newer) {
        const ticket_t *self = ENTRY_OF (at, ticket_t, by_name);
        if (self->waiter && pal_text_equal (self->conversation, conversation))
            return true;
    }
    return false;
}

/*  The waiter may keep the ticket, or leave it, while it is told.  */
static void end (ticket_t *self, const ticket_end_t *how)
{
    const ticket_waiter_t *waiter = self->waiter;
    if (!waiter)
        return;
    self->ending = true;
    ticket_leave (self);
    waiter->ended (self->arg, self, how);
    self->ending = false;
}

static void on_late (void *arg)
{
    ticket_t *self = arg;
    self->timer = 0;
    end (self, &(ticket_end_t){.how = TICKET_LATE, .stored = self->stored});
    free_if_over (self);
}

static void wait_for (ticket_t *self, const ticket_waiter_t *waiter, void *arg, uint32_t wait_ms)
{
    const pal_host_t *host = self->web->host;
    self->waiter = waiter;
    self->arg = arg;
    self->web->waiting++;
    if (wait_ms)
        self->timer = host->timer (host, wait_ms, 0, on_late, self);
}

/* ------------------------------------------------------------------ publishing */

void ticket_show (ticket_t *self)
{
    web_t *web = self->web;
    pal_text_t kept;
    if (!self->event.size)
        return;
    uint64_t seq = room_next (web, self->conversation, web->host->wall_us (web->host));
    answer_end (&self->event, seq);
    if (seq)
        room_add (web, self->conversation, seq, answer_type (self->type), &self->event, &kept);
    text_free (&self->event);
}

/*  The event was not taken: the same key may be tried again.  */
static void refuse (ticket_t *self, const pal_published_t *result)
{
    bool busy = result->taken == PAL_BUSY;
    self->ending = true;
    end (self, &(ticket_end_t){.how = busy ? TICKET_BUSY : TICKET_REJECTED,
                               .retry_after_ms = busy ? result->retry_after_ms : 0,
                               .reason = result->reason});
    if (self->kept)
        ticket_store_remove (self);
    ticket_destroy (self);
}

static void on_published (void *arg, const pal_published_t *result)
{
    ticket_t *self = arg;
    self->published = false;
    if (result->taken != PAL_STORED) {
        refuse (self, result);
        return;
    }
    self->stored = true;
    self->ending = true;
    if (self->waiter && self->waiter->stored)
        self->waiter->stored (self->arg, self);
    self->ending = false;
    ticket_show (self);
    free_if_over (self);
}

static void publish (ticket_t *self, const ticket_order_t *order)
{
    const pal_host_t *host = self->web->host;
    pal_event_t event = order->event;
    pal_id_t id;
    event.platform_id = pal_text (self->name);
    if (!event.timestamp_us)
        event.timestamp_us = host->wall_us (host);
    self->published = true;
    host->publish (host, &event, on_published, self, &id);
    if (!self->id.text[0]) { /* a repeat keeps the id that the broker knows */
        self->id = id;
        self->type = event.type;
        text_free (&self->event);
        answer_begin_event (&self->event, &event, pal_text (id.text));
    }
}

/* ------------------------------------------------------------------ taking */

static void hash (uint8_t out[TICKET_HASH_BYTES], pal_text_t a, pal_text_t b)
{
    crypto_generichash_state state;
    crypto_generichash_init (&state, NULL, 0, TICKET_HASH_BYTES);
    crypto_generichash_update (&state, (const unsigned char *) &a.size, sizeof a.size);
    crypto_generichash_update (&state, (const unsigned char *) a.data, a.size);
    crypto_generichash_update (&state, (const unsigned char *) b.data, b.size);
    crypto_generichash_final (&state, out, TICKET_HASH_BYTES);
}

static void make_name (web_t *web, const ticket_order_t *order,
                       char ret_name[TICKET_HASH_BYTES * 2 + 1])
{
    uint8_t bytes[TICKET_HASH_BYTES];
    if (order->key.size)
        hash (bytes, order->scope, order->key); /* one client's key is not another one's */
    else
        web->host->random (web->host, bytes, sizeof bytes);
    sodium_bin2hex (ret_name, TICKET_HASH_BYTES * 2 + 1, bytes, sizeof bytes);
}

/*  A key that is known: what came of its first use.  */
static ticket_taking_t take_again (ticket_t *self, const ticket_order_t *order,
                                   const uint8_t same[TICKET_HASH_BYTES],
                                   const ticket_waiter_t *waiter, void *arg)
{
    if (memcmp (self->same, same, TICKET_HASH_BYTES) != 0)
        return TICKET_OTHER_BODY;
    if (self->waiter || self->published)
        return TICKET_IN_FLIGHT;
    shelf_touch (&self->web->tickets, &self->by_name);
    if (self->state != TICKET_PENDING)
        return TICKET_REPEATED;
    if (!self->stored) /* the broker drops it if it has it */
        publish (self, order);
    wait_for (self, waiter, arg, order->wait_ms);
    return TICKET_TAKEN;
}

static ticket_t *take_new (web_t *web, const ticket_order_t *order, pal_text_t name,
                           const uint8_t same[TICKET_HASH_BYTES])
{
    ticket_t *self = ticket_new (web, name, order->event.conversation);
    if (!self)
        return NULL;
    memcpy (self->same, same, TICKET_HASH_BYTES);
    publish (self, order);
    ticket_register (self);
    if (order->key.size)
        ticket_keep (self);
    return self;
}

ticket_taking_t ticket_take (web_t *web, const ticket_order_t *order, const ticket_waiter_t *waiter,
                             void *arg, ticket_t **ret_ticket)
{
    char name[TICKET_HASH_BYTES * 2 + 1];
    uint8_t same[TICKET_HASH_BYTES] = {0};
    ticket_taking_t taking = TICKET_TAKEN;
    if (web->waiting >= web->waiting_max)
        return TICKET_FULL;
    if (order->key.size && !web->kept_loaded)
        return TICKET_TOO_SOON;
    make_name (web, order, name);
    if (order->key.size)
        hash (same, pal_text (NULL), order->same);
    entry_t *entry = order->key.size ? shelf_get (&web->tickets, pal_text (name)) : NULL;
    ticket_t *self = entry ? ENTRY_OF (entry, ticket_t, by_name) : NULL;
    if (self) {
        taking = take_again (self, order, same, waiter, arg);
    } else {
        self = take_new (web, order, pal_text (name), same);
        if (!self)
            return TICKET_FULL;
        wait_for (self, waiter, arg, order->wait_ms);
    }
    *ret_ticket = self;
    return taking;
}

/* ------------------------------------------------------------------ answers */

ticket_t *ticket_find (web_t *web, pal_text_t id)
{
    entry_t *entry = shelf_get (&web->ticket_ids, id);
    ticket_t *self = entry ? ENTRY_OF (entry, ticket_t, by_id) : NULL;
    return self && self->kept ? self : NULL;
}

ticket_t *ticket_of_reply (web_t *web, const pal_reply_t *reply)
{
    entry_t *entry =
        reply->has_reply_to ? shelf_get (&web->ticket_ids, pal_text (reply->reply_to.text)) : NULL;
    if (entry)
        return ENTRY_OF (entry, ticket_t, by_id);
    entry = reply->platform_id.size ? shelf_get (&web->tickets, reply->platform_id) : NULL;
    return entry ? ENTRY_OF (entry, ticket_t, by_name) : NULL;
}

static ticket_t *of_merged (const entry_t *entry)
{
    return entry ? ENTRY_OF (entry, ticket_t, by_into) : NULL;
}

static ticket_t *first_merged (const web_t *web, const pal_id_t *into)
{
    return of_merged (shelf_get (&web->merged, pal_text (into->text)));
}

ticket_t *ticket_merged (web_t *web, const pal_reply_t *reply)
{
    return reply->has_reply_to ? first_merged (web, &reply->reply_to) : NULL;
}

ticket_t *ticket_next_merged (const ticket_t *self)
{
    return of_merged (shelf_next (&self->by_into));
}

void ticket_answer (ticket_t *self, const pal_reply_t *reply, pal_text_t json, bool failed)
{
    self->state = failed ? TICKET_FAILED : TICKET_DONE;
    self->stored = true;
    if (self->kept) {
        self->answer.size = 0;
        text_add_view (&self->answer, json);
    }
    self->ending = true;
    end (self,
         &(ticket_end_t){.how = TICKET_ANSWERED, .stored = true, .reply = reply, .json = json});
    self->ending = false;
    free_if_over (self);
}

/*  A replay may answer it yet: then its session shows the answer, and so does what is polled.  */
static void set_aside (ticket_t *self)
{
    self->stored = true;
    end (self, &(ticket_end_t){.how = TICKET_ASIDE, .stored = true});
    free_if_over (self);
}

problem_t ticket_problem (const ticket_end_t *end)
{
    switch (end->how) {
    case TICKET_BUSY:
        return PROBLEM_BUSY;
    case TICKET_REJECTED:
        return PROBLEM_REJECTED;
    case TICKET_STOPPED:
        return PROBLEM_STOPPING;
    case TICKET_ASIDE:
        return PROBLEM_ASIDE;
    case TICKET_INTERRUPTED:
        return PROBLEM_INTERRUPTED;
    case TICKET_LATE:
    case TICKET_ANSWERED:
        break;
    }
    return end->stored ? PROBLEM_LATE : PROBLEM_NOT_STORED;
}

pal_text_t ticket_replaced_by (const ticket_t *self, char bytes[TICKET_WORDS_BYTES])
{
    snprintf (bytes, TICKET_WORDS_BYTES, "The newer message %s took its place.", self->by.text);
    return pal_text (bytes);
}

static void replace (ticket_t *self, const pal_id_t *by)
{
    char words[TICKET_WORDS_BYTES];
    if (self->state != TICKET_PENDING)
        return;
    if (self->into.text[0])
        shelf_remove (&self->web->merged, &self->by_into);
    self->into.text[0] = 0;
    self->by = *by;
    self->state = TICKET_REPLACED;
    self->stored = true;
    if (self->kept)
        ticket_store_save (self, NULL, NULL);
    end (self, &(ticket_end_t){.how = TICKET_INTERRUPTED,
                               .stored = true,
                               .reason = ticket_replaced_by (self, words)});
    free_if_over (self);
}

static void end_wait (ticket_t *self, const pal_id_t *by)
{
    if (by->text[0])
        replace (self, by);
    else
        set_aside (self);
}

/*  With all that were merged into it, whoever of them still waits.  */
static void end_waits (web_t *web, ticket_t *self, const pal_id_t *id, const pal_id_t *by)
{
    ticket_t *next;
    if (self)
        end_wait (self, by);
    for (ticket_t *at = first_merged (web, id); at; at = next) {
        next = ticket_next_merged (at);
        end_wait (at, by);
    }
}

/*  It has no answer of its own from now on.  */
static void merge (ticket_t *self, const pal_id_t *into)
{
    if (self->into.text[0] || self->state != TICKET_PENDING)
        return;
    self->into = *into;
    self->by_into.key = pal_text (self->into.text);
    shelf_put (&self->web->merged, &self->by_into);
    if (self->kept)
        ticket_store_save (self, NULL, NULL);
}

/*  Words of an answer: read once, and only if somebody wants them.  */
typedef struct {
    const pal_live_t *live;
    bool is_read, is_good;
    text_t text;
    uint64_t index;
} words_t;

static void add_words (ticket_t *self, words_t *words)
{
    if (!self->waiter || !self->waiter->delta)
        return;
    if (!words->is_read)
        words->is_good = answer_delta (&words->text, words->live, &words->index);
    words->is_read = true;
    if (words->is_good)
        self->waiter->delta (self->arg, self, text_view (&words->text), words->index);
}

/*  Those that were merged into it have the same answer.  */
static void add_words_to_all (web_t *web, ticket_t *self, const pal_live_t *live)
{
    words_t words = {.live = live};
    ticket_t *next;
    if (self)
        add_words (self, &words);
    for (ticket_t *at = first_merged (web, &live->reply_to); at; at = next) {
        next = ticket_next_merged (at);
        add_words (at, &words);
    }
    text_free (&words.text);
}

void ticket_live (web_t *web, const pal_live_t *live)
{
    pal_id_t other;
    if (!live->has_reply_to)
        return;
    entry_t *entry = shelf_get (&web->ticket_ids, pal_text (live->reply_to.text));
    ticket_t *self = entry ? ENTRY_OF (entry, ticket_t, by_id) : NULL;
    if (pal_text_is (live->type, "chat.delta"))
        add_words_to_all (web, self, live);
    else if (answer_is_over (live, &other))
        end_waits (web, self, &live->reply_to, &other);
    else if (self && answer_is_merged (live, &other))
        merge (self, &other);
}

void tickets_close (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->tickets));) {
        ticket_t *self = ENTRY_OF (entry, ticket_t, by_name);
        self->published = false; /* the host will not call back any more */
        self->ending = true;
        end (self, &(ticket_end_t){.how = TICKET_STOPPED,
                                   .stored = self->stored,
                                   .retry_after_ms = FULL_RETRY_MS});
        ticket_destroy (self);
    }
}
