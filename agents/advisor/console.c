#include "advisor/console.h"

#include "advisor/claude/author.h"
#include "advisor/offline/advise.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct {
    catalogue_t *catalogue;
    model_t *model;
    pthread_mutex_t lock;
    profile_t profile;
    int64_t money_left; /* negative: no limit */
    plv_buf_t *said;    /* questions and answers in turn */
    size_t said_count;
    int year;
} console_t;

static bool step_get (void *arg, const char *name, plv_view_t *ret_result)
{
    (void) arg;
    (void) name;
    (void) ret_result;
    return false;
}

static plv_err_t step_save (void *arg, const char *name, plv_view_t result, plv_fail_t *ret_fail)
{
    (void) arg;
    (void) name;
    (void) result;
    (void) ret_fail;
    return ERR_OK;
}

static bool turn_next (void *arg, size_t *at, bool *ret_person, plv_view_t *ret_text)
{
    const console_t *self = arg;
    if (*at >= self->said_count)
        return false;
    *ret_person = *at % 2 == 0;
    *ret_text = plv_buf_view (&self->said[(*at)++]);
    return true;
}

static trouble_t ask_model (console_t *self, reading_t *reading, plv_view_t text, answer_t *answer)
{
    const settings_t *set = model_settings (self->model);
    const talk_host_t host = {
        .step_get = step_get, .step_save = step_save, .turn_next = turn_next, .arg = self};
    const talk_t asked = {.model = self->model,
                          .catalogue = self->catalogue,
                          .lock = &self->lock,
                          .host = &host,
                          .reading = reading,
                          .text = text,
                          .user = plv_view_str ("console"),
                          .year = self->year,
                          .deadline_us = plv_clock_mono_us () + (int64_t) set->answer_ms * 1000,
                          .money_left = self->money_left};
    author_removed_t removed;
    talk_result_t result;
    talk (&asked, &result);
    trouble_t trouble = result.trouble
                            ? result.trouble
                            : author_write (self->catalogue, &result, reading, answer, &removed);
    if (self->money_left >= 0)
        self->money_left =
            self->money_left > result.bill.money ? self->money_left - result.bill.money : 0;
    talk_result_free (&result);
    return trouble;
}

static void answer_one (console_t *self, plv_view_t text, answer_t *answer)
{
    reading_t reading;
    picks_t picks = {0};
    trouble_t trouble = TROUBLE_NONE;
    understand (self->catalogue, &self->profile, text, self->year, &reading);
    bool ask = self->model && reading.intent != INTENT_RESET && text.size;
    if (ask)
        trouble = ask_model (self, &reading, text, answer);
    if (ask && trouble) {
        answer_free (answer);
        *answer = (answer_t){0};
        answer_say (answer, "%s\n\n", trouble_notice (trouble));
    }
    if (!ask || trouble) {
        if (advise_needs_picks (&reading))
            rank (self->catalogue, &reading, self->year, &picks);
        advise_write (self->catalogue, &reading, &picks, answer);
    }
    self->profile = reading.profile;
}

static void remember (console_t *self, plv_view_t text)
{
    if (self->said)
        plv_buf_add_view (&self->said[self->said_count++], text);
}

void console_ask (catalogue_t *catalogue, model_t *model, char *const *texts, int count, int year,
                  FILE *out)
{
    console_t self = {.catalogue = catalogue,
                      .model = model,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .said = calloc (2 * (size_t) count + 1, sizeof (plv_buf_t)),
                      .year = year};
    double most = model ? model_settings (model)->session_usd : 0;
    self.money_left = most > 0 ? (int64_t) (most * 1e6) : -1;
    profile_init (&self.profile);
    for (int i = 0; i < count; i++) {
        answer_t answer = {0};
        answer_one (&self, plv_view_str (texts[i]), &answer);
        if (answer.text.failed)
            plv_buf_clear (&answer.text);
        fprintf (out, "%s" PLV_VIEW_FMT "\n", i ? "\n" : "", PLV_VIEW_ARG (answer.text));
        fprintf (out, "(confidence %.2f)\n", answer.confidence);
        remember (&self, plv_view_str (texts[i]));
        remember (&self, plv_buf_view (&answer.text));
        answer_free (&answer);
    }
    for (size_t i = 0; i < self.said_count; i++)
        plv_buf_free (&self.said[i]);
    free (self.said);
    pthread_mutex_destroy (&self.lock);
}
