#include "palaver/replay/shadow.h"

#include "palaver/interrupt.h"
#include "palaver/show/progress.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <string.h>

static const column_t columns[] = {
    {.title = "NUMBER", .key = "number", .kind = COLUMN_NUMBER},
    {.title = "SESSION", .key = "session_id", .most = 24, .spare = 3},
    {.title = "OUTCOME", .key = "outcome"},
    {.title = "MS", .key = "took_ms", .kind = COLUMN_NUMBER, .spare = 2},
    {.title = "WHO", .key = "who", .most = 16, .spare = 1},
    {.title = "OLD", .key = "old", .most = 40},
    {.title = "NEW", .key = "answer", .most = 40},
    {.title = "WHY", .key = "why", .below = true},
};

/*  The broker bounds a trial: until there is an agent for it, and by the deadline of the route.  */
enum { TRIAL_S = 86400, NAMED_MAX = 20 };

typedef struct {
    table_t table;
    progress_t progress;
    uint64_t answered, failed, same, changed, missing, skipped;
    uint64_t open
        [SEND_AGAIN_STEP]; /* letters of the step under way that have no answer yet, in their order */
    size_t open_count;
    size_t left; /* letters behind that step */
} trial_t;

static void close_one (trial_t *self, uint64_t number)
{
    size_t at = 0;
    while (at < self->open_count && self->open[at] != number)
        at++;
    if (at == self->open_count)
        return;
    self->open_count--;
    memmove (self->open + at, self->open + at + 1, (self->open_count - at) * sizeof *self->open);
}

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
    close_one (self, ask_number (answer, "number"));
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
    for (size_t i = 0; i < count; i++) {
        plv_mp_put_u64 (&arguments, letters[i].number);
        trial->open[i] = letters[i].number;
    }
    trial->open_count = count;
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
    if (!body.size)
        return end; /* it was not waited for, or did not come */
    trial->open_count = 0;
    return end == END_NOTHING ? END_OK : end;
}

static void report_json (const trial_t *trial)
{
    plv_buf_t out = {0};
    plv_mp_put_map (&out, 9);
    plv_mp_pair_bool (&out, "shadow", true);
    plv_mp_pair_u64 (&out, "answered", trial->answered);
    plv_mp_pair_u64 (&out, "same", trial->same);
    plv_mp_pair_u64 (&out, "changed", trial->changed);
    plv_mp_pair_u64 (&out, "failed", trial->failed);
    plv_mp_pair_u64 (&out, "missing", trial->missing);
    plv_mp_pair_u64 (&out, "skipped", trial->skipped);
    plv_mp_put_text (&out, "open");
    plv_mp_put_array (&out, (uint32_t) trial->open_count);
    for (size_t i = 0; i < trial->open_count; i++)
        plv_mp_put_u64 (&out, trial->open[i]);
    plv_mp_pair_u64 (&out, "left", trial->left);
    out_json (plv_buf_view (&out));
    plv_buf_free (&out);
}

static void report_words (const trial_t *trial)
{
    plv_buf_t out = {0};
    text_putf (&out,
               "answered %" PRIu64 " (as before %" PRIu64 ", otherwise %" PRIu64
               "), failed %" PRIu64 ", missing %" PRIu64 ", no messages %" PRIu64,
               trial->answered, trial->same, trial->changed, trial->failed, trial->missing,
               trial->skipped);
    if (trial->open_count || trial->left)
        text_putf (&out, ", without an answer yet %zu, not begun %zu", trial->open_count,
                   trial->left);
    text_put (&out, "; nothing was sent to anyone\n");
    out_flush (&out);
    plv_buf_free (&out);
}

/*  The letters whose trial was given up, by number.  */
static void say_open (const trial_t *trial)
{
    plv_buf_t words = {0};
    size_t named = trial->open_count < NAMED_MAX ? trial->open_count : NAMED_MAX;
    if (!trial->open_count)
        return;
    for (size_t i = 0; i < named; i++)
        text_putf (&words, "%s%" PRIu64, i ? ", " : "", trial->open[i]);
    if (named < trial->open_count)
        text_putf (&words, " and %zu more", trial->open_count - named);
    say ("no agent has answered yet: " PLV_VIEW_FMT, PLV_VIEW_ARG (plv_buf_view (&words)));
    plv_buf_free (&words);
}

/*  How the call ends when its trials have ended with `end`.  */
static ending_t finish (const call_t *call, const asker_t *asker, const trial_t *trial,
                        ending_t end)
{
    bool tried = trial->answered || trial->failed;
    size_t left = trial->open_count + trial->left;
    if (interrupt_seen ())
        say ("interrupted: %zu letters were not tried to the end", left);
    else if (end && end != END_UNREACHABLE && !tried)
        return end; /* refused, in the words of the broker */
    say_open (trial);
    if (call->out.json)
        report_json (trial);
    else
        report_words (trial);
    if (end && asker->failed != ERR_TIMEOUT)
        return end;
    if (left || trial->failed || (tried && trial->missing))
        return END_PARTLY;
    return trial->answered ? END_OK : END_NOTHING;
}

ending_t shadow (sending_t *sending, asker_t *asker, const letters_t *letters)
{
    const call_t *call = sending->call;
    trial_t trial = {
        .table = table_new (&call->out, columns, sizeof columns / sizeof *columns),
        .progress = progress_new ("letters", letters->count),
        .missing = letters->missing,
        .left = letters->count,
    };
    ending_t end = END_OK;
    asker->part = take_answer;
    asker->part_arg = &trial;
    asker->wait = ask_until_interrupt;
    asker->timeout_us = call_timeout_us (call, TRIAL_S);
    for (size_t at = 0, count; at < letters->count && !end && !interrupt_seen (); at += count) {
        count = send_again_step_size (sending, letters->count - at);
        progress_at (&trial.progress, at);
        send_again_keep_pace (sending, asker, count);
        if (interrupt_seen ())
            break;
        trial.left -= count;
        end = try_step (sending, asker, letters->list + at, count, &trial);
        progress_end (&trial.progress);
        table_flush (&trial.table);
    }
    asker->part = NULL;
    asker->wait = NULL;
    table_free (&trial.table);
    return finish (call, asker, &trial, end);
}
