#include "telegram/greeting.h"

#include "telegram/api.h"
#include "telegram/keep.h"
#include "telegram/notice.h"
#include "telegram/pace.h"
#include "telegram/parts.h"

#include <stdio.h>
#include <stdlib.h>

struct greeting {
    greeting_t *next, *previous;
    intake_t *intake;
    void (*pass_on) (intake_t *intake);
    notice_t question;
    bool notice;
};

static void end (greeting_t *self)
{
    telegram_t *owner = self->intake->owner;
    if (self->previous)
        self->previous->next = self->next;
    else
        owner->greetings = self->next;
    if (self->next)
        self->next->previous = self->previous;
    free (self);
}

/*  The agents have it from here.  */
static void leave (greeting_t *self)
{
    intake_t *intake = self->intake;
    void (*to_agents) (intake_t *) = self->pass_on;
    end (self);
    to_agents (intake);
}

static void over (greeting_t *self)
{
    intake_t *intake = self->intake;
    end (self);
    intake->done (intake, true, 0);
}

/*  Which /start of the chat is the newest: with a minus as long as its greeting is under way.  */
static void keep (greeting_t *self, int64_t number, pal_kv_fn *done)
{
    const intake_t *intake = self->intake;
    keep_put_number (intake->owner->host, KEEP_GREETED, intake->update.chat, number, done, self);
}

static void on_sent (void *arg, const outcome_t *outcome)
{
    greeting_t *self = arg;
    telegram_t *owner = self->intake->owner;
    const update_t *update = &self->intake->update;
    if (outcome->verdict == VERDICT_SENT) {
        context_sent (&owner->context, update->chat, outcome->message_id);
        if (self->notice)
            notice_given (owner, update->chat);
    } else {
        owner->host->log (owner->host, PAL_LOG_WARN, "a greeting: %s", outcome->reason);
    }
    if (verdict_end (outcome->verdict) == PAL_NOT_SENT || outcome->verdict == VERDICT_PLAIN) {
        leave (self);
    } else {
        keep (self, update->message_id, NULL);
        over (self);
    }
}

static void send (greeting_t *self)
{
    telegram_t *owner = self->intake->owner;
    const update_t *update = &self->intake->update;
    parts_t parts = {0};
    bool made =
        parts_make (&parts, owner, self->notice, owner->options.start_text) && parts.count == 1;
    api_call_t *call = NULL;
    if (made && !pace_message (owner, update->chat, PAL_FINAL)) {
        json_t *params = json_pack ("{s:I, s:s, s:s}", "chat_id", (json_int_t) update->chat, "text",
                                    parts.texts[0], "parse_mode", "HTML");
        if (update->thread && params)
            json_object_set_new (params, "message_thread_id", json_integer (update->thread));
        call =
            api_call (owner, "sendMessage", params, owner->options.timeout_s * 1000, on_sent, self);
    }
    parts_free (&parts);
    if (!call)
        leave (self);
}

static void on_kept (void *arg, const pal_kv_result_t *result)
{
    greeting_t *self = arg;
    if (result->ok)
        send (self);
    else
        leave (self);
}

/*  A greeting that was begun and not ended may have been seen or not: the agents have the rest.  */
static void on_read (void *arg, const pal_kv_result_t *result)
{
    greeting_t *self = arg;
    int64_t asked = self->intake->update.message_id;
    int64_t kept = result->found ? keep_number (result->value) : 0;
    if (!result->ok || kept == -asked)
        leave (self);
    else if (kept >= asked || -kept > asked)
        over (self);
    else
        keep (self, -asked, on_kept);
}

static void on_notice (void *arg, bool wanted)
{
    greeting_t *self = arg;
    self->notice = wanted;
    keep_get (self->intake->owner->host, KEEP_GREETED, self->intake->update.chat, on_read, self);
}

void greeting_begin (intake_t *intake, void (*pass_on) (intake_t *intake))
{
    telegram_t *owner = intake->owner;
    greeting_t *self = calloc (1, sizeof *self);
    if (!self) {
        pass_on (intake);
        return;
    }
    *self = (greeting_t){.next = owner->greetings, .intake = intake, .pass_on = pass_on};
    if (self->next)
        self->next->previous = self;
    owner->greetings = self;
    notice_ask (&self->question, owner, intake->update.chat, on_notice, self);
}

void greetings_close (telegram_t *self)
{
    while (self->greetings)
        end (self->greetings);
}
