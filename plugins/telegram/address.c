#include "telegram/address.h"

#include <string.h>
#include <strings.h>

static const char *const names[] = {
#define UPDATE(function, name, meaning)
#define ADDRESS(name, text, meaning) text,
#define MEDIA(field, mime, meaning)
#include "telegram/update.def"
#undef UPDATE
#undef ADDRESS
#undef MEDIA
};

const char *address_name (address_how_t how)
{
    return names[how];
}

/*  Where `units` UTF-16 code units from the start of the text end, in bytes.  */
static size_t bytes_of (pal_text_t text, json_int_t units)
{
    size_t at = 0;
    while (at < text.size && units > 0) {
        units -= (unsigned char) text.data[at] >= 0xf0 ? 2 : 1;
        for (at++; at < text.size && ((unsigned char) text.data[at] & 0xc0) == 0x80;)
            at++;
    }
    return at;
}

/*  What an entity covers, or an empty text.  */
static pal_text_t covered (pal_text_t text, const json_t *entity)
{
    json_int_t offset = json_integer_value (json_object_get (entity, "offset"));
    json_int_t length = json_integer_value (json_object_get (entity, "length"));
    if (offset < 0 || length <= 0 || !text.size)
        return (pal_text_t){0};
    size_t from = bytes_of (text, offset);
    pal_text_t rest = {text.data + from, text.size - from};
    return (pal_text_t){rest.data, bytes_of (rest, length)};
}

static bool is_name (pal_text_t text, const bot_t *bot)
{
    size_t size = strlen (bot->username);
    return size && text.size == size + 1 && text.data[0] == '@'
           && strncasecmp (text.data + 1, bot->username, size) == 0;
}

static pal_text_t from_at (pal_text_t text)
{
    const char *at = text.size ? memchr (text.data, '@', text.size) : NULL;
    if (!at)
        return (pal_text_t){0};
    return (pal_text_t){at, text.size - (size_t) (at - text.data)};
}

/*  Names at the start are cut off with the blanks and the comma behind them.  */
static void cut_name (address_t *self, pal_text_t name)
{
    size_t from = (size_t) (name.data - self->text.data), to = from + name.size;
    if (from)
        return;
    while (to < self->text.size && strchr (" ,:;\n\t", self->text.data[to]) && self->text.data[to])
        to++;
    self->cut_to = to;
}

static void read_command (address_t *self, pal_text_t word, const bot_t *bot)
{
    pal_text_t name = from_at (word);
    bool first = word.data == self->text.data;
    if (word.data[0] != '/')
        return;
    if (name.size && !is_name (name, bot)) {
        if (first)
            self->how = ADDRESS_OTHER;
        return;
    }
    if (!first) {
        if (name.size && self->how == ADDRESS_NONE)
            self->how = ADDRESS_MENTION;
        return;
    }
    self->how = ADDRESS_COMMAND;
    self->command = (pal_text_t){word.data + 1, word.size - name.size - 1};
    self->cut_from = word.size - name.size;
    self->cut_to = word.size;
}

static void read_entity (address_t *self, const json_t *entity, const bot_t *bot)
{
    const char *type = json_string_value (json_object_get (entity, "type"));
    pal_text_t word = covered (self->text, entity);
    if (!type || !word.size)
        return;
    if (strcmp (type, "bot_command") == 0) {
        read_command (self, word, bot);
        return;
    }
    const json_t *user = json_object_get (entity, "user");
    bool mine = strcmp (type, "mention") == 0
                    ? is_name (word, bot)
                    : strcmp (type, "text_mention") == 0
                          && json_integer_value (json_object_get (user, "id")) == bot->id;
    if (mine && self->how == ADDRESS_NONE) {
        self->how = ADDRESS_MENTION;
        cut_name (self, word);
    }
}

/*  In a topic every message seems to answer the one that made the topic.  */
static bool answers_bot (const json_t *message, const bot_t *bot)
{
    const json_t *answered = json_object_get (message, "reply_to_message");
    const json_t *from = json_object_get (answered, "from");
    return json_is_object (from) && !json_object_get (answered, "forum_topic_created")
           && json_integer_value (json_object_get (from, "id")) == bot->id;
}

void address_read (address_t *self, const json_t *message, const bot_t *bot)
{
    const char *type =
        json_string_value (json_object_get (json_object_get (message, "chat"), "type"));
    const json_t *text = json_object_get (message, "text"), *entity;
    const char *list = text ? "entities" : "caption_entities";
    size_t at;
    if (!text)
        text = json_object_get (message, "caption");
    *self = (address_t){.text = {json_string_value (text), json_string_length (text)}};
    json_array_foreach (json_object_get (message, list), at, entity)
        read_entity (self, entity, bot);
    if (type && strcmp (type, "private") == 0) {
        self->how = self->how == ADDRESS_COMMAND ? ADDRESS_COMMAND : ADDRESS_PRIVATE;
        return;
    }
    if (self->how == ADDRESS_NONE && answers_bot (message, bot))
        self->how = ADDRESS_REPLY;
}

size_t address_text (const address_t *self, char *out)
{
    size_t rest = self->text.size - self->cut_to;
    if (!self->text.size)
        return 0;
    if (self->cut_from + rest == 0) {
        memcpy (out, self->text.data, self->text.size);
        return self->text.size;
    }
    memcpy (out, self->text.data, self->cut_from);
    memcpy (out + self->cut_from, self->text.data + self->cut_to, rest);
    return self->cut_from + rest;
}
