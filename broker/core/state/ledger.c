#include "core/state/ledger.h"

#include "base/alloc.h"
#include "core/state/record.h"

#include <stdlib.h>

typedef struct {
    const char *text;
    bool charged;
} how_info_t;

static const how_info_t how_info[] = {
#define HOW(number, name, text_, charged_, meaning)                                                \
    [number] = {.text = (text_), .charged = (charged_)},
#include "core/state/how.def"
#undef HOW
};

/*  Attempts, and as many replays.  */
enum { HOW_COUNT = sizeof how_info / sizeof how_info[0], LEDGER_ROWS_MAX = 2 * UINT16_MAX };

const char *how_text (how_t how)
{
    return (unsigned) how < HOW_COUNT ? how_info[how].text : "?";
}

bool how_charged (how_t how)
{
    return (unsigned) how < HOW_COUNT && how_info[how].charged;
}

bool how_operators (how_t how)
{
    return how == HOW_REPLAYED || how == HOW_IMPORTED;
}

static void attempt_free (attempt_t *self)
{
    label_drop (&self->who);
    label_drop (&self->why);
    label_drop (&self->code);
}

void ledger_free (ledger_t *self)
{
    if (self->count)
        attempt_free (&self->first);
    for (uint32_t i = 1; i < self->count; i++)
        attempt_free (&self->more[i - 1]);
    free (self->more);
    memset (self, 0, sizeof *self);
}

/*  `more` grows by doubling: its capacity is the next power of two above count - 1.  */
static attempt_t *ledger_add (ledger_t *self)
{
    attempt_t *attempt = &self->first;
    if (self->count > 0) {
        uint32_t used = self->count - 1;
        if ((used & (used - 1)) == 0)
            self->more = plv_realloc (self->more, (used ? used * 2 : 1) * sizeof *self->more);
        attempt = &self->more[used];
    }
    self->count++;
    memset (attempt, 0, sizeof *attempt);
    return attempt;
}

void ledger_open (ledger_t *self, uint16_t number, int64_t at_us, label_t *who)
{
    attempt_t *attempt = ledger_add (self);
    attempt->number = number;
    attempt->at_us = at_us;
    attempt->who = who;
    attempt->how = HOW_OPEN;
}

const attempt_t *ledger_at (const ledger_t *self, uint32_t index)
{
    return index == 0 ? &self->first : &self->more[index - 1];
}

attempt_t *ledger_last (ledger_t *self)
{
    if (self->count == 0)
        return NULL;
    return self->count == 1 ? &self->first : &self->more[self->count - 2];
}

how_t ledger_outcome (const ledger_t *self)
{
    for (uint32_t i = self->count; i-- > 0;) {
        how_t how = (how_t) ledger_at (self, i)->how;
        if (!how_operators (how))
            return how;
    }
    return HOW_OPEN;
}

void ledger_end (ledger_t *self, how_t how, int64_t at_us, plv_view_t code, plv_view_t why)
{
    attempt_t *attempt = ledger_last (self);
    if (!attempt || attempt->how != HOW_OPEN)
        return;
    attempt->how = (uint8_t) how;
    attempt->ended_us = at_us;
    attempt->code = code.size ? label_new (code) : NULL;
    attempt->why = why.size ? label_new (why) : NULL;
}

void ledger_write (const ledger_t *self, plv_buf_t *buf)
{
    record_put_number (buf, self->count);
    for (uint32_t i = 0; i < self->count; i++) {
        const attempt_t *attempt = ledger_at (self, i);
        record_put_number (buf, attempt->number);
        record_put_number (buf, attempt->how);
        record_put_number (buf, (uint64_t) attempt->at_us);
        record_put_number (buf, (uint64_t) attempt->ended_us);
        record_put_bytes (buf, label_view (attempt->who));
        record_put_bytes (buf, label_view (attempt->code));
        record_put_bytes (buf, label_view (attempt->why));
    }
}

static bool read_attempt (plv_view_t bytes, size_t *at, ledger_t *ledger)
{
    uint64_t number, how, at_us, ended_us;
    plv_view_t who, code, why;

    if (!record_get_number (bytes, at, &number) || !record_get_number (bytes, at, &how)
        || !record_get_number (bytes, at, &at_us) || !record_get_number (bytes, at, &ended_us)
        || !record_get_bytes (bytes, at, &who) || !record_get_bytes (bytes, at, &code)
        || !record_get_bytes (bytes, at, &why) || how >= HOW_COUNT)
        return false;
    ledger_open (ledger, (uint16_t) number, (int64_t) at_us, label_new (who));
    if (how != HOW_OPEN)
        ledger_end (ledger, (how_t) how, (int64_t) ended_us, code, why);
    return true;
}

bool ledger_read (plv_view_t bytes, size_t *at, ledger_t *ret_ledger)
{
    ledger_t ledger = {0};
    uint64_t count;

    if (!record_get_number (bytes, at, &count) || count > LEDGER_ROWS_MAX)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (!read_attempt (bytes, at, &ledger)) {
            ledger_free (&ledger);
            return false;
        }
    }
    *ret_ledger = ledger;
    return true;
}
