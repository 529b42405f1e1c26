/*  ticket_store -- kept tickets in the broker: "t/NAME" -> "1 TIME ID STATE HASH CONVERSATION-SIZE\n",
    the conversation, the answer; the line of a message that was merged ends in " INTO", that of one that was replaced
    in " BY". What the broker does not keep, is kept as long as this process lives.  */
#include "web/ticket.h"

#include "web/web.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 64 * 1024, HEAD_BYTES_MAX = 160 };

#define PREFIX "t/"

/*  A host of 1.0 has no such store.  */
static bool has_store (const pal_host_t *host)
{
    return PAL_HAS (host, kv_list) && host->kv_list;
}

static void make_key (const ticket_t *self, char key[64])
{
    snprintf (key, 64, PREFIX "%s", self->name);
}

void ticket_store_save (const ticket_t *self, pal_kv_fn *done, void *arg)
{
    char key[64], same[TICKET_HASH_BYTES * 2 + 1];
    text_t value = {0};
    const pal_host_t *host = self->web->host;
    if (!has_store (host)) {
        if (done)
            done (arg, &(pal_kv_result_t){0});
        return;
    }
    make_key (self, key);
    sodium_bin2hex (same, sizeof same, self->same, sizeof self->same);
    const char *other = self->state == TICKET_REPLACED ? self->by.text : self->into.text;
    text_addf (&value, "1 %" PRId64 " %s %d %s %zu%s%s\n", self->since_us, self->id.text,
               (int) self->state, same, self->conversation.size, other[0] ? " " : "", other);
    text_add_view (&value, self->conversation);
    if (value.size + self->answer.size <= VALUE_BYTES_MAX)
        text_add_view (&value, text_view (&self->answer));
    host->kv_put (host, pal_text (key), text_view (&value), done, arg);
    text_free (&value);
}

void ticket_store_remove (const ticket_t *self)
{
    char key[64];
    const pal_host_t *host = self->web->host;
    if (!has_store (host))
        return;
    make_key (self, key);
    host->kv_remove (host, pal_text (key), NULL, NULL);
}

/*  What the line ends in, of a message that was merged or replaced. False: it does not end there.  */
static bool read_other (const char *head, int *end, pal_id_t *ret_other)
{
    int size = 0;
    ret_other->text[0] = 0;
    if (head[*end] == ' ' && sscanf (head + *end, " %36s%n", ret_other->text, &size) == 1)
        *end += size;
    return head[*end] == '\n';
}

static ticket_t *parse (web_t *web, pal_text_t name, pal_text_t value)
{
    char head[HEAD_BYTES_MAX] = "", id[37], same[TICKET_HASH_BYTES * 2 + 1];
    int64_t since;
    int state, end = 0;
    size_t conversation;
    pal_id_t other;
    memcpy (head, value.data, value.size < sizeof head - 1 ? value.size : sizeof head - 1);
    if (name.size != TICKET_HASH_BYTES * 2
        || sscanf (head, "1 %" SCNd64 " %36s %d %32s %zu%n", &since, id, &state, same,
                   &conversation, &end)
               != 5
        || !read_other (head, &end, &other) || value.size - (size_t) end - 1 < conversation
        || state < 0 || state >= TICKET_STATES_)
        return NULL;
    pal_text_t rest = {value.data + end + 1, value.size - (size_t) end - 1};
    ticket_t *self = ticket_new (web, name, (pal_text_t){rest.data, conversation});
    if (!self)
        return NULL;
    self->since_us = since;
    self->state = (ticket_state_t) state;
    self->stored = state != TICKET_PENDING;
    self->kept = true;
    if (self->state == TICKET_REPLACED)
        self->by = other;
    else
        self->into = other;
    memcpy (self->id.text, id, sizeof id);
    sodium_hex2bin (self->same, sizeof self->same, same, strlen (same), NULL, NULL, NULL);
    text_add_view (&self->answer, (pal_text_t){rest.data + conversation, rest.size - conversation});
    return self;
}

static void on_listed (void *arg, const pal_kv_result_t *result)
{
    web_t *web = arg;
    const size_t skip = sizeof PREFIX - 1;
    if (!result->found) {
        web->kept_loaded = true;
        if (!result->ok)
            web->host->log (web->host, PAL_LOG_WARN,
                            "what was kept for repeated requests cannot be read: %.*s",
                            PAL_ARG (result->reason));
        web->loaded (web);
        return;
    }
    pal_text_t name = {result->key.data + skip, result->key.size - skip};
    if (result->key.size <= skip || shelf_get (&web->tickets, name))
        return;
    ticket_t *ticket = parse (web, name, result->value);
    if (ticket)
        ticket_register (ticket);
    else
        web->host->kv_remove (web->host, result->key, NULL, NULL);
}

void ticket_store_load (web_t *web)
{
    const pal_host_t *host = web->host;
    if (has_store (host))
        host->kv_list (host, pal_text (PREFIX), on_listed, web);
    else
        web->kept_loaded = true;
}
