/*  address -- is a message meant for the bot, and which part of its text only says so?
    OWNS    nothing; texts are lent by the message
    THREAD  any
    FAILS   never: what is malformed is not there
    COST    one walk over the text and its entities

    In a group the bot is meant by a command (/help, /help@this_bot), by its name or a link to it anywhere in the text,
    and by a reply to one of its messages. A command for another bot is never for this one.  */

#ifndef TELEGRAM_ADDRESS_H
#define TELEGRAM_ADDRESS_H

#include "sdk/adapter.h"

#include <jansson.h>

typedef enum {
#define UPDATE(function, name, meaning)
#define ADDRESS(name, text, meaning) ADDRESS_##name,
#define MEDIA(field, mime, meaning)
#include "telegram/update.def"
#undef UPDATE
#undef ADDRESS
#undef MEDIA
} address_how_t;

/*  The bot, as getMe tells it.  */
typedef struct {
    int64_t id;
    const char *username; /* without '@' */
    bool hears_all;       /* in groups: everything is for it, except commands for others */
} bot_t;

typedef struct {
    address_how_t how;
    pal_text_t text; /* text or caption; empty: there is none */
    pal_text_t
        command; /* "help", when the text begins with a command that is not for another bot */
    size_t cut_from, cut_to; /* these bytes of the text only name the bot: "@this_bot " */
} address_t;

void address_read (address_t *self, const json_t *message, const bot_t *bot);

const char *address_name (address_how_t how);

/*  The text without what only names the bot; whole when nothing else would be left. Writes at most text.size
    bytes and gives their number.  */
size_t address_text (const address_t *self, char *out);

#endif
