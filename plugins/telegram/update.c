#include "telegram/update.h"

#include "telegram/attachment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t number (const json_t *object, const char *name)
{
    return json_integer_value (json_object_get (object, name));
}

static pal_text_t text_of (const json_t *object, const char *name)
{
    const json_t *value = json_object_get (object, name);
    return (pal_text_t){json_string_value (value), json_string_length (value)};
}

static void nothing (update_t *self, const char *why)
{
    self->act = UPDATE_NOTHING;
    self->why = why;
}

/* ------------------------------------------------------------------ facts for the metadata */

/*  Copies what is there under the name that it gets.  */
static void copy (json_t *metadata, const char *ours, const json_t *object, const char *theirs)
{
    json_t *value = json_object_get (object, theirs);
    if (json_is_string (value) || json_is_integer (value) || json_is_true (value))
        json_object_set (metadata, ours, value);
}

static void add_user (json_t *metadata, const json_t *user)
{
    copy (metadata, "first_name", user, "first_name");
    copy (metadata, "last_name", user, "last_name");
    copy (metadata, "username", user, "username");
    copy (metadata, "language", user, "language_code");
}

static json_t *new_metadata (const update_t *self, const json_t *chat, const json_t *user)
{
    json_t *metadata = json_object ();
    copy (metadata, "chat_type", chat, "type");
    copy (metadata, "chat_title", chat, "title");
    add_user (metadata, user);
    json_object_set_new (metadata, "update_id", json_integer (self->update_id));
    json_object_set_new (metadata, "message_id", json_integer (self->message_id));
    return metadata;
}

/*  In a group without topics, and in General, Telegram names the message that a chain of answers began with: nothing
    can be sent to it as to a topic.  */
static int64_t topic_of (const json_t *message)
{
    bool topic = json_is_true (json_object_get (message, "is_topic_message"));
    return topic ? number (message, "message_thread_id") : 0;
}

static void add_topic (json_t *metadata, const json_t *message)
{
    if (topic_of (message))
        copy (metadata, "thread_id", message, "message_thread_id");
}

static char *dump (json_t *json)
{
    char *text = json ? json_dumps (json, JSON_COMPACT) : NULL;
    json_decref (json);
    return text;
}

/* ------------------------------------------------------------------ who and where */

/*  False: nobody to talk with, and `why` is said.  */
static bool read_chat (update_t *self, const json_t *chat)
{
    const char *type = json_string_value (json_object_get (chat, "type"));
    self->chat = number (chat, "id");
    if (!self->chat || !type)
        nothing (self, "malformed: no chat");
    else if (strcmp (type, "private") != 0 && strcmp (type, "group") != 0
             && strcmp (type, "supergroup") != 0)
        nothing (self, "in a channel");
    else
        self->group = strcmp (type, "private") != 0;
    return !self->why;
}

/*  People may write in the name of the group or of a channel of theirs: then a bot of Telegram's is the sender.
    False: nobody is there.  */
static bool read_user (update_t *self, const json_t *user, const json_t *in_the_name_of)
{
    self->user = number (in_the_name_of ? in_the_name_of : user, "id");
    if (!self->user)
        nothing (self, "malformed: no sender");
    else if (!in_the_name_of && json_is_true (json_object_get (user, "is_bot")))
        nothing (self, "from a bot");
    return !self->why;
}

/*  Behind the platform's id, which comes with the answer, whatever has been forgotten by then.  */
static void write_topic (update_t *self)
{
    size_t size = strlen (self->platform_id);
    if (self->thread)
        snprintf (self->platform_id + size, sizeof self->platform_id - size, ":t%" PRId64,
                  self->thread);
}

int64_t update_topic (pal_text_t platform_id)
{
    char text[UPDATE_ID_BYTES];
    int64_t thread = 0;
    snprintf (text, sizeof text, "%.*s", PAL_ARG (platform_id));
    const char *last = strrchr (text, ':');
    return last && sscanf (last, ":t%" SCNd64, &thread) == 1 ? thread : 0;
}

