#include "exec/lines.h"

#include "base/near.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/*  What a double holds exactly: beyond it a cast to an integer has no meaning.  */
#define NUMBER_MOST (INT64_C (1) << 53)

static const char *const names[] = {
#define SAY(name, text, fields, meaning) text,
#include "exec/say.def"
};

/* ------------------------------------------------------------------ what the program says */

static bool name_of (const char *type, say_t *ret_what)
{
    for (int at = 0; type && at < SAY_COUNT_; at++) {
        if (strcmp (type, names[at]) == 0) {
            *ret_what = (say_t) at;
            return true;
        }
    }
    return false;
}

static plv_err_t not_known (const char *type, plv_fail_t *ret_fail)
{
    plv_near_t near = plv_near (plv_view_str (type));
    if (!type)
        return plv_fail (ret_fail, ERR_SYNTAX, "it has no type");
    for (int at = 0; at < SAY_COUNT_; at++)
        plv_near_offer (&near, plv_view_str (names[at]));
    if (!near.best.size)
        return plv_fail (ret_fail, ERR_SYNTAX, "the type %s is not known", type);
    return plv_fail (ret_fail, ERR_SYNTAX,
                     "the type %s is not known; did you mean " PLV_VIEW_FMT "?", type,
                     PLV_VIEW_ARG (near.best));
}

/*  What the rest of the program relies on.  */
static plv_err_t check_fields (const said_t *self, plv_fail_t *ret_fail)
{
    const char *needed = self->what == SAY_REPLY   ? "response_text"
                         : self->what == SAY_STEP  ? "name"
                         : self->what == SAY_DELTA ? "text"
                                                   : NULL;
    const json_t *state = json_object_get (self->root, "state");
    if (needed && !said_text (self, needed, NULL))
        return plv_fail (ret_fail, ERR_SYNTAX, "%s needs %s, a text", names[self->what], needed);
    if (self->what == SAY_STEP && !json_object_get (self->root, "result"))
        return plv_fail (ret_fail, ERR_SYNTAX, "step needs result");
    if (state && !json_is_object (state))
        return plv_fail (ret_fail, ERR_SYNTAX, "state is to be an object");
    return ERR_OK;
}

plv_err_t said_parse (plv_view_t line, said_t *ret_said, plv_fail_t *ret_fail)
{
    json_error_t error;
    said_t said = {
        .root = json_loadb ((const char *) line.data, line.size, JSON_REJECT_DUPLICATES, &error)};
    if (!said.root)
        return plv_fail (ret_fail, ERR_SYNTAX, "not JSON, at byte %d: %s", error.position,
                         error.text);
    const char *type = json_string_value (json_object_get (said.root, "type"));
    plv_err_t err =
        name_of (type, &said.what) ? check_fields (&said, ret_fail) : not_known (type, ret_fail);
    if (err)
        said_free (&said);
    else
        *ret_said = said;
    return err;
}

void said_free (said_t *self)
{
    json_decref (self->root);
    self->root = NULL;
}

const char *said_text (const said_t *self, const char *field, const char *standard)
{
    const char *text = json_string_value (json_object_get (self->root, field));
    return text ? text : standard;
}

int64_t said_number (const said_t *self, const char *field, int64_t standard)
{
    const json_t *value = json_object_get (self->root, field);
    double number = json_number_value (value);
    if (!json_is_number (value))
        return standard;
    if (number > NUMBER_MOST)
        return NUMBER_MOST;
    return number < -NUMBER_MOST ? -NUMBER_MOST : (int64_t) number;
}

bool said_truth (const said_t *self, const char *field, bool standard)
{
    const json_t *value = json_object_get (self->root, field);
    return json_is_boolean (value) ? json_is_true (value) : standard;
}

static const char *const not_body[] = {"type", "id", "state"};

plv_err_t said_body (const said_t *self, plv_buf_t *body, plv_fail_t *ret_fail)
{
    json_t *copy = json_copy (self->root);
    for (size_t at = 0; at < sizeof not_body / sizeof *not_body; at++)
        json_object_del (copy, not_body[at]);
    bool good = copy && plv_json_put_value (body, copy);
    json_decref (copy);
    if (body->failed)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    return good ? ERR_OK : plv_fail (ret_fail, ERR_SYNTAX, "the reply is nested too deeply");
}

/* ------------------------------------------------------------------ what the program is told */

static void put (plv_buf_t *out, const char *text)
{
    plv_buf_add (out, text, strlen (text));
}

static void put_name (plv_buf_t *out, const char *name)
{
    put (out, ",\"");
    put (out, name);
    put (out, "\":");
}

static void put_text (plv_buf_t *out, const char *name, plv_view_t text)
{
    if (!text.size)
        return;
    put_name (out, name);
    plv_json_put_text (out, text);
}

