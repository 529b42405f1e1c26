#include "advisor/claude/attempt.h"

#include "base/clock.h"
#include "base/format.h"

#include <curl/curl.h>
#include <stdlib.h>

enum {
    LOOK_US = 50000,     /* how often a waiting attempt looks whether it is still wanted */
    CLOSING_US = 250000, /* for the end of a stream whose message is complete */
    BODY_BYTES_MOST = 1024 * 1024,
};

/*  What a status means. Those that are not here: 5xx as 500, others as 400.  */
static const struct {
    int status;
    trouble_t trouble;
    bool retry;
    bool fault;
    bool fatal;
} VERDICTS[] = {
    {400, TROUBLE_REQUEST, false, false, false}, {401, TROUBLE_KEY, false, true, true},
    {402, TROUBLE_KEY, false, true, true},       {403, TROUBLE_KEY, false, true, true},
    {404, TROUBLE_KEY, false, true, true},       {408, TROUBLE_DOWN, true, true, false},
    {409, TROUBLE_DOWN, true, true, false},      {413, TROUBLE_WINDOW, false, false, false},
    {429, TROUBLE_BUSY, true, false, false},     {500, TROUBLE_DOWN, true, true, false},
};

/*  The status that an error in a stream would have had.  */
static const struct {
    const char *type;
    int status;
} ERRORS[] = {
    {"invalid_request_error", 400}, {"authentication_error", 401}, {"billing_error", 402},
    {"permission_error", 403},      {"not_found_error", 404},      {"request_too_large", 413},
    {"rate_limit_error", 429},      {"timeout_error", 504},        {"overloaded_error", 529},
};

void attempt_free (attempt_t *self)
{
    sse_free (&self->sse);
    plv_buf_free (&self->body);
}

int64_t attempt_retry_after (const char *milliseconds, const char *seconds, int64_t now_wall_us)
{
    char *end;
    double value = strtod (milliseconds, &end);
    if (end != milliseconds && value > 0 && value < 1e9)
        return (int64_t) (value * 1000);
    value = strtod (seconds, &end);
    if (end != seconds && !*end)
        return value > 0 && value < 1e6 ? (int64_t) (value * 1e6) : 0;
    time_t when = *seconds ? curl_getdate (seconds, NULL) : -1;
    int64_t left_us = (int64_t) when * 1000000 - now_wall_us;
    return when > 0 && left_us > 0 ? left_us : 0;
}

static void give_verdict (attempt_t *self, int status)
{
    int known = status >= 500 ? 500 : 400;
    for (size_t i = 0; i < sizeof VERDICTS / sizeof *VERDICTS; i++)
        if (VERDICTS[i].status == status)
            known = status;
    for (size_t i = 0; i < sizeof VERDICTS / sizeof *VERDICTS; i++) {
        if (VERDICTS[i].status != known)
            continue;
        self->trouble = VERDICTS[i].trouble;
        self->retry = VERDICTS[i].retry;
        self->fault = VERDICTS[i].fault;
        self->fatal = VERDICTS[i].fatal;
    }
    plv_format (self->why, sizeof self->why, "%s: %s", self->message->error,
                self->message->error_text);
    if (known == 400 && strstr (self->message->error_text, "prompt is too long"))
        self->trouble = TROUBLE_WINDOW;
    if (strcmp (self->message->category, "enforced_spend_limit_reached") == 0) {
        self->trouble = TROUBLE_BUDGET;
        self->retry = false;
        self->fault = self->fatal = true;
    }
}

static void set_trouble (attempt_t *self, trouble_t trouble, const char *why)
{
    self->trouble = trouble;
    self->retry = self->fault = trouble != TROUBLE_CANCELLED;
    plv_format (self->why, sizeof self->why, "%s", why);
}

static void hear (void *arg, plv_view_t text)
{
    attempt_t *self = arg;
    self->has_said = true;
    if (self->says && self->ask->said)
        self->ask->said (self->ask->arg, text);
}

static void take_event (void *arg, plv_view_t event, plv_view_t data)
{
    attempt_t *self = arg;
    message_event (self->message, event, data, hear, self);
    if (!self->first_us && self->message->part_count)
        self->first_us = plv_clock_mono_us ();
}

static bool is_stream (const attempt_t *self)
{
    char type[HTTP_HEADER_BYTES];
    return self->status == 200
           && strstr (http_header (self->call, "content-type", type), "event-stream");
}

