#include "advisor/claude/talk.h"

#include "advisor/claude/live.h"
#include "advisor/claude/prompt.h"
#include "advisor/claude/tools.h"
#include "base/clock.h"
#include "base/format.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS_MOST = 64, REPEATS_MOST = 3 };

/*  What a round came to: the message and the results of its tools, as they are saved.  */
typedef struct {
    message_t message;
    json_t *results; /* tool_result blocks */
} round_t;

typedef struct {
    const talk_t *talk;
    talk_result_t *result;
    pii_t pii;
    live_t live;
    json_t *request;
    json_t *messages;
    json_t *calls; /* tool calls so far, as texts: the same one twice is a mistake */
    unsigned repeats;
    bool longer;    /* an answer was cut: the next may be longer */
    bool forgetful; /* the conversation was too long: without its history */
} run_t;

void talk_result_free (talk_result_t *self)
{
    json_decref (self->answer);
    json_decref (self->request_ids);
    *self = (talk_result_t){0};
}

/* --------------------------------------------------------------- the conversation so far */

static bool add_message (json_t *messages, const char *role, json_t *content)
{
    json_t *message = json_pack ("{s:s, s:o}", "role", role, "content", content);
    return message && !json_array_append_new (messages, message);
}

/*  Appends a text; two of one role in a row become one message.  */
static bool add_text (run_t *run, const char *role, const char *text)
{
    json_t *last = json_array_get (run->messages, json_array_size (run->messages) - 1);
    const char *before = json_string_value (json_object_get (last, "role"));
    json_t *block = json_pack ("{s:s, s:s}", "type", "text", "text", text);
    if (!block)
        return false;
    if (before && strcmp (before, role) == 0)
        return !json_array_append_new (json_object_get (last, "content"), block);
    if (!before && strcmp (role, "user") != 0) {
        json_decref (block); /* a conversation begins with the person */
        return true;
    }
    return add_message (run->messages, role, json_pack ("[o]", block));
}

static bool add_hidden (run_t *run, bool person, plv_view_t text, const reading_t *reading)
{
    plv_buf_t hidden = {0};
    char *words = NULL;
    bool good = true;
    pii_hide (&run->pii, text, &hidden);
    if (person) {
        words = prompt_message (plv_buf_view (&hidden), reading, run->talk->year);
    } else if (hidden.size && plv_buf_reserve (&hidden, 1)) {
        hidden.data[hidden.size] = '\0';
        words = strdup ((const char *) hidden.data);
    }
    if (words && words[strspn (words, " \t\r\n")])
        good = add_text (run, person ? "user" : "assistant", words);
    good &= !hidden.failed && (words || (!person && !hidden.size));
    free (words);
    plv_buf_free (&hidden);
    return good;
}

static bool make_messages (run_t *run, bool history)
{
    const talk_host_t *host = run->talk->host;
    bool good = true, person;
    plv_view_t text;
    json_decref (run->messages);
    run->messages = json_array ();
    for (size_t at = 0; history && good && host->turn_next (host->arg, &at, &person, &text);) {
        good = add_hidden (run, person, text, NULL);
        if (person)
            evidence_person (&run->result->evidence, text);
    }
    return good && run->messages && add_hidden (run, true, run->talk->text, run->talk->reading);
}

/* --------------------------------------------------------------- tools */

/*  Has the model called this tool with this very input before?  */
static bool is_repeat (run_t *run, const char *name, const json_t *input)
{
    char *text = json_dumps (input, JSON_COMPACT | JSON_SORT_KEYS);
    char *key = NULL;
    bool repeat = true;
    if (text && asprintf (&key, "%s %s", name ? name : "", text) >= 0) {
        repeat = json_object_get (run->calls, key) || json_object_size (run->calls) >= CALLS_MOST;
        json_object_set_new (run->calls, key, json_true ());
        free (key);
    }
    free (text);
    run->repeats += repeat;
    return repeat;
}

