#include "advisor/claude/message.h"

#include "base/format.h"

#include <stdlib.h>
#include <string.h>

static void copy_word (char *word, size_t room, const json_t *from)
{
    const char *text = json_string_value (from);
    if (text)
        plv_format (word, room, "%s", text);
}

#define COPY_WORD(self, member, object)                                                            \
    copy_word ((self)->member, sizeof (self)->member, json_object_get (object, #member))

static void part_free (part_t *part)
{
    plv_buf_free (&part->text);
    plv_buf_free (&part->signature);
    part->block = NULL;
}

void message_free (message_t *self)
{
    for (size_t i = 0; i < self->part_count; i++)
        part_free (&self->parts[i]);
    free (self->parts);
    json_decref (self->content);
    *self = (message_t){0};
}

static void count (const json_t *usage, const char *key, int64_t *tokens)
{
    const json_t *value = json_object_get (usage, key);
    if (json_is_integer (value) && json_integer_value (value) >= 0)
        *tokens = json_integer_value (value);
}

static void read_usage (message_t *self, const json_t *usage)
{
    count (usage, "input_tokens", &self->usage.input);
    count (usage, "cache_creation_input_tokens", &self->usage.cache_write);
    count (usage, "cache_read_input_tokens", &self->usage.cache_read);
    count (usage, "output_tokens", &self->usage.output);
}

static void read_stop (message_t *self, const json_t *object)
{
    COPY_WORD (self, stop_reason, object);
    COPY_WORD (self, category, json_object_get (object, "stop_details"));
}

static void read_head (message_t *self, const json_t *message)
{
    COPY_WORD (self, id, message);
    COPY_WORD (self, model, message);
    read_stop (self, message);
    read_usage (self, json_object_get (message, "usage"));
}

static bool has_content (message_t *self)
{
    if (!self->content)
        self->content = json_array ();
    return self->content;
}

/*  Room for the block of that index, which follows the ones before it.  */
static part_t *part_at (message_t *self, const json_t *event)
{
    const json_t *index = json_object_get (event, "index");
    json_int_t at = json_integer_value (index);
    if (!json_is_integer (index) || at < 0 || at >= MESSAGE_BLOCKS_MAX)
        return NULL;
    if ((size_t) at >= self->part_count) {
        part_t *more = realloc (self->parts, ((size_t) at + 1) * sizeof *more);
        if (!more)
            return NULL;
        memset (more + self->part_count, 0, ((size_t) at + 1 - self->part_count) * sizeof *more);
        self->parts = more;
        self->part_count = (size_t) at + 1;
    }
    return &self->parts[at];
}

static void hear (message_t *self, part_t *part, plv_view_t words)
{
    plv_buf_add_view (&part->text, words);
    self->words += words.size;
}

static void begin_block (message_t *self, const json_t *event, message_said_t *said, void *arg)
{
    part_t *part = part_at (self, event);
    json_t *block = json_deep_copy (json_object_get (event, "content_block"));
    if (!part || part->block || !json_is_object (block) || !has_content (self)
        || json_array_append_new (self->content, json_incref (block))) {
        self->broken = true;
        json_decref (block);
        return;
    }
    part->block = block;
    json_decref (block); /* the array keeps it */
    const char *first = json_string_value (json_object_get (block, "text"));
    const char *thought = json_string_value (json_object_get (block, "thinking"));
    if (first) {
        hear (self, part, plv_view_str (first));
        if (said && *first)
            said (arg, plv_view_str (first));
    } else if (thought) {
        hear (self, part, plv_view_str (thought));
    }
}

static plv_view_t delta_text (const json_t *delta, const char *key)
{
    const json_t *text = json_object_get (delta, key);
    return plv_view (json_string_value (text), json_string_length (text));
}

static void add_citation (part_t *part, json_t *citation)
{
    json_t *all = json_object_get (part->block, "citations");
    if (!json_is_array (all)) {
        all = json_array ();
        json_object_set_new (part->block, "citations", all);
    }
    json_array_append (all, citation);
}

static void add_delta (message_t *self, const json_t *event, message_said_t *said, void *arg)
{
    part_t *part = part_at (self, event);
    const json_t *delta = json_object_get (event, "delta");
    const char *type = json_string_value (json_object_get (delta, "type"));
    if (!part || !part->block || !type) {
        self->broken = true;
        return;
    }
    if (strcmp (type, "text_delta") == 0) {
        hear (self, part, delta_text (delta, "text"));
        if (said && delta_text (delta, "text").size)
            said (arg, delta_text (delta, "text"));
    } else if (strcmp (type, "input_json_delta") == 0) {
        hear (self, part, delta_text (delta, "partial_json"));
    } else if (strcmp (type, "thinking_delta") == 0) {
        hear (self, part, delta_text (delta, "thinking"));
    } else if (strcmp (type, "signature_delta") == 0) {
        plv_buf_add_view (&part->signature, delta_text (delta, "signature"));
    } else if (strcmp (type, "citations_delta") == 0) {
        json_t *citation = json_object_get (delta, "citation");
        if (citation)
            add_citation (part, citation);
    }
}

static bool set_text (json_t *block, const char *key, const plv_buf_t *text)
{
    json_t *value = json_stringn (text->size ? (const char *) text->data : "", text->size);
    return !text->failed && value && !json_object_set_new (block, key, value);
}

/*  The input of a tool comes in pieces of JSON; no piece at all means an empty object.  */
static bool set_input (json_t *block, const plv_buf_t *text)
{
    if (!text->size)
        return true;
    json_t *input =
        json_loadb ((const char *) text->data, text->size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object (input)) {
        json_decref (input);
        return false;
    }
    return !json_object_set_new (block, "input", input);
}

static bool complete_block (part_t *part)
{
    json_t *block = part->block;
    const char *type = json_string_value (json_object_get (block, "type"));
    bool good = type != NULL;
    if (good && json_is_string (json_object_get (block, "text")))
        good = set_text (block, "text", &part->text);
    else if (good && json_is_string (json_object_get (block, "thinking")))
        good = set_text (block, "thinking", &part->text)
               && (!part->signature.size || set_text (block, "signature", &part->signature));
    else if (good && json_object_get (block, "input"))
        good = set_input (block, &part->text);
    part_free (part);
    return good;
}

/*  A tool's input that max_tokens has cut is no broken stream: what was cut is said by the stop reason.  */
static void end_block (message_t *self, const json_t *event)
{
    part_t *part = part_at (self, event);
    if (!part || !part->block) {
        self->broken = true;
        return;
    }
    json_t *block = part->block;
    if (!complete_block (part))
        json_object_set_new (block, "cut", json_true ());
}

/*  A text of nothing, which no request may hold.  */
static bool is_blank (const json_t *block)
{
    const char *text = json_string_value (json_object_get (block, "text"));
    return text && !text[strspn (text, " \t\r\n")];
}

/*  Blocks whose input was cut are of no use, and an error unless the answer says that it was cut.  */
static void drop_useless_blocks (message_t *self)
{
    for (size_t i = json_array_size (self->content); i-- > 0;) {
        if (is_blank (json_array_get (self->content, i))) {
            json_array_remove (self->content, i);
            continue;
        }
        if (!json_object_get (json_array_get (self->content, i), "cut"))
            continue;
        json_array_remove (self->content, i);
        if (strcmp (self->stop_reason, "max_tokens") != 0)
            self->broken = true;
    }
}

static void end_message (message_t *self)
{
    for (size_t i = 0; i < self->part_count; i++) {
        json_t *block = self->parts[i].block;
        if (block && !complete_block (&self->parts[i]))
            json_object_set_new (block, "cut", json_true ());
    }
    drop_useless_blocks (self);
    self->complete = has_content (self);
}

void message_error (message_t *self, const json_t *body)
{
    const json_t *error = json_object_get (body, "error");
    error = json_is_object (error) ? error : body;
    const json_t *code = json_object_get (json_object_get (error, "details"), "error_code");
    plv_format (self->error, sizeof self->error, "unknown_error");
    copy_word (self->error, sizeof self->error, json_object_get (error, "type"));
    copy_word (self->error_text, sizeof self->error_text, json_object_get (error, "message"));
    copy_word (self->category, sizeof self->category, code);
    copy_word (self->request_id, sizeof self->request_id, json_object_get (body, "request_id"));
}

void message_event (message_t *self, plv_view_t event, plv_view_t data, message_said_t *said,
                    void *arg)
{
    static const char *const KNOWN[] = {"message_start",
                                        "content_block_start",
                                        "content_block_delta",
                                        "content_block_stop",
                                        "message_delta",
                                        "message_stop",
                                        "error"};
    size_t kind = 0, kinds = sizeof KNOWN / sizeof *KNOWN;
    while (kind < kinds && !plv_view_is (event, KNOWN[kind]))
        kind++;
    self->bytes += data.size;
    if (kind == kinds || self->complete)
        return;
    json_t *json = json_loadb ((const char *) data.data, data.size, 0, NULL);
    if (!json_is_object (json) || self->bytes > MESSAGE_BYTES_MAX)
        self->broken = true;
    else if (kind == 0)
        read_head (self, json_object_get (json, "message"));
    else if (kind == 1)
        begin_block (self, json, said, arg);
    else if (kind == 2)
        add_delta (self, json, said, arg);
    else if (kind == 3)
        end_block (self, json);
    else if (kind == 4) {
        read_stop (self, json_object_get (json, "delta"));
        read_usage (self, json_object_get (json, "usage"));
    } else if (kind == 5)
        end_message (self);
    else
        message_error (self, json);
    json_decref (json);
}

bool message_read (message_t *self, const json_t *whole)
{
    json_t *content = json_object_get (whole, "content");
    const json_t *block;
    size_t i;
    if (!json_is_array (content) || json_array_size (content) > MESSAGE_BLOCKS_MAX)
        return false;
    json_array_foreach (content, i, block)
    {
        if (!json_is_string (json_object_get (block, "type")))
            return false;
    }
    read_head (self, whole);
    COPY_WORD (self, category, whole);
    COPY_WORD (self, request_id, whole);
    json_decref (self->content);
    self->content = json_deep_copy (content);
    self->complete = self->content;
    return self->complete && self->stop_reason[0];
}

json_t *message_json (const message_t *self)
{
    return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:O, s:{s:I, s:I, s:I, s:I}}", "id", self->id,
                      "model", self->model, "stop_reason", self->stop_reason, "category",
                      self->category, "request_id", self->request_id, "content", self->content,
                      "usage", "input_tokens", (json_int_t) self->usage.input,
                      "cache_creation_input_tokens", (json_int_t) self->usage.cache_write,
                      "cache_read_input_tokens", (json_int_t) self->usage.cache_read,
                      "output_tokens", (json_int_t) self->usage.output);
}

void message_text (const message_t *self, plv_buf_t *out)
{
    const json_t *block;
    size_t i;
    json_array_foreach (self->content, i, block)
    {
        const char *type = json_string_value (json_object_get (block, "type"));
        if (type && strcmp (type, "text") == 0)
            plv_buf_add_view (out, delta_text (block, "text"));
    }
}