static void put_number (plv_buf_t *out, const char *name, int64_t number)
{
    char digits[24];
    snprintf (digits, sizeof digits, "%" PRId64, number);
    put_name (out, name);
    put (out, digits);
}

static void put_value (plv_buf_t *out, const char *name, plv_view_t value)
{
    put_name (out, name);
    if (!plv_json_from_mp (out, value))
        put (out, "null");
}

/*  RFC 3339 in UTC, to the microsecond.  */
static void put_time (plv_buf_t *out, const char *name, int64_t us)
{
    char text[40];
    struct tm parts;
    time_t seconds = (time_t) (us / 1000000);
    if (us < 0 || !gmtime_r (&seconds, &parts))
        return;
    size_t size = strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf (text + size, sizeof text - size, ".%06dZ", (int) (us % 1000000));
    put_text (out, name, plv_view_str (text));
}

static void put_event (plv_buf_t *out, const plv_job_t *job)
{
    const plv_envelope_t *event = plv_job_envelope (job);
    put (out, ",\"event\":{\"type\":");
    plv_json_put_text (out, event->type);
    put_text (out, "platform", event->platform);
    put_text (out, "adapter", event->adapter);
    put_text (out, "session_id", event->session_id);
    put_text (out, "user_id", event->user_id);
    put_time (out, "timestamp", event->timestamp);
    put_text (out, "platform_id", event->platform_id);
    put_text (out, "traceparent", event->traceparent);
    put_value (out, "body", plv_job_body (job));
    put (out, "}");
}

static void put_history (plv_buf_t *out, const plv_job_t *job)
{
    plv_turn_t turn = {0};
    size_t at = 0;
    const char *before = "";
    put_name (out, "history");
    put (out, "[");
    while (plv_job_history_next (job, &at, &turn)) {
        put (out, before);
        before = ",";
        put (out, "{\"role\":");
        plv_json_put_text (out, turn.role);
        put_name (out, "text");
        plv_json_put_text (out, turn.text);
        put_time (out, "timestamp", turn.timestamp);
        put (out, "}");
    }
    put (out, "]");
}

/*  JSON has line ends between its parts only, where a blank means the same.  */
static void put_in_one_line (plv_buf_t *out, plv_view_t json)
{
    for (size_t at = 0; at < json.size; at++)
        plv_buf_add_u8 (out, json.data[at] == '\n' || json.data[at] == '\r' ? ' ' : json.data[at]);
}

/*  Steps were saved as JSON text; what another kind of worker has saved is not ours to read.  */
static void put_steps (plv_buf_t *out, const plv_job_t *job)
{
    plv_mp_t steps = plv_mp (plv_job_steps (job));
    uint32_t count = 0;
    const char *before = "";
    put_name (out, "steps");
    put (out, "{");
    plv_mp_map (&steps, &count);
    for (plv_view_t name, result;
         count-- && plv_mp_str (&steps, &name) && plv_mp_bin (&steps, &result);) {
        json_t *value = json_loadb ((const char *) result.data, result.size, JSON_DECODE_ANY, NULL);
        put (out, before);
        before = ",";
        plv_json_put_text (out, name);
        put (out, ":");
        if (value)
            put_in_one_line (out, result);
        else
            put (out, "null");
        json_decref (value);
    }
    put (out, "}");
}

void lines_job (plv_buf_t *out, const plv_job_t *job)
{
    char id[PLV_ID_TEXT_BYTES];
    plv_id_format (&plv_job_envelope (job)->id, id);
    put (out, "{\"type\":\"job\"");
    put_text (out, "id", plv_view_str (id));
    put_text (out, "message_text", plv_job_text (job));
    put_number (out, "attempt", plv_job_attempt (job));
    put_number (out, "left_ms", plv_job_left_ms (job));
    put_event (out, job);
    put_history (out, job);
    put_value (out, "state", plv_job_state (job));
    put_steps (out, job);
    put (out, "}\n");
}

void lines_hello (plv_buf_t *out, const char *name, const char *const *services, size_t count)
{
    put (out, "{\"type\":\"hello\"");
    put_number (out, "version", LINES_VERSION);
    put_text (out, "name", plv_view_str (name));
    put (out, ",\"services\":[");
    for (size_t at = 0; at < count; at++) {
        put (out, at ? "," : "");
        plv_json_put_text (out, plv_view_str (services[at]));
    }
    put (out, "]}\n");
}

void lines_cancel (plv_buf_t *out, const char *reason)
{
    put (out, "{\"type\":\"cancel\"");
    put_text (out, "reason", plv_view_str (reason));
    put (out, "}\n");
}

void lines_saved (plv_buf_t *out, const char *step)
{
    put (out, "{\"type\":\"saved\"");
    put_text (out, "name", plv_view_str (step));
    put (out, "}\n");
}
