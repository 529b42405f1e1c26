/*  request -- the parts of an answer, and the message that each becomes  */
#include "telegram/delivery_parts.h"

#include <stdlib.h>

bool request_make_parts (delivery_t *self)
{
    parts_free (&self->parts);
    return parts_make (&self->parts, self->owner, self->notice, pal_text (self->text));
}

static void put_text (const delivery_t *self, json_t *params)
{
    const char *html = self->parts.texts[self->at];
    char *plain = self->plain ? parts_plain (html) : NULL;
    json_object_set_new (params, "text", json_string (plain ? plain : html));
    if (!self->plain)
        json_object_set_new (params, "parse_mode", json_string ("HTML"));
    free (plain);
}

static void put_place (const delivery_t *self, json_t *params)
{
    if (self->edit_id)
        json_object_set_new (params, "message_id", json_integer (self->edit_id));
    else if (self->thread)
        json_object_set_new (params, "message_thread_id", json_integer (self->thread));
    if (self->answers && !self->at && !self->edit_id)
        json_object_set_new (params, "reply_parameters",
                             json_pack ("{s:I, s:b}", "message_id", (json_int_t) self->answers,
                                        "allow_sending_without_reply", 1));
}

json_t *request_of (const delivery_t *self, const char **ret_method)
{
    json_t *params = json_pack ("{s:I}", "chat_id", (json_int_t) self->chat);
    *ret_method = self->edit_id ? "editMessageText" : "sendMessage";
    if (!params)
        return NULL;
    put_text (self, params);
    put_place (self, params);
    if (self->buttons && self->at + 1 == self->parts.count)
        json_object_set (params, "reply_markup", self->buttons);
    return params;
}
