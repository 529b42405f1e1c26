#include "telegram/intake.h"

#include "telegram/api.h"
#include "telegram/greeting.h"
#include "telegram/moves.h"
#include "telegram/presence.h"

#include <inttypes.h>
#include <stdio.h>

enum { AGAIN_MS = 1000, BUTTON_MS = 10000, KEEP_TRIES = 5 };

static void on_published (void *arg, const pal_published_t *result)
{
    intake_t *self = arg;
    telegram_t *owner = self->owner;
    const update_t *update = &self->update;
    if (result->taken == PAL_REJECTED) {
        owner->host->metric_add (owner->host, "rejected_total", 1);
        owner->host->log (owner->host, PAL_LOG_INFO, "update %" PRId64 " was not taken: %.*s",
                          update->update_id, PAL_ARG (result->reason));
    } else if (result->taken == PAL_STORED
               && (update->event.type == PAL_CHAT_MESSAGE
                   || update->event.type == PAL_CHAT_ACTION)) {
        presence_think (owner, update->chat, update->thread, &result->id);
    }
    self->done (self, result->taken != PAL_BUSY,
                result->retry_after_ms ? result->retry_after_ms : AGAIN_MS);
}

/*  Passes the event on to the agents.  */
static void publish (intake_t *self)
{
    telegram_t *owner = self->owner;
    update_t *update = &self->update;
    pal_id_t id;
    snprintf (update->conversation, sizeof update->conversation, "%" PRId64,
              moves_first (owner, update->chat));
    update->event.conversation = pal_text (update->conversation);
    owner->host->metric_add (owner->host, "events_total", 1);
    owner->host->publish (owner->host, &update->event, on_published, self, &id);
    if (update->event.type != PAL_CHAT_REACTION)
        context_add (&owner->context, &id, update->message_id, update->thread);
}

/*  Why nobody is to hear of an event; NULL: somebody is.  */
static const char *unwanted (const telegram_t *owner, const update_t *update)
{
    const options_t *options = &owner->options;
    int64_t chat = update->chat, first = moves_first (owner, chat), user = update->user;
    if (options_deny (options, chat, user) || options_deny (options, first, user))
        return "denied";
    if (!options_allow (options, chat, user) && !options_allow (options, first, user))
        return "not allowed";
    if (update->event.type == PAL_CHAT_REACTION && update->group
        && !context_is_ours (&owner->context, update->chat, update->message_id))
        return "a reaction to somebody else";
    return NULL;
}

static bool is_start (const update_t *update)
{
    return update->event.type == PAL_CHAT_MESSAGE && pal_text_is (update->command, "start")
           && update->event.message_text.size == sizeof "/start" - 1;
}

static void answer_button (telegram_t *owner, pal_text_t query)
{
    json_t *params = json_pack ("{s:s%}", "callback_query_id", query.data, query.size);
    api_call (owner, "answerCallbackQuery", params, BUTTON_MS, NULL, NULL);
}

/*  What cannot be kept is known as long as this process lives: better than never to be done.  */
static void on_moved (void *arg, const pal_kv_result_t *result)
{
    intake_t *self = arg;
    bool enough = result->ok || self->offers >= KEEP_TRIES;
    self->done (self, enough, AGAIN_MS);
}

static void on_membership (intake_t *self)
{
    const pal_host_t *host = self->owner->host;
    host->log (host, PAL_LOG_INFO, "the bot may %s in %s", //
               self->update.reachable ? "write" : "not write any more",
               self->update.group ? "a group" : "a private chat");
    host->metric_add (host, self->update.reachable ? "joined_total" : "left_total", 1);
    self->done (self, true, 0);
}

static void on_event (intake_t *self)
{
    telegram_t *owner = self->owner;
    const char *why = unwanted (owner, &self->update);
    if (why) {
        owner->host->metric_add (owner->host, "unwanted_total", 1);
        owner->host->log (owner->host, PAL_LOG_DEBUG, "update %" PRId64 ": %s",
                          self->update.update_id, why);
        self->done (self, true, 0);
    } else if (is_start (&self->update) && owner->options.start_text.size) {
        greeting_begin (self, publish);
    } else {
        publish (self);
    }
}

void intake_offer (intake_t *self)
{
    update_t *update = &self->update;
    if (self->offers++ == 0 && update->callback_query.size)
        answer_button (self->owner, update->callback_query);
    switch (update->act) {
    case UPDATE_PUBLISH:
        on_event (self);
        break;
    case UPDATE_MIGRATE:
        moves_learn (self->owner, update->old_chat, update->new_chat, on_moved, self);
        break;
    case UPDATE_MEMBERSHIP:
        on_membership (self);
        break;
    case UPDATE_FAILED:
        self->done (self, false, AGAIN_MS);
        break;
    default:
        self->owner->host->log (self->owner->host, PAL_LOG_DEBUG, "update %" PRId64 ": %s",
                                update->update_id, update->why ? update->why : "");
        self->done (self, true, 0);
    }
}

void intake_free (intake_t *self)
{
    update_free (&self->update);
}
