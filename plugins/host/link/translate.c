#include "host/link/translate.h"

#include "base/limits.h"
#include "wire/event.h"
#include "wire/json.h"
#include "wire/mp.h"

#include <math.h>

static const struct {
    pal_event_type_t type;
    plv_event_type_t code;
} types[] = {
    {PAL_CHAT_MESSAGE, EVENT_CHAT_MESSAGE}, {PAL_CHAT_ACTION, EVENT_CHAT_ACTION},
    {PAL_CHAT_EDIT, EVENT_CHAT_EDIT},       {PAL_CHAT_REACTION, EVENT_CHAT_REACTION},
    {PAL_CHAT_TYPING, EVENT_CHAT_TYPING},   {PAL_DELIVERY_RECEIPT, EVENT_DELIVERY_RECEIPT},
};

void translate_free (translate_t *self)
{
    plv_buf_free (&self->envelope);
    plv_buf_free (&self->body);
    plv_buf_free (&self->session);
    for (size_t at = 0; at < sizeof self->text / sizeof *self->text; at++)
        plv_buf_free (&self->text[at]);
}

/* ------------------------------------------------------------------ events */

static plv_event_type_t type_of (pal_event_type_t type)
{
    for (size_t at = 0; at < sizeof types / sizeof *types; at++) {
        if (types[at].type == type)
            return types[at].code;
    }
    return EVENT_UNKNOWN;
}

static void put_session (translate_t *self, pal_text_t conversation)
{
    plv_buf_clear (&self->session);
    plv_buf_add_view (&self->session, plv_view_str (self->platform));
    plv_buf_add_u8 (&self->session, '_');
    plv_buf_add (&self->session, conversation.data, conversation.size);
}

static plv_err_t put_json (plv_buf_t *out, const char *name, pal_text_t text, plv_json_kind_t kind,
                           uint32_t *count, plv_fail_t *ret_fail)
{
    if (!text.size)
        return ERR_OK;
    plv_mp_put_text (out, name);
    ++*count;
    plv_err_t err = plv_json_to_mp (out, view_of (text), kind, ret_fail);
    return err ? plv_fail_context (ret_fail, "%s", name) : ERR_OK;
}

static plv_err_t put_pairs (plv_buf_t *out, const pal_event_t *event, uint32_t *count,
                            plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    if (event->type == PAL_CHAT_MESSAGE || event->type == PAL_CHAT_EDIT
        || event->message_text.size) {
        plv_mp_pair_str (out, "message_text", view_of (event->message_text));
        ++*count;
    }
    err = put_json (out, "metadata", event->metadata, PLV_JSON_OBJECT, count, ret_fail);
    if (!err)
        err = put_json (out, "attachments", event->attachments, PLV_JSON_ARRAY, count, ret_fail);
    if (!err && event->body.size
        && plv_json_pairs_to_mp (out, view_of (event->body), count, ret_fail))
        err = plv_fail_context (ret_fail, "body");
    return err;
}

static plv_err_t put_body (translate_t *self, plv_event_type_t code, const pal_event_t *event,
                           plv_fail_t *ret_fail)
{
    plv_buf_t pairs = {0};
    uint32_t count = 0;
    plv_view_t text;
    plv_err_t err = put_pairs (&pairs, event, &count, ret_fail);
    plv_buf_clear (&self->body);
    plv_mp_put_map (&self->body, count);
    plv_buf_add_view (&self->body, plv_buf_view (&pairs));
    plv_buf_free (&pairs);
    if (!err && self->body.size > BODY_BYTES_MAX)
        err = plv_fail (ret_fail, ERR_RANGE, "the body is larger than %d bytes",
                        (int) BODY_BYTES_MAX);
    return err ? err : plv_body_check (code, plv_buf_view (&self->body), &text, ret_fail);
}

plv_err_t translate_event (translate_t *self, const pal_event_t *event, const plv_id_t *id,
                           int64_t now_us, plv_fail_t *ret_fail)
{
    plv_event_type_t code = type_of (event->type);
    if (code == EVENT_UNKNOWN)
        return plv_fail (ret_fail, ERR_ARG, "event type %d is not known", (int) event->type);
    if (!event->conversation.size)
        return plv_fail (ret_fail, ERR_ARG, "conversation: is missing");
    put_session (self, event->conversation);
    plv_envelope_t envelope = {
        .id = *id,
        .type_code = code,
        .type = plv_view_str (plv_event_type_name (code)),
        .platform = plv_view_str (self->platform),
        .adapter = plv_view_str (self->adapter),
        .session_id = plv_buf_view (&self->session),
        .user_id = view_of (event->user_id),
        .timestamp = event->timestamp_us ? event->timestamp_us : now_us,
        .platform_id = view_of (event->platform_id),
        .traceparent = view_of (event->traceparent),
    };
    plv_buf_clear (&self->envelope);
    plv_envelope_write (&self->envelope, &envelope);
    plv_envelope_t check;
    plv_err_t err = plv_envelope_parse (plv_buf_view (&self->envelope), &check, ret_fail);
    if (!err && self->envelope.size > ENVELOPE_BYTES_MAX)
        err = plv_fail (ret_fail, ERR_RANGE, "the envelope is larger than %d bytes",
                        (int) ENVELOPE_BYTES_MAX);
    return err ? err : put_body (self, code, event, ret_fail);
}

