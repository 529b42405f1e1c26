#include "telegram/options.h"

#include <stdlib.h>
#include <string.h>

const pal_key_t options_keys[] = {
    PAL_SECRET ("token", "the bot's token, from @BotFather: 123456789:AA..."),
    PAL_TEXT ("api_root", "https://api.telegram.org",
              "the Bot API server; http://127.0.0.1:8081 is one of your own"),
    PAL_TEXT ("mode", "polling", "how updates come: polling, or webhook"),
    PAL_INT ("poll_s", 50, 1, 50, "seconds that one request waits for updates"),
    PAL_TEXT ("webhook_url", "",
              "the public https address that Telegram calls, with a path of its own; mode webhook "
              "only, as are the next ones"),
    PAL_TEXT ("webhook_host", "127.0.0.1", "the address to listen on, as a number"),
    PAL_INT ("webhook_port", 8443, 0, 65535, "the port; 0: any that is free, named in the log"),
    PAL_TEXT ("webhook_tls_certificate", "",
              "a PEM file with the certificate and its chain; empty: a proxy in front does TLS"),
    PAL_TEXT ("webhook_tls_key", "", "a PEM file with its key"),
    PAL_INT ("webhook_connections", 40, 1, 100, "connections that Telegram opens at most"),
    PAL_TEXT ("allow", "",
              "ids of the users and chats that may use the bot, with blanks between them; empty: "
              "everybody"),
    PAL_TEXT ("deny", "", "ids of users and chats that may not, also when they are allowed"),
    PAL_BOOL ("groups_hear_all", 0,
              "in groups every message is for the bot, not only those that name it, answer it or "
              "are commands; privacy mode must be off at @BotFather"),
    PAL_TEXT ("start_text",
              "Hello! Write what you would like to know, or send /recommend for recommendations.",
              "what /start is answered with, in Markdown; empty: /start goes to the agents"),
    PAL_TEXT ("ai_notice",
              "You are talking with an AI system, not with a person. What it writes can be wrong.",
              "said once in each chat, with the first answer; empty: not said"),
    PAL_TEXT ("quote", "groups",
              "where an answer shows the message that it answers: groups, always or never"),
    PAL_BOOL ("typing", 1, "whether a chat shows that an answer is being written"),
    PAL_INT ("typing_s", 60, 5, 3600, "seconds that it shows so without a sign of the agent"),
    PAL_BOOL ("stream", 1, "whether a chat shows an answer while it is being written"),
    PAL_INT ("draft_ms", 1000, 500, 60000,
             "milliseconds between two states of such an answer in a private chat"),
    PAL_INT ("edit_ms", 3000, 1000, 60000, "the same in a group, where messages are edited"),
    PAL_INT ("messages_per_s", 30, 3, 1000, "messages a second, in all chats together"),
    PAL_INT ("chat_messages_per_s", 1, 1, 1000, "messages a second in one chat"),
    PAL_INT ("group_messages_per_min", 20, 4, 10000, "messages a minute in one group"),
    PAL_INT (
        "hold_s", 20, 1, 40,
        "seconds that an answer waits here when the chat is too fast; beyond, the broker tries "
        "it again"),
    PAL_INT ("timeout_s", 30, 1, 40, "seconds that Telegram has to answer a request"),
    PAL_INT ("recommendations", 3, 0, 3, "recommendations that an answer shows at most"),
};

/*  Ids with blanks or commas between them. False: something is no id.  */
static bool read_ids (ids_t *ids, pal_text_t text)
{
    size_t at = 0;
    while (at < text.size) {
        char word[24], *end;
        size_t size = 0;
        while (at < text.size && strchr (" ,\t\n", text.data[at]))
            at++;
        while (at < text.size && !strchr (" ,\t\n", text.data[at])) {
            if (size < sizeof word - 1)
                word[size++] = text.data[at];
            at++;
        }
        word[size] = 0;
        if (!size)
            break;
        long long id = strtoll (word, &end, 10);
        if (*end || !ids_put (ids, id, 1))
            return false;
    }
    return true;
}

/*  123456789:AA...; only what may stand in the path of an address.  */
static bool is_token (pal_text_t token)
{
    size_t colon = 0;
    for (size_t at = 0; at < token.size; at++) {
        char c = token.data[at];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
        if (c == ':' && !colon)
            colon = at;
        else if (!digit && !(letter && colon))
            return false;
    }
    return colon > 0 && colon + 1 < token.size;
}

