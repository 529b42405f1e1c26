#include "core/ask/fate.h"

static const struct {
    const char *word;
    bool over;
} outcomes[] = {
#define FATE(name, word_, over_, meaning) [FATE_##name] = {.word = (word_), .over = (over_)},
#include "wire/fates.def"
#undef FATE
};

const char *fate_word (fate_outcome_t outcome)
{
    return outcomes[outcome].word;
}

bool fate_over (fate_outcome_t outcome)
{
    return outcomes[outcome].over;
}

bool fate_makes (const record_t *record, uint64_t number)
{
    return number
           && ((record->type == RECORD_ACCEPT && record->number == number)
               || ((record->type == RECORD_REPLY || record->type == RECORD_DEAD)
                   && record->reply == number));
}

static void end (fate_t *self, fate_outcome_t outcome, int64_t at_us)
{
    self->outcome = outcome;
    self->settled_us = at_us;
}

static void take_reply (fate_t *self, const record_t *record)
{
    self->answered_us = record->at_us;
    self->reply = record->reply;
    self->reply_id = record->id;
    if (record->reply)
        self->outcome = FATE_DELIVERING;
    else
        end (self, FATE_SILENT, record->at_us);
}

static void take_dead (fate_t *self, const record_t *record)
{
    self->letter = record->number;
    self->dead_us = record->at_us;
    self->outcome = FATE_DEAD;
    if (!record->reply)
        return;
    self->fallback = record->reply;
    self->told = false;
}

static void take_again (fate_t *self, const record_t *record)
{
    self->letter = 0;
    self->settled_us = 0;
    self->outcome = record->number == self->number ? FATE_PENDING : FATE_DELIVERING;
}

static void take_attempt (fate_t *self, const record_t *record)
{
    if (record->number != self->number)
        return;
    self->outcome = FATE_PENDING;
    self->attempts = record->attempt;
    self->dispatched_us = record->at_us;
}

bool fate_take (fate_t *self, const record_t *record)
{
    uint64_t number = record->number;
    if (record->type == RECORD_STORED || !number
        || (number != self->number && number != self->reply && number != self->fallback))
        return false;
    if (number == self->fallback) { /* what becomes of these words changes nothing for the event */
        self->told |= record->type == RECORD_SENT || record->type == RECORD_DEAD;
        return true;
    }
    switch (record->type) {
    case RECORD_ACCEPT:
        self->accepted_us = record->at_us;
        self->outcome = FATE_PENDING;
        break;
    case RECORD_MERGE:
    case RECORD_JOIN:
        self->merged++;
        break;
    case RECORD_ATTEMPT:
        take_attempt (self, record);
        break;
    case RECORD_REPLY:
        take_reply (self, record);
        break;
    case RECORD_SENT:
        end (self, FATE_DELIVERED, record->at_us);
        break;
    case RECORD_DEAD:
        take_dead (self, record);
        break;
    case RECORD_REPLAY:
    case RECORD_RESEND:
        take_again (self, record);
        break;
    case RECORD_IMPORT: /* as it was when it was saved */
        self->letter = number;
        self->settled_us = 0;
        self->outcome = FATE_DEAD;
        break;
    case RECORD_DISCARD:
        end (self, FATE_DISCARDED, record->at_us);
        break;
    case RECORD_SUPERSEDED:
        end (self, FATE_SUPERSEDED, record->at_us);
        break;
    default:
        break;
    }
    return true;
}
