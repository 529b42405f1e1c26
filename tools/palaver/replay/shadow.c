#include "palaver/replay/shadow.h"

#include "palaver/interrupt.h"
#include "palaver/show/progress.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>

static const column_t columns[] = {
    {.title = "NUMBER", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "SESSION", .key = "session_id", .most = 24},
    {.title = "OUTCOME", .key = "outcome"},
    {.title = "MS", .key = "took_ms", .kind = COLUMN_NUMBER},
    {.title = "WHO", .key = "who", .most = 16},
    {.title = "OLD", .key = "old", .most = 40},
    {.title = "NEW", .key = "answer", .most = 40},
    {.title = "WHY", .key = "why"},
};

typedef struct {
    table_t table;
    progress_t progress;
    uint64_t answered, failed, same, changed, missing, skipped;
} trial_t;

static void take_answer (void *arg, plv_view_t answer)
{
    trial_t *self = arg;
    plv_view_t old = plv_mp_find_str (answer, "old");
    if (plv_view_is (plv_mp_find_str (answer, "outcome"), "answer")) {
        bool same = plv_view_equal (old, plv_mp_find_str (answer, "answer"));
        self->answered++;
        self->same += same;
        self->changed += !same && old.size;
    } else {
        self->failed++;
    }
    table_add (&self->table, answer);
    progress_at (&self->progress, self->answered + self->failed);
}

static ending_t try_step (const sending_t *sending, asker_t *asker, const letter_t *letters,
                          size_t count, trial_t *trial)
{
    plv_buf_t arguments = {0};
    plv_view_t body = {0};
    plv_mp_put_map (&arguments, 3 + (sending->to != NULL) + (sending->text != NULL));
    plv_mp_pair_bool (&arguments, "shadow", true);
    plv_mp_put_text (&arguments, "allow_duplicates"); /* nobody gets anything */
    plv_mp_put_bool (&arguments, true);
    plv_mp_put_text (&arguments, "numbers");
    plv_mp_put_array (&arguments, (uint32_t) count);
    for (size_t i = 0; i < count; i++)
        plv_mp_put_u64 (&arguments, letters[i].number);
    if (sending->to) {
        plv_mp_pair_text (&arguments, "to", sending->to);
    }
    if (sending->text) {
        plv_mp_put_text (&arguments, "set");
        plv_mp_put_map (&arguments, 1);
        plv_mp_pair_text (&arguments, "message_text", sending->text);
    }
    ending_t end = ask (asker, "dead.replay", &arguments, &body);
    plv_buf_free (&arguments);
    trial->missing += ask_number (body, "missing");
    trial->skipped += ask_number (body, "skipped");
    return end == END_NOTHING ? END_OK : end;
}

static void report (const call_t *call, const trial_t *trial)
{
    plv_buf_t out = {0};
    if (call->out.json) {
        plv_mp_put_map (&out, 7);
        plv_mp_pair_bool (&out, "shadow", true);
        plv_mp_pair_u64 (&out, "answered", trial->answered);
        plv_mp_pair_u64 (&out, "same", trial->same);
        plv_mp_pair_u64 (&out, "changed", trial->changed);
        plv_mp_pair_u64 (&out, "failed", trial->failed);
        plv_mp_pair_u64 (&out, "missing", trial->missing);
        plv_mp_pair_u64 (&out, "skipped", trial->skipped);
        out_json (plv_buf_view (&out));
    } else {
        text_putf (&out,
                   "answered %" PRIu64 " (as before %" PRIu64 ", otherwise %" PRIu64
                   "), failed %" PRIu64 ", missing %" PRIu64 ", no messages %" PRIu64
                   "; nothing was sent to anyone\n",
                   trial->answered, trial->same, trial->changed, trial->failed, trial->missing,
                   trial->skipped);
        out_flush (&out);
    }
    plv_buf_free (&out);
}

ending_t shadow (const sending_t *sending, asker_t *asker, const letters_t *letters)
{
    const call_t *call = sending->call;
    trial_t trial = {
        .table = table_new (&call->out, columns, sizeof columns / sizeof *columns),
        .progress = progress_new ("letters", letters->count),
        .missing = letters->missing,
    };
    ending_t end = END_OK;
    asker->part = take_answer;
    asker->part_arg = &trial;
    asker->wait = ask_until_interrupt;
    for (size_t at = 0, count; at < letters->count && !end && !interrupt_seen (); at += count) {
        count = send_again_step_size (sending, letters->count - at);
        end = try_step (sending, asker, letters->list + at, count, &trial);
        progress_end (&trial.progress);
        table_flush (&trial.table);
    }
    asker->part = NULL;
    asker->wait = NULL;
    table_free (&trial.table);
    if (interrupt_seen ())
        say ("interrupted: %zu letters were not tried to the end",
             letters->count - (size_t) (trial.answered + trial.failed + trial.skipped));
    else if (end)
        return end;
    report (call, &trial);
    if (interrupt_seen ())
        return end ? end : END_PARTLY;
    if (trial.answered == 0)
        return trial.failed ? END_PARTLY : END_NOTHING;
    return trial.failed || trial.missing ? END_PARTLY : END_OK;
}