/* ------------------------------------------------------------------ replies */

/*  The session without the platform that begins it.  */
static pal_text_t conversation_of (const translate_t *self, plv_view_t session)
{
    size_t prefix = strlen (self->platform);
    if (session.size > prefix + 1 && memcmp (session.data, self->platform, prefix) == 0
        && session.data[prefix] == '_')
        return text_of (plv_view (session.data + prefix + 1, session.size - prefix - 1));
    return text_of (session);
}

static pal_id_t id_of (const plv_id_t *id)
{
    pal_id_t text;
    plv_id_format (id, text.text);
    return text;
}

/*  The JSON of one part of a body; empty when it is missing or of another type.  */
static pal_text_t part (plv_buf_t *out, plv_view_t body, const char *name, plv_mp_type_t type)
{
    plv_mp_t at;
    plv_view_t raw;
    plv_buf_clear (out);
    if (plv_mp_find (body, name, &at) && plv_mp_peek (&at) == type && plv_mp_skip (&at, &raw))
        plv_json_from_mp (out, raw);
    return text_of (plv_buf_view (out));
}

/*  -1: it is not given, or says what no JSON can say.  */
static double number (plv_view_t body, const char *name)
{
    plv_mp_t at;
    double value;
    return plv_mp_find (body, name, &at) && plv_mp_double (&at, &value) && isfinite (value)
                   && value >= 0
               ? value
               : -1;
}

static plv_err_t put_whole (plv_buf_t *out, plv_view_t body, plv_fail_t *ret_fail)
{
    plv_buf_clear (out);
    return plv_json_from_mp (out, body)
               ? ERR_OK
               : plv_fail (ret_fail, ERR_MSGPACK, "the body is no msgpack");
}

plv_err_t translate_reply (translate_t *self, plv_view_t envelope, plv_view_t body,
                           pal_reply_t *ret_reply, plv_fail_t *ret_fail)
{
    plv_envelope_t head;
    plv_err_t err = plv_envelope_parse (envelope, &head, ret_fail);
    if (!err)
        err = put_whole (&self->text[4], body, ret_fail);
    if (err)
        return err;
    *ret_reply = (pal_reply_t){
        .has_reply_to = head.has_reply_to,
        .id = id_of (&head.id),
        .conversation = conversation_of (self, head.session_id),
        .user_id = text_of (head.user_id),
        .platform_id = text_of (head.platform_id),
        .timestamp_us = head.timestamp,
        .response_text = text_of (plv_mp_find_str (body, "response_text")),
        .recommendations = part (&self->text[0], body, "recommendations", MP_ARRAY),
        .confidence = number (body, "confidence"),
        .sources = part (&self->text[1], body, "sources", MP_ARRAY),
        .processing_time = number (body, "processing_time"),
        .disclaimers = part (&self->text[2], body, "disclaimers", MP_ARRAY),
        .metadata = part (&self->text[3], body, "metadata", MP_MAP),
        .body = text_of (plv_buf_view (&self->text[4])),
    };
    if (head.has_reply_to)
        ret_reply->reply_to = id_of (&head.reply_to);
    return ERR_OK;
}

plv_err_t translate_live (translate_t *self, plv_view_t envelope, plv_view_t body,
                          pal_live_t *ret_live, plv_fail_t *ret_fail)
{
    plv_envelope_t head;
    plv_err_t err = plv_envelope_parse (envelope, &head, ret_fail);
    if (!err)
        err = put_whole (&self->text[4], body, ret_fail);
    if (err)
        return err;
    *ret_live = (pal_live_t){
        .type = text_of (head.type),
        .conversation = conversation_of (self, head.session_id),
        .user_id = text_of (head.user_id),
        .has_reply_to = head.has_reply_to,
        .body = text_of (plv_buf_view (&self->text[4])),
    };
    if (head.has_reply_to)
        ret_live->reply_to = id_of (&head.reply_to);
    return ERR_OK;
}