static json_t *run_tool (run_t *run, const json_t *block)
{
    const char *name = json_string_value (json_object_get (block, "name"));
    const json_t *input = json_object_get (block, "input");
    const tools_t tools = {run->talk->catalogue, run->talk->reading, run->talk->year};
    bool is_error = true;
    json_t *result;
    if (is_repeat (run, name, input)) {
        result =
            json_pack ("{s:s}", "error",
                       "this tool was called with the same input before: its result stands above");
    } else {
        pthread_mutex_lock (run->talk->lock);
        result = tools_run (&tools, name, input, &is_error);
        pthread_mutex_unlock (run->talk->lock);
    }
    char *text = json_dumps (result, JSON_COMPACT);
    json_t *found =
        json_pack ("{s:s, s:O, s:s*, s:b}", "type", "tool_result", "tool_use_id",
                   json_object_get (block, "id"), "content", text, "is_error", is_error);
    free (text);
    json_decref (result);
    return found;
}

static void run_tools (run_t *run, round_t *round)
{
    const json_t *block;
    size_t i;
    round->results = json_array ();
    json_array_foreach (round->message.content, i, block)
    {
        const char *type = json_string_value (json_object_get (block, "type"));
        if (type && strcmp (type, "tool_use") == 0)
            json_array_append_new (round->results, run_tool (run, block));
    }
}

/*  The name of the tool that a result belongs to.  */
static const char *tool_of (const round_t *round, const json_t *result)
{
    const json_t *block;
    size_t i;
    json_array_foreach (round->message.content, i, block)
    {
        if (json_equal (json_object_get (block, "id"), json_object_get (result, "tool_use_id")))
            return json_string_value (json_object_get (block, "name"));
    }
    return NULL;
}

/*  What the results hold may be said, whether they were made now or by an earlier attempt.  */
static void take_evidence (run_t *run, const round_t *round)
{
    const json_t *result;
    size_t i;
    json_array_foreach (round->results, i, result)
    {
        const char *text = json_string_value (json_object_get (result, "content"));
        json_t *value = text ? json_loads (text, 0, NULL) : NULL;
        pthread_mutex_lock (run->talk->lock);
        evidence_result (&run->result->evidence, run->talk->catalogue, value,
                         tools_computes (tool_of (round, result)));
        pthread_mutex_unlock (run->talk->lock);
        json_decref (value);
    }
}

/* --------------------------------------------------------------- rounds */

static void round_free (round_t *round)
{
    message_free (&round->message);
    json_decref (round->results);
    round->results = NULL;
}

static void said (void *arg, plv_view_t text)
{
    run_t *run = arg;
    if (run->talk->host->delta)
        live_said (&run->live, text);
}

static bool cancelled (void *arg)
{
    const talk_host_t *host = ((run_t *) arg)->talk->host;
    return host->cancelled && host->cancelled (host->arg);
}

static trouble_t call_model (run_t *run, bool last, round_t *round, bill_t *bill)
{
    const settings_t *set = model_settings (run->talk->model);
    int64_t left = run->talk->money_left;
    const model_ask_t ask = {.deadline_us = run->talk->deadline_us,
                             .money_left = left < 0 || left > run->result->bill.money
                                               ? left < 0 ? -1 : left - run->result->bill.money
                                               : 0,
                             .cancelled = cancelled,
                             .said = set->stream ? said : NULL,
                             .arg = run};
    json_object_set_new (run->request, "max_tokens",
                         json_integer (run->longer ? set->max_tokens_most : set->max_tokens));
    if (last)
        json_object_set_new (run->request, "tool_choice", json_pack ("{s:s}", "type", "none"));
    if (!prompt_set_messages (run->request, run->messages, set->cache_ttl))
        return TROUBLE_DOWN;
    live_begin (&run->live);
    return model_call (run->talk->model, run->request, &ask, &round->message, bill);
}

