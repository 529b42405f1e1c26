#include "web/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_number (text_t *out, const char *name, double value)
{
    if (value < 0)
        text_addf (out, ",\"%s\":null", name);
    else
        text_addf (out, ",\"%s\":%.15g", name, value);
}

static void add_json (text_t *out, const char *name, pal_text_t json, const char *otherwise)
{
    text_add (out, name);
    text_add_view (out, json.size ? json : pal_text (otherwise));
}

static void add_time (text_t *out, int64_t us)
{
    text_addf (out, ",\"timestamp\":%lld.%06lld", (long long) (us / 1000000),
               (long long) (us % 1000000));
}

void answer_end (text_t *out, uint64_t seq)
{
    text_addf (out, ",\"seq\":%llu}", (unsigned long long) seq);
}

void answer_write (text_t *out, const pal_reply_t *reply, uint64_t seq)
{
    text_add (out, "{\"type\":\"chat.response\",\"response_text\":");
    text_add_quoted (out, reply->response_text);
    add_json (out, ",\"recommendations\":", reply->recommendations, "[]");
    add_number (out, "confidence", reply->confidence);
    add_json (out, ",\"sources\":", reply->sources, "[]");
    add_number (out, "processing_time", reply->processing_time);
    add_json (out, ",\"disclaimers\":", reply->disclaimers, "[]");
    add_json (out, ",\"metadata\":", reply->metadata, "{}");
    text_add (out, ",\"session_id\":");
    text_add_quoted (out, reply->conversation);
    text_addf (out, ",\"id\":\"%s\",\"reply_to\":\"%s\"", reply->id.text,
               reply->has_reply_to ? reply->reply_to.text : "");
    add_time (out, reply->timestamp_us);
    answer_end (out, seq);
}

const char *answer_type (pal_event_type_t type)
{
    return type == PAL_CHAT_ACTION ? "chat.action" : "chat.message";
}

void answer_begin_event (text_t *out, const pal_event_t *event, pal_text_t id)
{
    text_addf (out, "{\"type\":\"%s\",\"id\":", answer_type (event->type));
    text_add_quoted (out, id);
    text_add (out, ",\"session_id\":");
    text_add_quoted (out, event->conversation);
    text_add (out, ",\"user_id\":");
    text_add_quoted (out, event->user_id);
    text_add (out, ",\"message_text\":");
    text_add_quoted (out, event->message_text);
    add_json (out, ",\"metadata\":", event->metadata, "{}");
    if (event->body.size > 2) { /* its members: what was pressed */
        text_add (out, ",");
        text_add_view (out, (pal_text_t){event->body.data + 1, event->body.size - 2});
    }
    add_time (out, event->timestamp_us);
}

/*  The body's own members follow ours.  */
static void add_members (text_t *out, pal_text_t object)
{
    if (object.size > 2 && object.data[0] == '{') {
        text_add (out, ",");
        text_add_view (out, (pal_text_t){object.data + 1, object.size - 1});
    } else {
        text_add (out, "}");
    }
}

static const char *const live_heads[] = {"type", "session_id", "reply_to"};
enum { LIVE_HEADS = sizeof live_heads / sizeof *live_heads };

static bool has_head (pal_text_t body)
{
    char quoted[16];
    for (size_t at = 0; at < LIVE_HEADS; at++) {
        int size = snprintf (quoted, sizeof quoted, "\"%s\"", live_heads[at]);
        if (body.size && memmem (body.data, body.size, quoted, (size_t) size))
            return true;
    }
    return false;
}

/*  An agent does not say of its words that they are an answer that is kept, or another session's: of two members of
    one name a client takes the last.  */
static void add_headless (text_t *out, pal_text_t body)
{
    json_t *members = json_loadb (body.data, body.size, JSON_ALLOW_NUL, NULL);
    for (size_t at = 0; at < LIVE_HEADS; at++)
        json_object_del (members, live_heads[at]);
    char *text = json_dumps (members, JSON_COMPACT);
    add_members (out, pal_text (text));
    free (text);
    json_decref (members);
}

void answer_write_live (text_t *out, const pal_live_t *live)
{
    text_add (out, "{\"type\":");
    text_add_quoted (out, live->type);
    text_add (out, ",\"session_id\":");
    text_add_quoted (out, live->conversation);
    text_addf (out, ",\"reply_to\":\"%s\"", live->has_reply_to ? live->reply_to.text : "");
    if (has_head (live->body))
        add_headless (out, live->body);
    else
        add_members (out, live->body);
}

bool answer_delta (text_t *out, const pal_live_t *live, uint64_t *ret_index)
{
    if (!pal_text_is (live->type, "chat.delta"))
        return false;
    json_t *body = json_loadb (live->body.data, live->body.size, 0, NULL);
    const json_t *delta = json_object_get (body, "delta");
    bool there = json_is_string (delta);
    if (there)
        text_add_view (out, (pal_text_t){json_string_value (delta), json_string_length (delta)});
    *ret_index = (uint64_t) json_integer_value (json_object_get (body, "index"));
    json_decref (body);
    return there;
}

/*  A text of a chat.typing, in `bytes`; false: it has none of this name that fits.  */
static bool typing_text (const pal_live_t *live, const char *name, char *bytes, size_t size)
{
    if (!pal_text_is (live->type, "chat.typing") || !live->body.size
        || !memmem (live->body.data, live->body.size, name, strlen (name)))
        return false;
    json_t *body = json_loadb (live->body.data, live->body.size, 0, NULL);
    const char *text = json_string_value (json_object_get (body, name));
    bool there = text && (size_t) snprintf (bytes, size, "%s", text) < size;
    json_decref (body);
    return there;
}

bool answer_is_over (const pal_live_t *live, pal_id_t *ret_by)
{
    char why[64];
    if (!typing_text (live, "ended", why, sizeof why))
        return false;
    if (!typing_text (live, "interrupted_by", ret_by->text, sizeof ret_by->text))
        ret_by->text[0] = 0;
    return true;
}

bool answer_is_merged (const pal_live_t *live, pal_id_t *ret_into)
{
    return typing_text (live, "merged_into", ret_into->text, sizeof ret_into->text)
           && ret_into->text[0];
}

pal_text_t answer_fallback (const pal_reply_t *reply, char bytes[64])
{
    bytes[0] = 0;
    static const char word[] = "\"fallback\"";
    if (!reply->metadata.size
        || !memmem (reply->metadata.data, reply->metadata.size, word, sizeof word - 1))
        return pal_text (NULL);
    json_t *metadata = json_loadb (reply->metadata.data, reply->metadata.size, 0, NULL);
    const char *name = json_string_value (json_object_get (metadata, "fallback"));
    snprintf (bytes, 64, "%s", name ? name : "");
    json_decref (metadata);
    return pal_text (bytes);
}
