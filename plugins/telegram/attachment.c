#include "telegram/attachment.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *field;
    const char *mime;
} files[] = {
#define UPDATE(function, name, meaning)
#define ADDRESS(name, text, meaning)
#define MEDIA(field, mime, meaning) {#field, mime},
#include "telegram/update.def"
#undef UPDATE
#undef ADDRESS
#undef MEDIA
};

/*  What is no file: it says what it is, so that somebody can answer.  */
static const char *const things[] = {"location",   "contact",  "dice",        "poll",
                                     "checklist",  "story",    "game",        "invoice",
                                     "paid_media", "giveaway", "rich_message"};

static const struct {
    const char *theirs;
    const char *ours;
} facts[] = {
    {"file_id", "file_id"},   {"file_unique_id", "file_unique_id"},
    {"file_name", "name"},    {"file_size", "size"},
    {"width", "width"},       {"height", "height"},
    {"duration", "duration"}, {"emoji", "emoji"},
};

/*  Only texts and numbers pass: what else may stand in such a field is nobody's business here.  */
static void copy_fact (json_t *to, const char *name, json_t *value)
{
    if (json_is_string (value) || json_is_number (value))
        json_object_set (to, name, value);
}

static json_int_t side (const json_t *size, const char *name)
{
    json_int_t length = json_integer_value (json_object_get (size, name));
    return length < 0 ? 0 : length < 100000 ? length : 100000;
}

static json_t *largest (const json_t *sizes)
{
    json_t *best = NULL, *size;
    json_int_t most = -1;
    size_t at;
    json_array_foreach (sizes, at, size)
    {
        json_int_t area = side (size, "width") * side (size, "height");
        if (json_is_object (size) && area >= most) {
            best = size;
            most = area;
        }
    }
    return best;
}

static json_t *read_file (const char *kind, const char *mime, const json_t *file)
{
    json_t *own = json_object_get (file, "mime_type");
    if (!json_is_string (json_object_get (file, "file_id")))
        return NULL;
    json_t *reference = json_object ();
    json_object_set_new (reference, "kind", json_string (kind));
    json_object_set_new (reference, "mime_type",
                         json_is_string (own) ? json_incref (own) : json_string (mime));
    for (size_t at = 0; at < sizeof facts / sizeof *facts; at++)
        copy_fact (reference, facts[at].ours, json_object_get (file, facts[at].theirs));
    return reference;
}

/*  What is written on the members of a list; NULL: not on each of them is something.  */
static json_t *texts_of (const json_t *list)
{
    json_t *texts = json_array (), *member;
    size_t at;
    json_array_foreach (list, at, member)
    {
        json_t *text = json_object_get (member, "text");
        if (json_is_string (text))
            json_array_append (texts, text);
    }
    if (json_array_size (texts) && json_array_size (texts) == json_array_size (list))
        return texts;
    json_decref (texts);
    return NULL;
}

static json_t *read_thing (const char *kind, json_t *field)
{
    const char *name;
    json_t *value;
    if (!json_is_object (field))
        return NULL;
    json_t *reference = json_object ();
    json_object_foreach (field, name, value)
    {
        copy_fact (reference, name, value);
        json_object_set_new (reference, name, texts_of (value));
    }
    json_object_set_new (reference, "kind", json_string (kind));
    return reference;
}

json_t *attachment_read (const json_t *message)
{
    json_t *found = json_array ();
    bool animated = json_is_object (json_object_get (message, "animation"));
    for (size_t at = 0; at < sizeof files / sizeof *files; at++) {
        const json_t *field = json_object_get (message, files[at].field);
        if (animated && strcmp (files[at].field, "document") == 0)
            continue;
        if (json_is_array (field))
            field = largest (field);
        json_array_append_new (found, read_file (files[at].field, files[at].mime, field));
    }
    for (size_t at = 0; at < sizeof things / sizeof *things; at++)
        json_array_append_new (found,
                               read_thing (things[at], json_object_get (message, things[at])));
    if (json_array_size (found))
        return found;
    json_decref (found);
    return NULL;
}