static bool load_round (run_t *run, const char *name, round_t *round, bill_t *bill)
{
    plv_view_t saved;
    const talk_host_t *host = run->talk->host;
    if (!host->step_get (host->arg, name, &saved))
        return false;
    json_t *json = json_loadb ((const char *) saved.data, saved.size, 0, NULL);
    const json_t *paid = json_object_get (json, "bill");
    round->results = json_incref (json_object_get (json, "results"));
    bool good = message_read (&round->message, json_object_get (json, "message"))
                && json_is_array (round->results);
    bill->money = json_integer_value (json_object_get (paid, "money"));
    bill->input = json_integer_value (json_object_get (paid, "input"));
    bill->output = json_integer_value (json_object_get (paid, "output"));
    json_decref (json);
    if (!good)
        round_free (round);
    return good;
}

/*  A step that is too large to be kept is no reason to have no answer.  */
static trouble_t save_round (run_t *run, const char *name, const round_t *round, const bill_t *bill)
{
    const talk_host_t *host = run->talk->host;
    plv_fail_t fail = {0};
    json_t *json =
        json_pack ("{s:o, s:O, s:{s:I, s:I, s:I}}", "message", message_json (&round->message),
                   "results", round->results, "bill", "money", (json_int_t) bill->money, "input",
                   (json_int_t) bill->input, "output", (json_int_t) bill->output);
    char *text = json ? json_dumps (json, JSON_COMPACT) : NULL;
    plv_err_t err =
        text ? host->step_save (host->arg, name, plv_view_str (text), &fail) : ERR_NOMEM;
    free (text);
    json_decref (json);
    run->result->gone = err == ERR_GONE || err == ERR_TIMEOUT;
    return run->result->gone ? TROUBLE_CANCELLED : TROUBLE_NONE;
}

static void count_bill (run_t *run, const round_t *round, const bill_t *bill)
{
    talk_result_t *result = run->result;
    result->bill.money += bill->money;
    result->bill.input += bill->input;
    result->bill.output += bill->output;
    result->bill.attempts += bill->attempts;
    const char *id = round->message.request_id[0] ? round->message.request_id : bill->request_id;
    if (*id)
        json_array_append_new (result->request_ids, json_string (id));
    if (round->message.model[0])
        plv_format (result->model, sizeof result->model, "%s", round->message.model);
}

/*  A round that an earlier attempt has paid for, or a new one.  */
static trouble_t have_round (run_t *run, unsigned number, bool last, round_t *round)
{
    char name[24];
    bill_t bill = {0};
    trouble_t trouble = TROUBLE_NONE;
    plv_format (name, sizeof name, "model_%u", number);
    if (!load_round (run, name, round, &bill)) {
        trouble = call_model (run, last, round, &bill);
        if (!trouble) {
            run_tools (run, round);
            count_bill (run, round, &bill);
            trouble = save_round (run, name, round, &bill);
            return trouble;
        }
    } else {
        const json_t *block;
        size_t i;
        json_array_foreach (round->message.content, i, block)
        {
            const json_t *input = json_object_get (block, "input");
            if (input)
                is_repeat (run, json_string_value (json_object_get (block, "name")), input);
        }
    }
    count_bill (run, round, &bill);
    return trouble;
}

/* --------------------------------------------------------------- what a round means */

static void show (run_t *run, json_t *object, const char *key)
{
    const json_t *value = json_object_get (object, key);
    plv_buf_t shown = {0};
    pii_show (&run->pii, plv_view (json_string_value (value), json_string_length (value)), &shown);
    json_object_set_new (object, key, json_stringn ((const char *) shown.data, shown.size));
    plv_buf_free (&shown);
}

static bool good_shape (const json_t *answer)
{
    const json_t *list = json_object_get (answer, "recommendations"), *one;
    size_t i;
    json_array_foreach (list, i, one)
    {
        if (!json_is_string (json_object_get (one, "symbol"))
            || !json_is_string (json_object_get (one, "why")))
            return false;
    }
    return json_is_array (list) && json_is_string (json_object_get (answer, "kind"))
           && json_string_length (json_object_get (answer, "answer")) > 0;
}

