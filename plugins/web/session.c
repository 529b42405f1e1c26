/*  session -- a session as the broker knows it, asked for through the host  */
#include "web/web.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    entry_t entry;
    web_t *web;
    uint64_t call;
    bool is_reset;
    pal_text_t conversation;
    char bytes[];
} question_t;

static void on_shown (question_t *question, const pal_control_result_t *result)
{
    if (result->ok)
        respond (question->web, question->call, 200, result->body, NULL);
    else if (pal_text_is (result->status, "NOENT"))
        respond_problem (question->web, question->call, 404,
                         pal_text ("there is no session of this id"), NULL);
    else /* the broker does not tell: what we remember ourselves */
        recent_show (question->web, question->call, question->conversation);
}

static void on_reset (question_t *question, const pal_control_result_t *result)
{
    web_t *self = question->web;
    if (result->ok || pal_text_is (result->status, "NOENT")) { /* gone is gone */
        recent_forget (self, question->conversation);
        respond (self, question->call, 200, pal_text ("{\"status\":\"success\"}\n"), NULL);
    } else if (pal_text_is (result->status, "BUSY")) {
        pal_header_t after = {pal_text ("retry-after"), pal_text ("1")};
        respond_problem (self, question->call, 409,
                         pal_text ("a message of this session is still worked on"), &after);
    } else if (pal_text_is (result->status, "AUTH")) {
        respond_problem (self, question->call, 403,
                         pal_text ("this broker does not let adapters reset sessions"), NULL);
    } else {
        respond_busy (self, question->call, 1000, pal_text ("the broker does not answer"));
    }
}

static void on_result (void *arg, const pal_control_result_t *result)
{
    question_t *question = arg;
    if (question->is_reset)
        on_reset (question, result);
    else
        on_shown (question, result);
    table_remove (&question->web->questions, &question->entry);
    free (question);
}

void session_close (web_t *self)
{
    for (entry_t *entry; (entry = table_oldest (&self->questions));) {
        table_remove (&self->questions, entry);
        free (ENTRY_OF (entry, question_t, entry));
    }
}

static void ask (web_t *self, uint64_t call, pal_text_t conversation, bool is_reset)
{
    question_t *question = calloc (1, sizeof *question + conversation.size);
    text_t arguments = {0}, session = {0};
    if (!question) {
        respond_busy (self, call, 1000, pal_text ("out of memory"));
        return;
    }
    question->web = self;
    question->call = call;
    question->is_reset = is_reset;
    question->entry.key = (pal_text_t){(const char *) &question->call, sizeof question->call};
    table_put (&self->questions, &question->entry);
    memcpy (question->bytes, conversation.data, conversation.size);
    question->conversation = (pal_text_t){question->bytes, conversation.size};
    text_add (&session, "web_");
    text_add_view (&session, conversation);
    text_add (&arguments, "{\"session\":");
    text_add_quoted (&arguments, text_view (&session));
    text_add (&arguments, "}");
    self->host->control (self->host, pal_text (is_reset ? "sessions.reset" : "sessions.show"),
                         text_view (&arguments), on_result, question);
    text_free (&session);
    text_free (&arguments);
}

void session_show (web_t *self, uint64_t call, pal_text_t conversation)
{
    ask (self, call, conversation, false);
}

void session_reset (web_t *self, uint64_t call, pal_text_t conversation)
{
    ask (self, call, conversation, true);
}
