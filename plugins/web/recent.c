/*  recent -- the last answers of each session, for clients that did not wait for them  */
#include "web/web.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWERS = 20, OVERHEAD_BYTES = 512 };

typedef struct {
    entry_t entry;
    size_t next; /* where the next answer goes */
    size_t bytes;
    text_t answers[ANSWERS];
    char conversation[];
} recent_t;

static void account (web_t *self, recent_t *recent, size_t more, size_t less)
{
    recent->bytes += more - less;
    self->recent_bytes += more - less;
}

static void recent_destroy (web_t *self, recent_t *recent)
{
    table_remove (&self->sessions, &recent->entry);
    self->recent_bytes -= recent->bytes;
    for (size_t at = 0; at < ANSWERS; at++)
        text_free (&recent->answers[at]);
    free (recent);
}

static recent_t *recent_of (web_t *self, pal_text_t conversation)
{
    entry_t *entry = table_get (&self->sessions, conversation);
    return entry ? ENTRY_OF (entry, recent_t, entry) : NULL;
}

static recent_t *recent_new (web_t *self, pal_text_t conversation)
{
    recent_t *recent = calloc (1, sizeof *recent + conversation.size);
    if (!recent)
        return NULL;
    memcpy (recent->conversation, conversation.data, conversation.size);
    recent->entry.key = (pal_text_t){recent->conversation, conversation.size};
    table_put (&self->sessions, &recent->entry);
    account (self, recent, sizeof *recent + OVERHEAD_BYTES, 0);
    return recent;
}

bool recent_add (web_t *self, pal_text_t conversation, pal_text_t json)
{
    recent_t *recent = recent_of (self, conversation);
    if (!recent)
        recent = recent_new (self, conversation);
    if (!recent)
        return false;
    text_t *answer = &recent->answers[recent->next];
    account (self, recent, 0, answer->capacity);
    text_free (answer);
    text_add_view (answer, json);
    bool kept = !answer->failed;
    account (self, recent, answer->capacity, 0);
    recent->next = (recent->next + 1) % ANSWERS;
    table_touch (&self->sessions, &recent->entry);
    while (self->recent_bytes > self->recent_bytes_max && self->sessions.count > 1)
        recent_destroy (self, ENTRY_OF (table_oldest (&self->sessions), recent_t, entry));
    return kept;
}

void recent_show (web_t *self, uint64_t call, pal_text_t conversation)
{
    recent_t *recent = recent_of (self, conversation);
    text_t body = {0};
    if (!recent) {
        respond_problem (self, call, 404,
                         pal_text ("no session of this id has been answered lately"), NULL);
        return;
    }
    text_add (&body, "{\"session_id\":");
    text_add_quoted (&body, conversation);
    text_add (&body, ",\"responses\":[");
    bool first = true;
    for (size_t at = 0; at < ANSWERS; at++) {
        const text_t *answer = &recent->answers[(recent->next + at) % ANSWERS];
        if (!answer->size)
            continue;
        text_add (&body, first ? "" : ",");
        text_add_view (&body, text_view (answer));
        first = false;
    }
    text_add (&body, "]}\n");
    respond (self, call, 200, text_view (&body), NULL);
    text_free (&body);
}

void recent_forget (web_t *self, pal_text_t conversation)
{
    recent_t *recent = recent_of (self, conversation);
    if (recent)
        recent_destroy (self, recent);
}

void recent_close (web_t *self)
{
    for (entry_t *entry; (entry = table_oldest (&self->sessions));)
        recent_destroy (self, ENTRY_OF (entry, recent_t, entry));
}