/*  Everything that events have in common. `platform_id` is written already.  */
static void publish (update_t *self, pal_event_type_t type, int64_t date, json_t *metadata)
{
    snprintf (self->conversation, sizeof self->conversation, "%" PRId64, self->chat);
    snprintf (self->user_id, sizeof self->user_id, "%" PRId64, self->user);
    self->metadata = dump (metadata);
    self->act = self->metadata ? UPDATE_PUBLISH : UPDATE_FAILED;
    self->event = (pal_event_t){
        .type = type,
        .conversation = pal_text (self->conversation),
        .user_id = pal_text (self->user_id),
        .platform_id = pal_text (self->platform_id),
        .timestamp_us = date > 0 && date < INT32_MAX * INT64_C (4) ? date * 1000000 : 0,
        .metadata = pal_text (self->metadata),
    };
}

/* ------------------------------------------------------------------ messages */

static void migrate (update_t *self, int64_t old_chat, int64_t new_chat)
{
    self->act = UPDATE_MIGRATE;
    self->old_chat = old_chat;
    self->new_chat = new_chat;
}

static void add_context (json_t *metadata, const json_t *message, const address_t *address,
                         const bot_t *bot)
{
    const json_t *answered = json_object_get (message, "reply_to_message");
    json_object_set_new (metadata, "addressed", json_string (address_name (address->how)));
    if (address->command.size)
        json_object_set_new (metadata, "command",
                             json_stringn (address->command.data, address->command.size));
    add_topic (metadata, message);
    copy (metadata, "album", message, "media_group_id");
    copy (metadata, "edited_at", message, "edit_date");
    copy (metadata, "quote", json_object_get (message, "quote"), "text");
    if (json_is_object (json_object_get (message, "forward_origin")))
        json_object_set_new (metadata, "forwarded", json_true ());
    if (!json_is_object (answered) || json_object_get (answered, "forum_topic_created"))
        return;
    copy (metadata, "answers", answered, "message_id");
    copy (metadata, "answers_text", answered,
          json_object_get (answered, "text") ? "text" : "caption");
    if (number (json_object_get (answered, "from"), "id") == bot->id)
        json_object_set_new (metadata, "answers_bot", json_true ());
}

static void write_message_id (update_t *self, const bot_t *bot, int64_t edit_date)
{
    int size = snprintf (self->platform_id, sizeof self->platform_id,
                         "%" PRId64 ":%" PRId64 ":%" PRId64, bot->id, self->chat, self->message_id);
    if (edit_date)
        snprintf (self->platform_id + size, sizeof self->platform_id - (size_t) size,
                  ":e%" PRId64 ":%" PRId64, edit_date, self->update_id);
    write_topic (self);
}

/*  The text as it is published; a sticker and a die say their emoji. False: memory ran out.  */
static bool take_text (update_t *self, const address_t *address, const json_t *message)
{
    pal_text_t emoji = text_of (json_object_get (message, "sticker"), "emoji");
    if (!emoji.size)
        emoji = text_of (json_object_get (message, "dice"), "emoji");
    self->event.message_text = address->text.size ? address->text : emoji;
    if (!address->text.size || address->cut_to == address->cut_from)
        return true;
    self->text = malloc (address->text.size);
    if (self->text)
        self->event.message_text = (pal_text_t){self->text, address_text (address, self->text)};
    return self->text != NULL;
}

static void publish_message (update_t *self, const json_t *message, const bot_t *bot,
                             const address_t *address, json_t *files, bool edited)
{
    int64_t edit_date = edited ? number (message, "edit_date") : 0;
    int64_t date = edit_date ? edit_date : number (message, "date");
    json_t *metadata =
        new_metadata (self, json_object_get (message, "chat"), json_object_get (message, "from"));
    add_context (metadata, message, address, bot);
    write_message_id (self, bot, edited ? edit_date + !edit_date : 0);
    publish (self, edited ? PAL_CHAT_EDIT : PAL_CHAT_MESSAGE, date, metadata);
    bool had = files != NULL;
    self->attachments = dump (files);
    self->event.attachments = pal_text (self->attachments);
    if (!take_text (self, address, message) || (had && !self->attachments))
        self->act = UPDATE_FAILED;
}

