#include "palaver/replay/send_again.h"

#include "base/clock.h"
#include "palaver/interrupt.h"
#include "palaver/show/progress.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <string.h>

enum { RETRY_MS = 100, SECOND_US = 1000000 };

void tally_add (tally_t *self, const tally_t *more)
{
    self->done += more->done;
    self->missing += more->missing;
    self->unknown += more->unknown;
    self->changed += more->changed;
    self->kind += more->kind;
    self->size += more->size;
    self->before += more->before;
}

static void put_letters (plv_buf_t *map, const letter_t *letters, size_t count)
{
    plv_mp_put_text (map, "numbers");
    plv_mp_put_array (map, (uint32_t) count);
    for (size_t i = 0; i < count; i++)
        plv_mp_put_u64 (map, letters[i].number);
    plv_mp_put_text (map, "expect");
    plv_mp_put_array (map, (uint32_t) count);
    for (size_t i = 0; i < count; i++) {
        plv_mp_put_array (map, 2);
        plv_mp_put_u64 (map, letters[i].attempts);
        plv_mp_put_i64 (map, letters[i].dead_us);
    }
}

static ending_t ask_step (const sending_t *self, asker_t *asker, const letter_t *letters,
                          size_t count, plv_view_t *ret_body)
{
    plv_buf_t arguments = {0};
    plv_mp_put_map (&arguments,
                    5 + (self->plan != NULL) + (self->to != NULL) + (self->text != NULL));
    put_letters (&arguments, letters, count);
    plv_mp_pair_bool (&arguments, "allow_duplicates", self->allow_duplicates);
    plv_mp_pair_text (&arguments, "who", call_who (self->call));
    plv_mp_pair_text (&arguments, "reason", call_text (self->call, OPTION_WHY, ""));
    if (self->plan)
        plv_mp_pair_text (&arguments, "plan", self->plan);
    if (self->to)
        plv_mp_pair_text (&arguments, "to", self->to);
    if (self->text) {
        plv_mp_put_text (&arguments, "set");
        plv_mp_put_map (&arguments, 1);
        plv_mp_pair_text (&arguments, "message_text", self->text);
    }
    asker->quiet = true;
    ending_t end = ask (asker, self->command, &arguments, ret_body);
    asker->quiet = false;
    plv_buf_free (&arguments);
    return end;
}

static void count_skips (plv_view_t body, tally_t *tally)
{
    plv_mp_t skips;
    plv_view_t skip;
    uint32_t count;
    if (!plv_mp_find (body, "skips", &skips) || !plv_mp_array (&skips, &count)) {
        tally->unknown += ask_number (body, "skipped");
        return;
    }
    while (count-- && plv_mp_skip (&skips, &skip)) {
        plv_view_t why = plv_mp_find_str (skip, "why");
        if (plv_view_is (why, "unknown"))
            tally->unknown++;
        else if (plv_view_is (why, "kind"))
            tally->kind++;
        else if (plv_view_is (why, "size"))
            tally->size++;
        else
            tally->changed++;
    }
}

static bool is_busy (plv_view_t body, uint64_t number)
{
    plv_mp_t numbers;
    uint64_t one;
    uint32_t count;
    if (!plv_mp_find (body, "busy_numbers", &numbers) || !plv_mp_array (&numbers, &count))
        return false;
    while (count-- && plv_mp_u64 (&numbers, &one))
        if (one == number)
            return true;
    return false;
}

