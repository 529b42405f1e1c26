#include "telegram/moves.h"

#include "telegram/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*  A group moves once; more steps than this are a circle.  */
enum { STEPS_MAX = 8 };

static void remember (telegram_t *self, int64_t old_chat, int64_t new_chat)
{
    if (old_chat == new_chat || !ids_put (&self->moved, old_chat, new_chat)
        || !ids_put (&self->came, new_chat, old_chat))
        self->host->log (self->host, PAL_LOG_WARN, "a group's new id cannot be remembered");
}

static void on_listed (void *arg, const pal_kv_result_t *result)
{
    telegram_t *self = arg;
    if (result->found) {
        char key[KEEP_KEY_BYTES];
        snprintf (key, sizeof key, "%.*s", PAL_ARG (result->key));
        remember (self, strtoll (key + sizeof KEEP_MOVE - 1, NULL, 10),
                  keep_number (result->value));
        return;
    }
    if (!result->ok)
        self->host->log (self->host, PAL_LOG_WARN, "which groups have moved cannot be read: %.*s",
                         PAL_ARG (result->reason));
    self->moves_read (self, result->ok);
}

void moves_load (telegram_t *self)
{
    self->host->kv_list (self->host, pal_text (KEEP_MOVE), on_listed, self);
}

void moves_learn (telegram_t *self, int64_t old_chat, int64_t new_chat, pal_kv_fn *done, void *arg)
{
    remember (self, old_chat, new_chat);
    keep_put_number (self->host, KEEP_MOVE, old_chat, new_chat, done, arg);
}

static int64_t follow (const ids_t *ids, int64_t chat)
{
    for (int steps = 0; steps < STEPS_MAX && ids_get (ids, chat, &chat); steps++)
        ;
    return chat;
}

int64_t moves_newest (const telegram_t *self, int64_t chat)
{
    return follow (&self->moved, chat);
}

int64_t moves_first (const telegram_t *self, int64_t chat)
{
    return follow (&self->came, chat);
}