static void read_any_message (update_t *self, const json_t *message, const bot_t *bot, bool edited)
{
    address_t address;
    self->message_id = number (message, "message_id");
    self->thread = topic_of (message);
    if (!read_chat (self, json_object_get (message, "chat")))
        return;
    if (number (message, "migrate_to_chat_id"))
        migrate (self, self->chat, number (message, "migrate_to_chat_id"));
    else if (number (message, "migrate_from_chat_id"))
        migrate (self, number (message, "migrate_from_chat_id"), self->chat);
    if (self->act == UPDATE_MIGRATE
        || !read_user (self, json_object_get (message, "from"),
                       json_object_get (message, "sender_chat")))
        return;
    address_read (&address, message, bot);
    self->addressed = address.how;
    self->command = address.command;
    json_t *files = attachment_read (message);
    if (self->message_id <= 0)
        nothing (self, "malformed: no message_id");
    else if (!address.text.size && !files)
        nothing (self, "nothing was written");
    else if (json_is_true (json_object_get (message, "is_automatic_forward")))
        nothing (self, "forwarded by Telegram");
    else if (address.how == ADDRESS_OTHER && self->group)
        nothing (self, "for another bot");
    else if (address.how == ADDRESS_NONE && !bot->hears_all)
        nothing (self, "not meant for the bot");
    else {
        publish_message (self, message, bot, &address, files, edited);
        return;
    }
    json_decref (files);
}

static void read_message (update_t *self, const json_t *message, const bot_t *bot)
{
    read_any_message (self, message, bot, false);
}

static void read_edited (update_t *self, const json_t *message, const bot_t *bot)
{
    read_any_message (self, message, bot, true);
}

/* ------------------------------------------------------------------ buttons */

/*  The text on the button that carries `data`.  */
static const json_t *label_of (const json_t *message, pal_text_t data)
{
    const json_t *rows =
        json_object_get (json_object_get (message, "reply_markup"), "inline_keyboard");
    json_t *row, *button;
    size_t y, x;
    json_array_foreach (rows, y, row) json_array_foreach (
        row, x, button) if (pal_text_equal (text_of (button, "callback_data"), data)) return button;
    return NULL;
}

static json_t *action_body (pal_text_t data)
{
    const char *colon = memchr (data.data, ':', data.size);
    size_t size = colon ? (size_t) (colon - data.data) : data.size;
    json_t *body = json_object ();
    json_object_set_new (body, "action", json_stringn (data.data, size));
    if (colon)
        json_object_set_new (body, "value", json_stringn (colon + 1, data.size - size - 1));
    return body;
}

static void read_callback (update_t *self, const json_t *query, const bot_t *bot)
{
    const json_t *message = json_object_get (query, "message");
    pal_text_t data = text_of (query, "data");
    self->callback_query = text_of (query, "id");
    if (!message || !data.size || !self->callback_query.size) {
        nothing (self, "a button without a message or data");
        return;
    }
    self->message_id = number (message, "message_id");
    self->thread = topic_of (message);
    if (!read_chat (self, json_object_get (message, "chat"))
        || !read_user (self, json_object_get (query, "from"), NULL))
        return;
    json_t *metadata =
        new_metadata (self, json_object_get (message, "chat"), json_object_get (query, "from"));
    copy (metadata, "label", label_of (message, data), "text");
    add_topic (metadata, message);
    snprintf (self->platform_id, sizeof self->platform_id, "%" PRId64 ":c%.*s", bot->id,
              (int) (self->callback_query.size < 100 ? self->callback_query.size : 100),
              self->callback_query.data);
    write_topic (self);
    publish (self, PAL_CHAT_ACTION, 0, metadata);
    self->body = dump (action_body (data));
    self->event.body = pal_text (self->body);
    if (!self->body)
        self->act = UPDATE_FAILED;
}

/* ------------------------------------------------------------------ reactions */

/*  An emoji, or the id of one that somebody drew.  */
static pal_text_t reaction_text (const json_t *reaction)
{
    pal_text_t emoji = text_of (reaction, "emoji");
    pal_text_t custom = text_of (reaction, "custom_emoji_id");
    return emoji.size ? emoji : custom.size ? custom : text_of (reaction, "type");
}

/*  The first of `some` that is not in `others`.  */
static pal_text_t first_new (const json_t *some, const json_t *others)
{
    json_t *one, *other;
    size_t at, place;
    json_array_foreach (some, at, one)
    {
        bool known = false;
        json_array_foreach (others, place, other) known =
            known || pal_text_equal (reaction_text (one), reaction_text (other));
        if (!known && reaction_text (one).size)
            return reaction_text (one);
    }
    return (pal_text_t){0};
}

