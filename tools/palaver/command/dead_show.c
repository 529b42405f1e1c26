#include "palaver/interrupt.h"
#include "palaver/listing.h"
#include "palaver/replay/letters.h"
#include "palaver/show/card.h"
#include "palaver/show/json.h"
#include "palaver/show/text.h"
#include "wire/mask.h"
#include "wire/mp.h"

static const column_t fields[] = {
    {.title = "number", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "id", .key = "id"},
    {.title = "type", .key = "type"},
    {.title = "platform", .key = "platform"},
    {.title = "adapter", .key = "adapter"},
    {.title = "session", .key = "session_id"},
    {.title = "user", .key = "user_id"},
    {.title = "route", .key = "route"},
    {.title = "service", .key = "service"},
    {.title = "accepted", .key = "accepted_us", .kind = COLUMN_TIME},
    {.title = "dead", .key = "dead_us", .kind = COLUMN_TIME},
    {.title = "reason", .key = "reason"},
    {.title = "outcome", .key = "outcome"},
    {.title = "code", .key = "code"},
    {.title = "why", .key = "why"},
    {.title = "fingerprint", .key = "fingerprint"},
    {.title = "attempts", .key = "attempts", .kind = COLUMN_NUMBER},
    {.title = "copy of", .key = "copy_of"},
};

static const column_t ledger[] = {
    {.title = "TRY", .key = "attempt", .kind = COLUMN_NUMBER},
    {.title = "BEGUN", .key = "at_us", .kind = COLUMN_TIME, .spare = 2},
    {.title = "ENDED", .key = "ended_us", .kind = COLUMN_TIME, .spare = 1},
    {.title = "WHO", .key = "who", .most = 48},
    {.title = "CODE", .key = "code", .spare = 3},
    {.title = "HOW", .key = "how"},
    {.title = "WHY", .key = "why", .below = true},
};

static void show (const out_t *out, plv_view_t letter, bool first)
{
    plv_buf_t buffer = {0};
    plv_mp_t body;
    plv_view_t raw;
    text_put (&buffer, first ? "" : "\n");
    card_put (out, &buffer, fields, sizeof fields / sizeof *fields, letter);
    if (plv_mp_find (letter, "body", &body) && plv_mp_skip (&body, &raw)) {
        card_title (out, &buffer, "body");
        json_put (&buffer, raw);
        plv_buf_add_u8 (&buffer, '\n');
    }
    card_table (out, &buffer, "ledger", letter, "ledger", ledger, sizeof ledger / sizeof *ledger);
    out_flush (&buffer);
    plv_buf_free (&buffer);
}

typedef struct {
    const out_t *out;
    size_t shown;
    plv_buf_t masked;
} showing_t;

static bool show_letter (void *arg, plv_view_t letter)
{
    showing_t *self = arg;
    plv_buf_clear (&self->masked);
    plv_mask_put (&self->masked, letter);
    plv_buf_check (&self->masked);
    if (self->out->json)
        out_json (plv_buf_view (&self->masked));
    else
        show (self->out, plv_buf_view (&self->masked), self->shown == 0);
    self->shown++;
    return true;
}

/*  The list leaves out what people wrote.  */
static ending_t show_chosen (asker_t *asker, const letters_t *letters, showing_t *showing)
{
    plv_view_t letter;
    for (size_t i = 0; i < letters->count && !interrupt_seen (); i++) {
        ending_t end = letters_show (asker, letters->list[i].number, &letter);
        if (end && end != END_NOTHING)
            return end;
        if (!end)
            show_letter (showing, letter);
    }
    return END_OK;
}

ending_t command_dead_show (call_t *call)
{
    asker_t asker;
    letters_t letters = {0};
    showing_t showing = {.out = &call->out};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    if (call->operand_count) {
        end = letters_find (call, &asker, false, show_letter, &showing, &letters.missing);
    } else {
        end = letters_choose (call, &asker, false, &letters);
        if (!end)
            end = show_chosen (&asker, &letters, &showing);
    }
    end = listing_cut (end);
    if (!end && (letters.missing || showing.shown == 0))
        end = showing.shown ? END_PARTLY : END_NOTHING;
    plv_buf_free (&showing.masked);
    letters_free (&letters);
    asker_close (&asker);
    return end;
}