static bool starts (pal_text_t text, const char *with)
{
    size_t size = strlen (with);
    return text.size > size && memcmp (text.data, with, size) == 0;
}

/*  The token may end in the line end of the file that it is in.  */
static pal_text_t trimmed (pal_text_t text, const char *end)
{
    while (text.size && strchr (end, text.data[text.size - 1]))
        text.size--;
    return text;
}

static int read_words (options_t *self, const pal_host_t *host)
{
    pal_text_t mode = host->conf_text (host, "mode"), quote = host->conf_text (host, "quote");
    self->webhook = pal_text_is (mode, "webhook");
    if (!self->webhook && !pal_text_is (mode, "polling"))
        return host->fail (host, "mode = \"%.*s\": polling or webhook", PAL_ARG (mode));
    self->quote = pal_text_is (quote, "always")  ? QUOTE_ALWAYS
                  : pal_text_is (quote, "never") ? QUOTE_NEVER
                                                 : QUOTE_GROUPS;
    if (self->quote == QUOTE_GROUPS && !pal_text_is (quote, "groups"))
        return host->fail (host, "quote = \"%.*s\": groups, always or never", PAL_ARG (quote));
    if (self->token.size && !is_token (self->token))
        return host->fail (host, "token: not one of @BotFather's: 123456789:AA...");
    if (!starts (self->api_root, "https://") && !starts (self->api_root, "http://"))
        return host->fail (host, "api_root = \"%.*s\": an address, https://api.telegram.org",
                           PAL_ARG (self->api_root));
    if (self->webhook && !starts (self->webhook_url, "https://")
        && !starts (self->webhook_url, "http://"))
        return host->fail (host, "webhook_url: needed for mode = \"webhook\"");
    return 0;
}

static void read_numbers (options_t *self, const pal_host_t *host)
{
    self->poll_s = (uint32_t) host->conf_int (host, "poll_s");
    self->groups_hear_all = host->conf_bool (host, "groups_hear_all");
    self->typing = host->conf_bool (host, "typing");
    self->typing_s = (uint32_t) host->conf_int (host, "typing_s");
    self->stream = host->conf_bool (host, "stream");
    self->draft_ms = (uint32_t) host->conf_int (host, "draft_ms");
    self->edit_ms = (uint32_t) host->conf_int (host, "edit_ms");
    self->hold_s = (uint32_t) host->conf_int (host, "hold_s");
    self->timeout_s = (uint32_t) host->conf_int (host, "timeout_s");
    self->per_s = (uint32_t) host->conf_int (host, "messages_per_s");
    self->chat_per_s = (uint32_t) host->conf_int (host, "chat_messages_per_s");
    self->group_per_min = (uint32_t) host->conf_int (host, "group_messages_per_min");
    self->recommendations = (uint32_t) host->conf_int (host, "recommendations");
}

int options_read (options_t *self, const pal_host_t *host)
{
    *self = (options_t){
        .token = trimmed (host->conf_text (host, "token"), " \t\r\n"),
        .api_root = trimmed (host->conf_text (host, "api_root"), "/"),
        .webhook_url = host->conf_text (host, "webhook_url"),
        .start_text = host->conf_text (host, "start_text"),
        .ai_notice = host->conf_text (host, "ai_notice"),
    };
    read_numbers (self, host);
    int failed = read_words (self, host);
    if (!failed && !read_ids (&self->allow, host->conf_text (host, "allow")))
        failed = host->fail (host, "allow: ids are numbers, with blanks between them");
    if (!failed && !read_ids (&self->deny, host->conf_text (host, "deny")))
        failed = host->fail (host, "deny: ids are numbers, with blanks between them");
    return failed;
}

void options_free (options_t *self)
{
    ids_free (&self->allow);
    ids_free (&self->deny);
}

bool options_deny (const options_t *self, int64_t chat, int64_t user)
{
    return ids_get (&self->deny, chat, NULL) || ids_get (&self->deny, user, NULL);
}

bool options_allow (const options_t *self, int64_t chat, int64_t user)
{
    return !self->allow.count || ids_get (&self->allow, chat, NULL)
           || ids_get (&self->allow, user, NULL);
}
