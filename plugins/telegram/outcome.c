#include "telegram/outcome.h"

#include "telegram/character.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_AFTER_S_MAX = 24 * 3600 };

typedef struct {
    unsigned first, last;
    const char *words;
    verdict_t verdict;
} row_t;

static const row_t rows[] = {
#define VERDICT(name, end, meaning)
#define OUTCOME(first, last, words, verdict, meaning) {first, last, words, VERDICT_##verdict},
#include "telegram/outcome.def"
#undef VERDICT
#undef OUTCOME
};

static const struct {
    const char *name;
    pal_outcome_t end;
} verdicts[] = {
#define VERDICT(name, end, meaning) {#name, end},
#define OUTCOME(first, last, words, verdict, meaning)
#include "telegram/outcome.def"
#undef VERDICT
#undef OUTCOME
};

const char *verdict_name (verdict_t verdict)
{
    return verdicts[verdict].name;
}

pal_outcome_t verdict_end (verdict_t verdict)
{
    return verdicts[verdict].end;
}

/*  `words` in lower case.  */
static bool holds (const char *text, const char *words)
{
    size_t size = strlen (words);
    for (; *text; text++) {
        size_t at = 0;
        while (at < size && tolower ((unsigned char) text[at]) == words[at])
            at++;
        if (at == size)
            return true;
    }
    return !size;
}

static verdict_t look_up (unsigned code, const char *description)
{
    const row_t *row = rows, *last = rows + sizeof rows / sizeof *rows - 1;
    while (row < last
           && (code < row->first || code > row->last || !holds (description, row->words)))
        row++;
    return row->verdict;
}

/*  A character at the end whose last bytes had no room goes.  */
static void drop_half_character (char *text)
{
    size_t size = strlen (text), at = size;
    while (at && ((unsigned char) text[at - 1] & 0xc0) == 0x80)
        at--;
    unsigned char lead = at ? (unsigned char) text[at - 1] : 0;
    if (at && size - (at - 1) < character_bytes (lead))
        text[at - 1] = 0;
}

static void finish (outcome_t *self, verdict_t verdict, unsigned code, const char *why)
{
    self->verdict = verdict;
    if (verdict == VERDICT_SENT)
        return;
    if (code)
        snprintf (self->reason, sizeof self->reason, "%u %s", code, why);
    else
        snprintf (self->reason, sizeof self->reason, "%s", why);
    drop_half_character (self->reason);
}

static void read_error (outcome_t *self, unsigned status)
{
    const json_t *code = json_object_get (self->root, "error_code");
    const json_t *parameters = json_object_get (self->root, "parameters");
    const char *description = json_string_value (json_object_get (self->root, "description"));
    json_int_t wait = json_integer_value (json_object_get (parameters, "retry_after"));
    if (json_is_integer (code) && json_integer_value (code) > 0 && json_integer_value (code) < 1000)
        status = (unsigned) json_integer_value (code);
    if (wait > 0)
        self->retry_after_ms =
            (uint32_t) (wait < RETRY_AFTER_S_MAX ? wait : RETRY_AFTER_S_MAX) * 1000;
    self->migrate_to = json_integer_value (json_object_get (parameters, "migrate_to_chat_id"));
    finish (self,
            self->migrate_to ? VERDICT_MIGRATE : look_up (status, description ? description : ""),
            status, description ? description : "without a description");
}

static void read_answer (outcome_t *self, unsigned status, pal_text_t body)
{
    self->root = json_loadb (body.size ? body.data : "", body.size, JSON_ALLOW_NUL, NULL);
    const json_t *ok = json_object_get (self->root, "ok");
    const json_t *result = json_object_get (self->root, "result");
    bool fine = status >= 200 && status < 300;
    if (json_is_false (ok))
        read_error (self, status);
    else if (fine && json_is_true (ok) && result) {
        self->result = result;
        self->message_id = json_integer_value (json_object_get (result, "message_id"));
        self->verdict = VERDICT_SENT;
    } else if (fine)
        finish (self, VERDICT_UNKNOWN, status, "the answer is none of the Bot API");
    else
        finish (self, look_up (status, ""), status, "from something in front of the Bot API");
}

void outcome_read (outcome_t *self, const pal_answer_t *answer)
{
    char why[OUTCOME_REASON_BYTES];
    *self = (outcome_t){.retry_after_ms = answer->retry_after_ms};
    snprintf (why, sizeof why, "%.*s", PAL_ARG (answer->reason));
    if (answer->ended == PAL_ANSWERED)
        read_answer (self, answer->status, answer->body);
    else
        finish (self, answer->ended == PAL_UNSENT ? VERDICT_NOT_SENT : VERDICT_UNKNOWN, 0, why);
}

void outcome_free (outcome_t *self)
{
    json_decref (self->root);
    *self = (outcome_t){0};
}