static trouble_t take_answer (run_t *run, const message_t *message)
{
    plv_buf_t text = {0};
    json_t *one;
    size_t i;
    message_text (message, &text);
    json_t *answer = text.size ? json_loadb ((const char *) text.data, text.size, 0, NULL) : NULL;
    plv_buf_free (&text);
    if (!good_shape (answer)) {
        json_decref (answer);
        return TROUBLE_MALFORMED;
    }
    show (run, answer, "answer");
    json_array_foreach (json_object_get (answer, "recommendations"), i, one)
    {
        show (run, one, "why");
    }
    run->result->answer = answer;
    return TROUBLE_NONE;
}

/*  The conversation did not fit: once more without what was said before.  */
static trouble_t forget (run_t *run)
{
    if (run->forgetful || json_array_size (run->messages) < 2)
        return TROUBLE_WINDOW;
    run->forgetful = true;
    json_object_clear (run->calls);
    return make_messages (run, false) ? TROUBLE_NONE : TROUBLE_DOWN;
}

static trouble_t follow_tools (run_t *run, const round_t *round)
{
    if (!json_array_size (round->results) || run->repeats > REPEATS_MOST)
        return run->repeats > REPEATS_MOST ? TROUBLE_ROUNDS : TROUBLE_MALFORMED;
    bool good = add_message (run->messages, "assistant", json_incref (round->message.content))
                && add_message (run->messages, "user", json_deep_copy (round->results));
    return good ? TROUBLE_NONE : TROUBLE_DOWN;
}

/*  TROUBLE_NONE without an answer: another round.  */
static trouble_t take_round (run_t *run, const round_t *round)
{
    const char *stop = round->message.stop_reason;
    take_evidence (run, round);
    if (strcmp (stop, "tool_use") == 0)
        return follow_tools (run, round);
    if (strcmp (stop, "pause_turn") == 0)
        return json_array_size (round->message.content)
                       && add_message (run->messages, "assistant",
                                       json_incref (round->message.content))
                   ? TROUBLE_NONE
                   : TROUBLE_MALFORMED;
    if (strcmp (stop, "max_tokens") == 0) {
        bool again = !run->longer;
        run->longer = true;
        return again ? TROUBLE_NONE : TROUBLE_CUT;
    }
    if (strcmp (stop, "model_context_window_exceeded") == 0)
        return forget (run);
    if (strcmp (stop, "refusal") == 0) {
        plv_format (run->result->category, sizeof run->result->category, "%s",
                    round->message.category);
        return TROUBLE_REFUSED;
    }
    return take_answer (run, &round->message);
}

static trouble_t work (run_t *run)
{
    unsigned most = (unsigned) model_settings (run->talk->model)->rounds;
    for (unsigned number = 1; number <= most; number++) {
        round_t round = {0};
        run->result->rounds = number;
        trouble_t trouble = have_round (run, number, number == most, &round);
        if (trouble == TROUBLE_WINDOW)
            trouble = forget (run);
        else if (!trouble)
            trouble = take_round (run, &round);
        round_free (&round);
        if (trouble || run->result->answer)
            return trouble;
    }
    return TROUBLE_ROUNDS;
}

void talk (const talk_t *self, talk_result_t *ret_result)
{
    char user[MODEL_OPAQUE_BYTES];
    run_t run = {.talk = self, .result = ret_result, .calls = json_object ()};
    *ret_result = (talk_result_t){.request_ids = json_array ()};
    run.live = (live_t){.pii = &run.pii, .send = self->host->delta, .arg = self->host->arg};
    model_opaque (self->model, self->user, user);
    run.request = prompt_request (model_settings (self->model), user);
    evidence_person (&ret_result->evidence, self->text);
    ret_result->trouble =
        run.request && run.calls && make_messages (&run, true) ? work (&run) : TROUBLE_DOWN;
    json_decref (run.request);
    json_decref (run.messages);
    json_decref (run.calls);
    live_free (&run.live);
    pii_free (&run.pii);
}
