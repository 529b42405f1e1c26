#include "web/completion.h"

#include "web/message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", "function"};

static bool role_known (const char *role)
{
    for (size_t at = 0; role && at < sizeof roles / sizeof *roles; at++) {
        if (strcmp (role, roles[at]) == 0)
            return true;
    }
    return false;
}

static bool is_role (const json_t *message, const char *role)
{
    const char *name = json_string_value (json_object_get (message, "role"));
    return name && strcmp (name, role) == 0;
}

/*  Content is a text, or parts of which those that are text count; false: it is something else.  */
static bool add_content (text_t *out, const json_t *content)
{
    size_t at;
    json_t *part;
    if (json_is_string (content)) {
        text_add_view (out,
                       (pal_text_t){json_string_value (content), json_string_length (content)});
        return true;
    }
    if (!json_is_array (content))
        return !content || json_is_null (content);
    json_array_foreach (content, at, part)
    {
        const char *type = json_string_value (json_object_get (part, "type"));
        const json_t *text = json_object_get (part, "text");
        if (!type)
            return false;
        if (strcmp (type, "text") != 0)
            continue; /* pictures and sounds: agents get texts */
        if (!json_is_string (text))
            return false;
        text_add (out, out->size ? "\n" : "");
        text_add_view (out, (pal_text_t){json_string_value (text), json_string_length (text)});
    }
    return true;
}

static const char *read_messages (completion_t *self, const json_t *messages, size_t *ret_last)
{
    size_t at, last = SIZE_MAX;
    json_t *message;
    if (!json_is_array (messages) || !json_array_size (messages))
        return "messages: takes an array of at least one message";
    json_array_foreach (messages, at, message)
    {
        text_t ignored = {0};
        if (!role_known (json_string_value (json_object_get (message, "role"))))
            return "messages: each has a role: system, developer, user, assistant or tool";
        bool good = add_content (&ignored, json_object_get (message, "content"));
        text_free (&ignored);
        if (!good)
            return "messages: content takes a text, or an array of parts with a type";
        if (is_role (message, "user"))
            last = at;
    }
    if (last == SIZE_MAX)
        return "messages: none has the role user";
    add_content (&self->text, json_object_get (json_array_get (messages, last), "content"));
    *ret_last = last;
    return self->text.size ? NULL : "messages: the last one of the user has no text";
}

/*  What agents may want to know: the messages before the last one, as the client tells them.  */
static void write_metadata (completion_t *self, const json_t *messages, size_t last)
{
    size_t at;
    json_t *message;
    bool first = true;
    text_add (&self->metadata, "{\"model\":");
    text_add_quoted (&self->metadata, self->model);
    text_add (&self->metadata, ",\"messages\":[");
    json_array_foreach (messages, at, message)
    {
        text_t content = {0};
        if (at >= last)
            break;
        add_content (&content, json_object_get (message, "content"));
        text_add (&self->metadata, first ? "{\"role\":" : ",{\"role\":");
        text_add_quoted (&self->metadata,
                         pal_text (json_string_value (json_object_get (message, "role"))));
        text_add (&self->metadata, ",\"content\":");
        text_add_quoted (&self->metadata, text_view (&content));
        text_add (&self->metadata, "}");
        text_free (&content);
        first = false;
    }
    text_add (&self->metadata, "]}");
}

/*  Clients take "." and ".." out of an address, and a slash parts it. No two users have one session.  */
static void write_session (text_t *out, pal_text_t user)
{
    bool dots = pal_text_is (user, ".") || pal_text_is (user, "..");
    for (size_t at = 0; at < user.size; at++) {
        if (dots || user.data[at] == '/' || user.data[at] == '%')
            text_addf (out, "%%%02X", (unsigned) user.data[at]);
        else
            text_add_view (out, (pal_text_t){user.data + at, 1});
    }
}

static const char *read_user (completion_t *self, const json_t *root)
{
    static const char *const names[] = {"user", "safety_identifier"};
    for (size_t at = 0; at < sizeof names / sizeof *names && !self->user.size; at++) {
        const json_t *user = json_object_get (root, names[at]);
        if (!user || json_is_null (user))
            continue;
        if (!json_is_string (user) || json_string_length (user) > SESSION_BYTES_MAX)
            return "user: takes a text of at most 180 bytes";
        self->user = (pal_text_t){json_string_value (user), json_string_length (user)};
    }
    if (self->user.size && !text_is_id (self->user, SESSION_BYTES_MAX))
        return "user: takes no control characters";
    write_session (&self->session, self->user);
    if (self->session.size > SESSION_BYTES_MAX)
        return "user: takes a text of at most 180 bytes, of which a slash and a percent sign count as three";
    return NULL;
}

static const char *read_switches (completion_t *self, const json_t *root)
{
    const json_t *stream = json_object_get (root, "stream"), *n = json_object_get (root, "n");
    const json_t *options = json_object_get (root, "stream_options");
    if (stream && !json_is_boolean (stream) && !json_is_null (stream))
        return "stream: takes true or false";
    if (n && !json_is_null (n) && json_integer_value (n) != 1)
        return "n: one answer is all that there is";
    self->stream = json_is_true (stream);
    self->include_usage = json_is_true (json_object_get (options, "include_usage"));
    return NULL;
}

const char *completion_parse (completion_t *self, pal_text_t body)
{
    size_t last = 0;
    *self = (completion_t){0};
    const json_t *root = self->root = body_read (body, self->fault);
    if (*self->fault)
        return self->fault;
    const json_t *model = json_object_get (root, "model");
    const json_t *messages = json_object_get (root, "messages");
    if (!json_is_string (model) || !json_string_length (model))
        return "model: takes the name of a model; GET /v1/models lists them";
    self->model = (pal_text_t){json_string_value (model), json_string_length (model)};
    const char *fault = read_messages (self, messages, &last);
    if (!fault)
        fault = read_user (self, root);
    if (!fault)
        fault = read_switches (self, root);
    if (!fault)
        write_metadata (self, messages, last);
    return fault;
}

void completion_free (completion_t *self)
{
    json_decref (self->root);
    text_free (&self->session);
    text_free (&self->text);
    text_free (&self->metadata);
    *self = (completion_t){0};
}