/*  Keeps those that are busy, in their order; how many.  */
static size_t keep_busy (plv_view_t body, letter_t *letters, size_t count)
{
    size_t kept = 0;
    if (ask_number (body, "busy") == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (is_busy (body, letters[i].number))
            letters[kept++] = letters[i];
    return kept;
}

/*  NOENT without a letter done is a count, no failure; so is BUSY.  */
static bool is_counted (ending_t end, plv_view_t body)
{
    plv_mp_t done;
    return !end || (end != END_UNREACHABLE && plv_mp_find (body, "done", &done));
}

static ending_t say_refused (plv_view_t body, ending_t end)
{
    plv_view_t text = plv_mp_find_str (body, "text");
    if (end != END_UNREACHABLE && text.size)
        say (PLV_VIEW_FMT, PLV_VIEW_ARG (text));
    return end;
}

size_t send_again_step_size (const sending_t *self, size_t left)
{
    size_t most = self->at_a_time ? self->at_a_time : SEND_AGAIN_STEP;
    if (self->per_second) {
        /* ten steps a second, so that the pace is even */
        size_t even = (size_t) (self->per_second + 9) / 10;
        most = even < most ? even : most;
    }
    return left < most ? left : most;
}

void send_again_keep_pace (sending_t *self, asker_t *asker, size_t count)
{
    if (!self->per_second)
        return;
    int64_t now_us = plv_clock_mono_us ();
    if (!self->begun_us)
        self->begun_us = now_us;
    int64_t due_us = self->begun_us
                     + (int64_t) (self->paced * (uint64_t) SECOND_US / (uint64_t) self->per_second);
    self->paced += count;
    if (due_us > now_us)
        ask_rest (asker, due_us - now_us);
}

ending_t send_again_step (sending_t *self, asker_t *asker, const letter_t *letters, size_t count,
                          tally_t *tally, size_t *ret_count)
{
    letter_t left[SEND_AGAIN_STEP];
    size_t waiting = count;
    plv_view_t body = {0};
    memcpy (left, letters, count * sizeof *left);
    send_again_keep_pace (self, asker, count);
    while (waiting && !interrupt_seen ()) {
        body = (plv_view_t){0};
        ending_t end = ask_step (self, asker, left, waiting, &body);
        if (!is_counted (end, body))
            return say_refused (body, end);
        tally_t step = {.done = ask_number (body, "done")};
        count_skips (body, &step);
        size_t busy = keep_busy (body, left, waiting);
        uint64_t told = step.done + step.unknown + step.changed + step.kind + step.size + busy;
        step.missing = waiting > told ? waiting - told : 0;
        tally_add (tally, &step);
        waiting = busy;
        uint64_t retry_ms = ask_number (body, "retry_after_ms");
        if (busy)
            ask_rest (asker, (int64_t) (retry_ms ? retry_ms : RETRY_MS) * 1000);
    }
    *ret_count = count - waiting;
    return END_OK;
}

ending_t send_again (sending_t *self, asker_t *asker, const letters_t *letters, tally_t *tally)
{
    progress_t progress = progress_new ("letters", letters->count);
    ending_t end = END_OK;
    size_t at = 0;
    while (at < letters->count && !end && !interrupt_seen ()) {
        size_t did = 0, count = send_again_step_size (self, letters->count - at);
        end = send_again_step (self, asker, letters->list + at, count, tally, &did);
        at += did;
        progress_at (&progress, at);
    }
    progress_end (&progress);
    if (at < letters->count && !end) {
        say ("interrupted: %zu letters were left as they are; the same command goes on with them",
             letters->count - at);
        end = END_PARTLY;
    }
    return end;
}

static void put_words (plv_buf_t *out, uint64_t number, const char *what)
{
    if (number)
        text_putf (out, ", %s %" PRIu64, what, number);
}

static void report_json (const tally_t *tally, const char *done_key, bool dry)
{
    plv_buf_t map = {0};
    plv_mp_put_map (&map, 8);
    plv_mp_pair_u64 (&map, done_key, tally->done);
    plv_mp_pair_u64 (&map, "before", tally->before);
    plv_mp_pair_u64 (&map, "missing", tally->missing);
    plv_mp_pair_u64 (&map, "unknown", tally->unknown);
    plv_mp_pair_u64 (&map, "changed", tally->changed);
    plv_mp_pair_u64 (&map, "kind", tally->kind);
    plv_mp_pair_u64 (&map, "size", tally->size);
    plv_mp_pair_bool (&map, "dry_run", dry);
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

static void report_words (const tally_t *tally, const char *done_key, bool dry)
{
    plv_buf_t line = {0};
    text_putf (&line, "%s %" PRIu64 "%s, missing %" PRIu64, done_key, tally->done,
               dry ? " (dry run)" : "", tally->missing);
    put_words (&line, tally->before, "sent before by this plan");
    put_words (&line, tally->unknown, "left out because their outcome is unknown");
    put_words (&line, tally->changed, "left out because they have changed since");
    put_words (&line, tally->kind, "left out because they are no messages");
    put_words (&line, tally->size, "left out because they are too large with this text");
    text_put (&line, "\n");
    out_flush (&line);
    plv_buf_free (&line);
    if (tally->unknown)
        say ("--allow-duplicates takes those of unknown outcome too");
}

ending_t send_again_report (const call_t *call, const tally_t *tally, const char *done_key,
                            ending_t end)
{
    uint64_t left_out = tally->unknown + tally->changed + tally->kind + tally->size;
    bool dry = call_has (call, OPTION_DRY_RUN);
    if (call->out.json)
        report_json (tally, done_key, dry);
    else
        report_words (tally, done_key, dry);
    if (end)
        return end;
    if (tally->done + tally->before == 0)
        return left_out && !tally->missing ? END_PARTLY : END_NOTHING;
    return tally->missing || tally->changed || tally->kind || tally->size ? END_PARTLY : END_OK;
}