static void take_piece (attempt_t *self, plv_view_t piece)
{
    self->heard_us = plv_clock_mono_us ();
    self->status = http_status (self->call);
    if (is_stream (self))
        sse_feed (&self->sse, piece, take_event, self);
    else if (self->body.size + piece.size <= BODY_BYTES_MOST)
        plv_buf_add_view (&self->body, piece);
}

/*  Is the time for this attempt over? Says why.  */
static bool is_over (attempt_t *self, int64_t now_us)
{
    const settings_t *set = self->settings;
    if (self->ask->cancelled && self->ask->cancelled (self->ask->arg))
        set_trouble (self, TROUBLE_CANCELLED, "the question was taken back");
    else if (now_us >= self->ask->deadline_us)
        set_trouble (self, TROUBLE_SLOW, "the time for the answer is over");
    else if (!self->first_us && now_us - self->began_us >= (int64_t) set->first_token_ms * 1000)
        set_trouble (self, TROUBLE_SLOW, "no first word in time");
    else if (self->first_us && now_us - self->heard_us >= (int64_t) set->idle_ms * 1000)
        set_trouble (self, TROUBLE_SLOW, "the stream fell silent");
    if (self->trouble == TROUBLE_SLOW && self->first_us && now_us < self->heard_us + LOOK_US * 4)
        self->fault = false; /* it speaks, but there was too little time */
    return self->trouble != TROUBLE_NONE;
}

/*  The end of the answer, by whatever means.  */
static http_event_t read_all (attempt_t *self)
{
    plv_buf_t piece = {0};
    int64_t complete_us = 0;
    http_event_t event = HTTP_NOTHING;
    while (event != HTTP_END && event != HTTP_FAILED && !self->sse.failed && !self->message->broken
           && !self->message->error[0]) {
        int64_t now_us = plv_clock_mono_us ();
        if (self->message->complete && !complete_us)
            complete_us = now_us;
        if (complete_us ? now_us - complete_us > CLOSING_US : is_over (self, now_us))
            break;
        event = http_next (self->call, now_us + LOOK_US, &piece);
        if (event == HTTP_PIECE)
            take_piece (self, plv_buf_view (&piece));
    }
    plv_buf_free (&piece);
    return event;
}

static void read_error (attempt_t *self)
{
    char header[HTTP_HEADER_BYTES], other[HTTP_HEADER_BYTES];
    json_t *body = self->body.size
                       ? json_loadb ((const char *) self->body.data, self->body.size, 0, NULL)
                       : NULL;
    message_error (self->message, body);
    json_decref (body);
    give_verdict (self, self->status);
    self->wait_us =
        attempt_retry_after (http_header (self->call, "retry-after-ms", header),
                             http_header (self->call, "retry-after", other), plv_clock_wall_us ());
    http_header (self->call, "x-should-retry", header);
    if (self->trouble != TROUBLE_BUDGET && *header)
        self->retry = strcmp (header, "true") == 0;
}

static void read_stream_error (attempt_t *self)
{
    int status = 500;
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (strcmp (ERRORS[i].type, self->message->error) == 0)
            status = ERRORS[i].status;
    give_verdict (self, status);
}

/*  A server that does not stream although it was asked to.  */
static void read_whole (attempt_t *self)
{
    json_t *body = self->body.size
                       ? json_loadb ((const char *) self->body.data, self->body.size, 0, NULL)
                       : NULL;
    if (!message_read (self->message, body))
        set_trouble (self, TROUBLE_MALFORMED, "the answer is no message");
    json_decref (body);
}

void attempt_read (attempt_t *self)
{
    char header[HTTP_HEADER_BYTES];
    self->began_us = self->heard_us = plv_clock_mono_us ();
    http_event_t event = read_all (self);
    self->status = http_status (self->call);
    if (self->status)
        plv_format (self->message->request_id, sizeof self->message->request_id, "%s",
                    http_header (self->call, "request-id", header));
    if (self->trouble || self->message->complete)
        return;
    if (event == HTTP_FAILED)
        set_trouble (self, TROUBLE_DOWN, http_why (self->call));
    else if (self->status != 200)
        read_error (self);
    else if (self->message->error[0])
        read_stream_error (self);
    else if (self->message->broken || self->sse.failed)
        set_trouble (self, TROUBLE_MALFORMED, "the stream makes no sense");
    else if (!is_stream (self))
        read_whole (self);
    else
        set_trouble (self, TROUBLE_DOWN, "the stream ended early");
}
