#include "web/meters.h"

#include "web/web.h"

#include <assert.h>

static const uint32_t statuses[] = {101, 200, 202, 204, 304, 400, 401, 403, 404,
                                    405, 408, 409, 410, 413, 414, 415, 417, 421,
                                    422, 426, 429, 431, 500, 501, 503, 504, 505};
static_assert (sizeof statuses / sizeof *statuses <= METERS_STATUSES, "each is counted");
static const double steps[METERS_STEPS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.1,
                                           0.25,  1,      2.5,   5,    10,    30};

void meters_count (meters_t *self, size_t route, uint32_t status)
{
    size_t at = 0;
    while (at < sizeof statuses / sizeof *statuses && statuses[at] != status)
        at++;
    if (route < METERS_ROUTES && at < METERS_STATUSES)
        self->served[route][at]++;
}

void meters_waited (meters_t *self, int64_t us)
{
    double seconds = (double) us / 1e6;
    size_t at = 0;
    while (at < METERS_STEPS && seconds > steps[at])
        at++;
    self->waited[at]++;
    self->waited_s += seconds;
}

static void head (text_t *out, const char *name, const char *type, const char *meaning)
{
    text_addf (out, "# HELP palaver_web_%s %s\n", name, meaning);
    text_addf (out, "# TYPE palaver_web_%s %s\n", name, type);
}

static void write_served (const meters_t *self, text_t *out)
{
    head (out, "requests_total", "counter", "Requests that were answered");
    for (size_t route = 0; route_path (route); route++) {
        for (size_t at = 0; at < sizeof statuses / sizeof *statuses; at++) {
            if (self->served[route][at])
                text_addf (
                    out,
                    "palaver_web_requests_total{method=\"%s\",path=\"%s\",status=\"%u\"} %llu\n",
                    route_method (route), route_path (route), statuses[at],
                    (unsigned long long) self->served[route][at]);
        }
    }
}

static void write_waited (const meters_t *self, text_t *out)
{
    uint64_t count = 0;
    head (out, "answer_seconds", "histogram",
          "From a message to its answer, for requests that wait");
    for (size_t at = 0; at < METERS_STEPS; at++) {
        count += self->waited[at];
        text_addf (out, "palaver_web_answer_seconds_bucket{le=\"%g\"} %llu\n", steps[at],
                   (unsigned long long) count);
    }
    count += self->waited[METERS_STEPS];
    text_addf (out, "palaver_web_answer_seconds_bucket{le=\"+Inf\"} %llu\n",
               (unsigned long long) count);
    text_addf (out, "palaver_web_answer_seconds_sum %.6f\n", self->waited_s);
    text_addf (out, "palaver_web_answer_seconds_count %llu\n", (unsigned long long) count);
}

static void number (text_t *out, const char *name, const char *type, const char *meaning,
                    uint64_t value)
{
    head (out, name, type, meaning);
    text_addf (out, "palaver_web_%s %llu\n", name, (unsigned long long) value);
}

void meters_write (const web_t *web, text_t *out)
{
    const meters_t *self = &web->meters;
    write_served (self, out);
    write_waited (self, out);
    number (out, "connected", "gauge", "Is the broker there?", web->host->connected (web->host));
    number (out, "waiting", "gauge", "Messages whose senders wait", web->waiting);
    number (out, "kept", "gauge", "Messages that can be asked for again", web->kept_count);
    number (out, "streams", "gauge", "Streams of server-sent events", web->streams);
    number (out, "sockets", "gauge", "WebSockets", web->sockets);
    number (out, "sessions", "gauge", "Sessions with recent events or followers", web->rooms.count);
    number (out, "recent_bytes", "gauge", "Memory of recent events", web->recent_bytes);
    number (out, "deltas_total", "counter", "Pieces of streamed answers", self->deltas);
    number (out, "slow_total", "counter", "Clients cut off because they did not read", self->slow);
}
