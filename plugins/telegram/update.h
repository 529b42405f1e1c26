/*  update -- an update of the Bot API, as what there is to do about it
    OWNS    the texts of `event`, until update_free; `json` is lent for the call and kept
    THREAD  the host's loop
    FAILS   UPDATE_FAILED when memory runs out: it is to be read again, so it must not be confirmed yet
    COST    one walk over the update, and writing its metadata

    The session is telegram_CHAT, the user is who acted, and the platform's id of an event is
        BOT:CHAT:MESSAGE                       a message: it survives a change of the server, where update ids do not
        BOT:CHAT:MESSAGE:eDATE:UPDATE          an edit: several may come within a second
        BOT:cQUERY                             a button
        BOT:CHAT:MESSAGE:rUSER:DATE:UPDATE     a reaction
    so an update that is delivered again has the same id, and two different ones never have; BOT is there because
    message ids begin anew with another bot. The first three end in :tTOPIC when they are in a topic of a forum.

    In groups only what is meant for the bot is published (see address.h), or everything with bot->hears_all. The text
    comes without "@this_bot" where it only calls the bot: "/help@this_bot me" is "/help me". A button's data
    "ACTION:VALUE" is published as these two.  */

#ifndef TELEGRAM_UPDATE_H
#define TELEGRAM_UPDATE_H

#include "telegram/address.h"

typedef enum {
    UPDATE_NOTHING = 0, /* to be confirmed, no more; `why` says why */
    UPDATE_PUBLISH,     /* `event`; to be confirmed when it is stored */
    UPDATE_MIGRATE, /* the group old_chat is the supergroup new_chat from now on (it is told twice) */
    UPDATE_MEMBERSHIP, /* the bot may write in `chat`, or not any more: `reachable` */
    UPDATE_FAILED,     /* memory ran out */
} update_act_t;

enum { UPDATE_ID_BYTES = 160, UPDATE_NUMBER_BYTES = 24 };

/*  Not to be moved while it is in use: `event` points into it.  */
typedef struct {
    update_act_t act;
    const char *why;         /* NOTHING: "not meant for the bot"; a constant */
    int64_t update_id;       /* -1: there is none; what has none cannot be confirmed */
    int64_t chat;            /* 0: none */
    int64_t message_id;      /* that was written, changed, reacted to, or has the button; 0: none */
    int64_t thread;          /* the topic it is in; 0: none */
    int64_t user;            /* who acted; 0: unknown */
    bool group;              /* a group or supergroup, not a private chat */
    address_how_t addressed; /* messages and edits */
    pal_text_t
        command; /* "start", when the text begins with a command for the bot; lent by `json` */
    pal_text_t
        callback_query; /* a button: to be answered with answerCallbackQuery; lent by `json` */
    int64_t old_chat, new_chat;
    bool reachable;
    pal_event_t event;

    /*  Its own.  */
    json_t *json;
    char *text, *metadata, *attachments, *body;
    char conversation[UPDATE_NUMBER_BYTES], user_id[UPDATE_NUMBER_BYTES];
    char platform_id[UPDATE_ID_BYTES];
} update_t;

/*  One element of getUpdates' result, or what a webhook brought.  */
void update_read (update_t *self, json_t *json, const bot_t *bot);

/*  The same from text; what is not JSON is NOTHING with update_id -1.  */
void update_parse (update_t *self, pal_text_t text, const bot_t *bot);

void update_free (update_t *self);

/*  The topic that the platform's id of an event names; 0: none.  */
int64_t update_topic (pal_text_t platform_id);

/*  A new array for allowed_updates: all that update_read knows.  */
json_t *update_allowed (void);

#endif
