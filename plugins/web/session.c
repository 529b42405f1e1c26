/*  session -- a session as the broker knows it, asked for through the host  */
#include "web/web.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/*  When its client goes, the answer is dropped by the host.  */
typedef struct {
    entry_t entry;
    asker_t asker;
    bool is_reset;
    pal_text_t conversation;
    char bytes[];
} question_t;

/*  The broker does not tell: what we remember ourselves.  */
static void show_own (question_t *self)
{
    const room_t *room = room_find (self->asker.web, self->conversation);
    text_t body = {0};
    if (!room || !room_has_answers (room)) {
        asker_problem (&self->asker, PROBLEM_NO_SESSION, pal_text (NULL), 0);
        return;
    }
    text_add (&body, "{\"session_id\":");
    text_add_quoted (&body, self->conversation);
    text_add (&body, ",\"responses\":");
    room_write_answers (room, &body);
    text_add (&body, "}\n");
    asker_json (&self->asker, 200, text_view (&body));
    text_free (&body);
}

/*  The broker has its own names of sessions; a client is answered with the one that it asked for.  */
static void show_told (question_t *self, pal_text_t told)
{
    json_t *root = json_loadb (told.data, told.size, JSON_ALLOW_NUL, NULL);
    json_t *name = json_stringn (self->conversation.data, self->conversation.size);
    char *text =
        json_object_set_new (root, "session_id", name) ? NULL : json_dumps (root, JSON_COMPACT);
    if (text)
        asker_json (&self->asker, 200, pal_text (text));
    else
        asker_problem (&self->asker, PROBLEM_BUSY, pal_text ("out of memory"), 1000);
    free (text);
    json_decref (root);
}

static void on_shown (question_t *self, const pal_control_result_t *result)
{
    if (result->ok)
        show_told (self, result->body);
    else if (pal_text_is (result->status, "NOENT"))
        asker_problem (&self->asker, PROBLEM_NO_SESSION, pal_text (NULL), 0);
    else
        show_own (self);
}

static void on_reset (question_t *self, const pal_control_result_t *result)
{
    asker_t *asker = &self->asker;
    if (result->ok || pal_text_is (result->status, "NOENT")) { /* gone is gone */
        room_forget (asker->web, self->conversation);
        asker_json (asker, 200, pal_text ("{\"status\":\"success\"}\n"));
    } else if (pal_text_is (result->status, "BUSY")) {
        asker_problem (asker, PROBLEM_SESSION_BUSY, pal_text (NULL), 1000);
    } else if (pal_text_is (result->status, "AUTH")) {
        asker_problem (asker, PROBLEM_NOT_PERMITTED,
                       pal_text ("this broker does not let adapters reset sessions"), 0);
    } else {
        asker_problem (asker, PROBLEM_NO_BROKER, pal_text ("the broker does not answer"), 1000);
    }
}

static void on_result (void *arg, const pal_control_result_t *result)
{
    question_t *self = arg;
    if (self->is_reset)
        on_reset (self, result);
    else
        on_shown (self, result);
    shelf_remove (&self->asker.web->questions, &self->entry);
    free (self);
}

void session_close (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->questions));) {
        shelf_remove (&web->questions, entry);
        free (ENTRY_OF (entry, question_t, entry));
    }
}

static void ask (asker_t *asker, pal_text_t conversation, bool is_reset)
{
    const pal_host_t *host = asker->web->host;
    question_t *self;
    text_t arguments = {0}, session = {0};
    if (!request_session_good (asker, conversation))
        return;
    self = calloc (1, sizeof *self + conversation.size);
    if (!self) {
        asker_problem (asker, PROBLEM_BUSY, pal_text ("out of memory"), 1000);
        return;
    }
    self->asker = *asker;
    self->is_reset = is_reset;
    self->entry.key = (pal_text_t){(const char *) &self->asker.call, sizeof self->asker.call};
    shelf_put (&asker->web->questions, &self->entry);
    memcpy (self->bytes, conversation.data, conversation.size);
    self->conversation = (pal_text_t){self->bytes, conversation.size};
    text_add (&session, "web_");
    text_add_view (&session, conversation);
    text_add (&arguments, "{\"session\":");
    text_add_quoted (&arguments, text_view (&session));
    text_add (&arguments, "}");
    host->control (host, pal_text (is_reset ? "sessions.reset" : "sessions.show"),
                   text_view (&arguments), on_result, self);
    text_free (&session);
    text_free (&arguments);
}

void route_session_show (asker_t *asker, const request_t *request)
{
    ask (asker, request->part, false);
}

/*  A browser sends a POST without a body for any page, and asks nobody before.  */
void route_session_reset (asker_t *asker, const request_t *request)
{
    if (asker->has_origin && !asker->origin.size)
        asker_problem (asker, PROBLEM_FOREIGN, pal_text (NULL), 0);
    else
        ask (asker, request->part, true);
}
