/*  delivery -- a reply on its way from the broker to everybody who wants it: the request that waits, who follows
    the session, and what is kept. It is `sent` when what a client may ask for again is on disk.  */
#include "web/web.h"

#include <stdlib.h>
#include <string.h>

enum { PASS_ON_MS = 500 };

/*  A reply that came before it is known whose answer it is, or that is left to the next process.  */
typedef struct {
    entry_t entry;
    pal_reply_t reply;
    char bytes[];
} held_t;

/*  A reply whose answer is being kept.  */
typedef struct {
    entry_t entry;
    web_t *web;
    uint64_t delivery;
    pal_id_t id;
} saving_t;

static void on_saved (void *arg, const pal_kv_result_t *result)
{
    saving_t *saving = arg;
    (void) result; /* not kept: the answer is here, and in the session */
    pal_sent (saving->web->host, saving->delivery, pal_text (saving->id.text));
    shelf_remove (&saving->web->savings, &saving->entry);
    free (saving);
}

static void finish (web_t *web, const pal_reply_t *reply, const ticket_t *ticket)
{
    saving_t *saving = ticket ? calloc (1, sizeof *saving) : NULL;
    if (!saving) {
        pal_sent (web->host, reply->delivery, pal_text (reply->id.text));
        return;
    }
    saving->web = web;
    saving->delivery = reply->delivery;
    saving->id = reply->id;
    saving->entry.key = (pal_text_t){(const char *) &saving->delivery, sizeof saving->delivery};
    shelf_put (&web->savings, &saving->entry);
    ticket_store_save (ticket, on_saved, saving);
}

/*  The ticket that is to be kept last: the broker keeps them in this order, and its word of that one is for all.  */
static const ticket_t *tell (ticket_t *ticket, const pal_reply_t *reply, pal_text_t json,
                             const ticket_t *unsaved)
{
    char bytes[64];
    bool is_kept = ticket->kept;
    ticket_answer (ticket, reply, json, answer_fallback (reply, bytes).size > 0);
    if (!is_kept)
        return unsaved;
    if (unsaved)
        ticket_store_save (unsaved, NULL, NULL);
    return ticket;
}

static void tell_all (web_t *web, ticket_t *ticket, const pal_reply_t *reply, pal_text_t json)
{
    const ticket_t *unsaved = ticket ? tell (ticket, reply, json, NULL) : NULL;
    ticket_t *next;
    for (ticket_t *at = ticket_merged (web, reply); at; at = next) {
        next = ticket_next_merged (at);
        unsaved = tell (at, reply, json, unsaved);
    }
    finish (web, reply, unsaved);
}

static void hand_out (web_t *web, const pal_reply_t *reply)
{
    text_t json = {0};
    pal_text_t kept;
    ticket_t *ticket = ticket_of_reply (web, reply);
    if (ticket) /* what is answered is stored, though its STORED may be still to come */
        ticket_show (ticket);
    uint64_t seq = room_next (web, reply->conversation, reply->timestamp_us);
    answer_write (&json, reply, seq);
    if (!seq || !room_add (web, reply->conversation, seq, "chat.response", &json, &kept)) {
        pal_not_sent (web->host, reply->delivery, 1000, "out of memory");
        text_free (&json);
        return;
    }
    tell_all (web, ticket, reply, kept);
}

/* ------------------------------------------------------------------ before what was kept is read */

static bool hold (web_t *web, const pal_reply_t *reply)
{
    size_t used = 0;
    size_t size = reply->conversation.size + reply->user_id.size + reply->platform_id.size
                  + reply->response_text.size + reply->sources.size + reply->disclaimers.size
                  + reply->recommendations.size + reply->metadata.size;
    held_t *held = calloc (1, sizeof *held + size + 1);
    if (!held)
        return false;
    held->reply = *reply;
    held->reply.body = pal_text (NULL);
    pal_text_t *own[] = {&held->reply.conversation,    &held->reply.user_id,
                         &held->reply.platform_id,     &held->reply.response_text,
                         &held->reply.sources,         &held->reply.disclaimers,
                         &held->reply.recommendations, &held->reply.metadata};
    for (size_t at = 0; at < sizeof own / sizeof *own; at++) {
        if (own[at]->size)
            memcpy (held->bytes + used, own[at]->data, own[at]->size);
        own[at]->data = held->bytes + used;
        used += own[at]->size;
    }
    held->entry.key =
        (pal_text_t){(const char *) &held->reply.delivery, sizeof held->reply.delivery};
    shelf_put (&web->held, &held->entry);
    return true;
}

void delivery_release (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->held));) {
        held_t *held = ENTRY_OF (entry, held_t, entry);
        shelf_remove (&web->held, entry);
        hand_out (web, &held->reply);
        free (held);
    }
}

static void pass_on (web_t *web, uint64_t delivery)
{
    pal_not_sent (web->host, delivery, PASS_ON_MS, "another process of the gateway takes over");
}

void delivery_pass_on (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->held));) {
        held_t *held = ENTRY_OF (entry, held_t, entry);
        shelf_remove (&web->held, entry);
        pass_on (web, held->reply.delivery);
        free (held);
    }
}

/*  Who follows a session has gone to the next process, and is shown its answers there. Those of a session in which
    somebody waits for an answer here are handed out here: they come one after the other.  */
static void take_while_draining (web_t *web, const pal_reply_t *reply)
{
    if (ticket_is_awaited (web, reply->conversation))
        hand_out (web, reply);
    else if (web->waiting == 0 || !hold (web, reply))
        pass_on (web, reply->delivery);
}

void delivery_take (web_t *web, const pal_reply_t *reply)
{
    if (web->draining)
        take_while_draining (web, reply);
    else if (web->kept_loaded)
        hand_out (web, reply);
    else if (!hold (web, reply))
        pal_not_sent (web->host, reply->delivery, 1000, "out of memory");
}

void delivery_close (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->savings));) {
        shelf_remove (&web->savings, entry);
        free (ENTRY_OF (entry, saving_t, entry));
    }
    for (entry_t *entry; (entry = shelf_oldest (&web->held));) {
        shelf_remove (&web->held, entry);
        free (ENTRY_OF (entry, held_t, entry));
    }
}