static void publish_reaction (update_t *self, const json_t *reaction, const bot_t *bot,
                              pal_text_t word, bool removed)
{
    json_t *metadata =
        new_metadata (self, json_object_get (reaction, "chat"), json_object_get (reaction, "user"));
    snprintf (self->platform_id, sizeof self->platform_id,
              "%" PRId64 ":%" PRId64 ":%" PRId64 ":r%" PRId64 ":%" PRId64 ":%" PRId64, bot->id,
              self->chat, self->message_id, self->user, number (reaction, "date"), self->update_id);
    publish (self, PAL_CHAT_REACTION, number (reaction, "date"), metadata);
    json_t *body = json_object ();
    json_object_set_new (body, "reaction", json_stringn (word.data, word.size));
    json_object_set_new (body, "removed", json_boolean (removed));
    self->body = dump (body);
    self->event.body = pal_text (self->body);
    if (!self->body)
        self->act = UPDATE_FAILED;
}

static void read_reaction (update_t *self, const json_t *reaction, const bot_t *bot)
{
    const json_t *before = json_object_get (reaction, "old_reaction");
    const json_t *after = json_object_get (reaction, "new_reaction");
    pal_text_t added = first_new (after, before), removed = first_new (before, after);
    self->message_id = number (reaction, "message_id");
    if (!read_chat (self, json_object_get (reaction, "chat"))
        || !read_user (self, json_object_get (reaction, "user"),
                       json_object_get (reaction, "actor_chat")))
        return;
    if (added.size)
        publish_reaction (self, reaction, bot, added, false);
    else if (removed.size)
        publish_reaction (self, reaction, bot, removed, true);
    else
        nothing (self, "no reaction has changed");
}

/* ------------------------------------------------------------------ the bot's own place */

static void read_membership (update_t *self, const json_t *change, const bot_t *bot)
{
    const json_t *member = json_object_get (change, "new_chat_member");
    const char *status = json_string_value (json_object_get (member, "status"));
    (void) bot;
    self->user = number (json_object_get (change, "from"), "id");
    if (!read_chat (self, json_object_get (change, "chat")))
        return;
    if (!status) {
        nothing (self, "malformed: no status");
        return;
    }
    self->act = UPDATE_MEMBERSHIP;
    self->reachable = strcmp (status, "member") == 0 || strcmp (status, "administrator") == 0
                      || (strcmp (status, "restricted") == 0
                          && json_is_true (json_object_get (member, "can_send_messages")));
}

/* ------------------------------------------------------------------ updates */

static const struct {
    const char *name;
    void (*read) (update_t *self, const json_t *body, const bot_t *bot);
} kinds[] = {
#define UPDATE(function, name, meaning) {name, read_##function},
#define ADDRESS(name, text, meaning)
#define MEDIA(field, mime, meaning)
#include "telegram/update.def"
#undef UPDATE
#undef ADDRESS
#undef MEDIA
};

void update_read (update_t *self, json_t *json, const bot_t *bot)
{
    const json_t *id = json_object_get (json, "update_id");
    *self = (update_t){.update_id = -1, .json = json_incref (json)};
    if (!json_is_integer (id) || json_integer_value (id) < 0) {
        nothing (self, "malformed: no update_id");
        return;
    }
    self->update_id = json_integer_value (id);
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++) {
        const json_t *body = json_object_get (json, kinds[at].name);
        if (body) {
            kinds[at].read (self, body, bot);
            return;
        }
    }
    nothing (self, "of a kind that was not asked for");
}

void update_parse (update_t *self, pal_text_t text, const bot_t *bot)
{
    json_t *json = json_loadb (text.size ? text.data : "", text.size, JSON_ALLOW_NUL, NULL);
    update_read (self, json, bot);
    json_decref (json);
}

void update_free (update_t *self)
{
    json_decref (self->json);
    free (self->text);
    free (self->metadata);
    free (self->attachments);
    free (self->body);
    *self = (update_t){0};
}

json_t *update_allowed (void)
{
    json_t *names = json_array ();
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
        json_array_append_new (names, json_string (kinds[at].name));
    return names;
}
