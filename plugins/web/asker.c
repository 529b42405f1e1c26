#include "web/asker.h"

#include "web/names.h"
#include "web/web.h"

#include <stdio.h>
#include <string.h>

/*  A host's name has 253 characters at most; an origin has a scheme before it and a port behind.  */
enum { SITE_BYTES_MAX = 320, KEY_BYTES_MAX = 512, PREFLIGHT_BYTES_MAX = 2048 };

/* ------------------------------------------------------------------ what it says of itself */

pal_text_t asker_header (const asker_t *self, const char *name, char *bytes, size_t size)
{
    const pal_host_t *host = self->web->host;
    pal_text_t text = host->http_header (host, self->call, name);
    if (text.size > size)
        return pal_text (NULL);
    if (text.size)
        memcpy (bytes, text.data, text.size);
    return (pal_text_t){bytes, text.size};
}

bool asker_has (const asker_t *self, const char *name)
{
    const pal_host_t *host = self->web->host;
    return host->http_header (host, self->call, name).size > 0;
}

static bool id_good (pal_text_t id)
{
    for (size_t at = 0; at < id.size; at++) {
        if (id.data[at] <= ' ' || id.data[at] > '~' || strchr ("\"\\<>", id.data[at]))
            return false;
    }
    return id.size > 0;
}

/*  Without an id of the client's, the trace's serves.  */
static void read_id (asker_t *self)
{
    pal_text_t id = asker_header (self, "x-request-id", self->id, sizeof self->id - 1);
    if (!id_good (id)) {
        memcpy (self->id, self->trace.text + TRACE_ID_AT, TRACE_ID_BYTES);
        id.size = TRACE_ID_BYTES;
    }
    self->id[id.size] = 0;
}

/*  By TLS, here or at a proxy that says so: a page of another site cannot give a request this header without asking
    before.  */
static bool is_secure (const asker_t *self)
{
    char bytes[64];
    pal_text_t list = asker_header (self, "x-forwarded-proto", bytes, sizeof bytes), first;
    return self->web->tls || (text_next_word (&list, &first) && pal_text_is (first, "https"));
}

/*  A page that the gateway gave out itself comes from its own host.  */
static bool is_own (const asker_t *self, pal_text_t origin)
{
    char bytes[SITE_BYTES_MAX];
    pal_text_t host = asker_header (self, "host", bytes, sizeof bytes);
    const char *scheme = is_secure (self) ? "https://" : "http://";
    size_t size = strlen (scheme);
    return host.size && origin.size == size + host.size && memcmp (origin.data, scheme, size) == 0
           && memcmp (origin.data + size, host.data, host.size) == 0;
}

/*  As a browser writes it: a scheme, a host, perhaps a port, and nothing behind it.  */
static bool origin_good (pal_text_t one)
{
    static const char scheme[] = "http";
    size_t at = sizeof scheme - 1;
    if (pal_text_is (one, "*"))
        return true;
    if (one.size < at || memcmp (one.data, scheme, at) != 0)
        return false;
    at += at < one.size && one.data[at] == 's';
    return one.size > at + 3 && memcmp (one.data + at, "://", 3) == 0
           && !memchr (one.data + at + 3, '/', one.size - at - 3);
}

const char *asker_origins_fault (pal_text_t list)
{
    pal_text_t one;
    while (text_next_word (&list, &one)) {
        if (!origin_good (one))
            return "origins: takes https://HOST or http://HOST:PORT, as a browser writes them, without a slash "
                   "behind; or *";
    }
    return NULL;
}

/*  One that is too long for a site's is of no site that we know.  */
static void read_origin (asker_t *self)
{
    char bytes[SITE_BYTES_MAX];
    pal_text_t origin = asker_header (self, "origin", bytes, sizeof bytes);
    if (!asker_has (self, "origin") || is_own (self, origin))
        return;
    self->has_origin = true;
    pal_text_t list = self->web->origins, one;
    while (text_next_word (&list, &one)) {
        if (pal_text_is (one, "*") || pal_text_equal (one, origin))
            self->origin = one;
    }
}

void asker_presume (asker_t *self)
{
    pal_text_t list = self->web->origins, one, other;
    if (!asker_has (self, "origin") && text_next_word (&list, &one)
        && !text_next_word (&list, &other))
        self->origin = one;
}

void asker_init (asker_t *self, web_t *web, const pal_http_request_t *request)
{
    char parent[256];
    memset (self, 0, sizeof *self);
    self->web = web;
    self->call = request->call;
    self->since_us = web->host->mono_us (web->host);
    snprintf (self->peer, sizeof self->peer, "%.*s", PAL_ARG (request->peer));
    trace_begin (&self->trace, web->host,
                 asker_header (self, "traceparent", parent, sizeof parent));
    read_id (self);
    read_origin (self);
}

/* ------------------------------------------------------------------ what it may do */

/*  A browser cannot give a WebSocket a header, but a list of protocols: one of them may be "key." and the key.  */
static pal_text_t key_of_protocols (pal_text_t list)
{
    while (list.size) {
        size_t size = 0;
        while (size < list.size && list.data[size] != ',')
            size++;
        pal_text_t one = {list.data, size};
        for (; one.size && one.data[0] == ' '; one.size--)
            one.data++;
        if (one.size > 4 && memcmp (one.data, "key.", 4) == 0)
            return (pal_text_t){one.data + 4, one.size - 4};
        size_t skip = size < list.size ? size + 1 : size;
        list = (pal_text_t){list.data + skip, list.size - skip};
    }
    return pal_text (NULL);
}

/*  `ret_coded`: a protocol's name, which has no '/' and no '=', may hold it percent-encoded.  */
static pal_text_t key_given (const asker_t *self, char *bytes, size_t size, bool *ret_coded)
{
    static const char bearer[] = "Bearer ";
    const size_t skip = sizeof bearer - 1;
    pal_text_t given = asker_header (self, "authorization", bytes, size);
    if (given.size > skip && strncasecmp (given.data, bearer, skip) == 0)
        return (pal_text_t){given.data + skip, given.size - skip};
    if (given.size)
        return pal_text (NULL);
    given = asker_header (self, "x-api-key", bytes, size);
    if (given.size)
        return given;
    *ret_coded = true;
    return key_of_protocols (asker_header (self, "sec-websocket-protocol", bytes, size));
}

static const access_key_t *find_key (const asker_t *self)
{
    char bytes[KEY_BYTES_MAX], decoded[KEY_BYTES_MAX];
    const web_t *web = self->web;
    bool is_coded = false;
    pal_text_t given = key_given (self, bytes, sizeof bytes, &is_coded);
    const access_key_t *key = given.size ? access_find (&web->access, web->host, given) : NULL;
    if (!key && is_coded && text_decode (given, false, decoded, sizeof decoded, &given)
        && given.size)
        key = access_find (&web->access, web->host, given);
    return key;
}

/*  See names.h. A gateway that others reach has names that nobody here knows.  */
static bool is_well_named (const asker_t *self)
{
    char bytes[SITE_BYTES_MAX];
    pal_text_t host = asker_header (self, "host", bytes, sizeof bytes);
    return !self->web->loopback || names_own (host, self->web->hosts);
}

/*  0, or the problem's number and one.  */
static unsigned scope_fault (asker_t *self, scope_t scope)
{
    const access_t *access = &self->web->access;
    if (scope == SCOPE_NONE)
        return 0;
    self->key = find_key (self);
    if (!access_needs_key (access, scope))
        return self->key || is_well_named (self) ? 0 : PROBLEM_MISNAMED + 1;
    if (!self->key)
        return PROBLEM_NO_KEY + 1;
    return self->key->scopes & scope ? 0 : PROBLEM_NO_SCOPE + 1;
}

uint32_t asker_refused (asker_t *self, scope_t scope)
{
    unsigned fault = scope_fault (self, scope);
    if (fault == PROBLEM_NO_KEY + 1)
        asker_problem_with (
            self, PROBLEM_NO_KEY, pal_text (NULL),
            &(pal_header_t){pal_text ("www-authenticate"), pal_text ("Bearer realm=\"palaver\"")});
    else if (fault)
        asker_problem (self, (problem_t) (fault - 1), pal_text (NULL), 0);
    return fault ? problem_status ((problem_t) (fault - 1)) : 0;
}

void asker_name (const asker_t *self, char *bytes, size_t size)
{
    if (!self->key)
        snprintf (bytes, size, "peer:%s", self->peer);
    else if (self->key->name.size)
        snprintf (bytes, size, "key:%.*s", PAL_ARG (self->key->name));
    else
        snprintf (bytes, size, "key:%u", self->key->line);
}

uint32_t asker_excess_ms (const asker_t *self)
{
    const web_t *web = self->web;
    char name[96];
    if (!web->message_rate || !PAL_HAS (web->host, rate_take) || !web->host->rate_take)
        return 0;
    asker_name (self, name, sizeof name);
    pal_bucket_t bucket = {
        .name = pal_text (name), .count = web->message_rate, .per_ms = 60 * 1000};
    return web->host->rate_take (web->host, &bucket, 1, PAL_FINAL);
}

/* ------------------------------------------------------------------ answers */

static uint32_t put_headers (const asker_t *self, const asker_answer_t *answer,
                             pal_header_t headers[ASKER_HEADERS_MAX * 2])
{
    uint32_t count = 0;
    headers[count++] =
        (pal_header_t){pal_text ("cache-control"),
                       answer->cache ? pal_text (answer->cache) : pal_text ("no-store")};
    headers[count++] = (pal_header_t){pal_text ("x-content-type-options"), pal_text ("nosniff")};
    headers[count++] = (pal_header_t){pal_text ("x-request-id"), pal_text (self->id)};
    headers[count++] = (pal_header_t){pal_text ("traceparent"), {self->trace.text, TRACE_BYTES}};
    if (self->web->origins.size)
        headers[count++] = (pal_header_t){pal_text ("vary"), pal_text ("Origin")};
    if (self->origin.size) {
        headers[count++] = (pal_header_t){pal_text ("access-control-allow-origin"), self->origin};
        headers[count++] = (pal_header_t){
            pal_text ("access-control-expose-headers"),
            pal_text ("Location, Retry-After, Traceparent, X-Request-Id, Preference-Applied")};
    }
    for (uint32_t at = 0; at < answer->more_count && at < ASKER_HEADERS_MAX; at++)
        headers[count++] = answer->more[at];
    return count;
}

static pal_http_response_t response_of (const asker_t *self, const asker_answer_t *answer,
                                        pal_header_t headers[ASKER_HEADERS_MAX * 2])
{
    meters_count (&self->web->meters, self->route, answer->status);
    return (pal_http_response_t){
        .status = answer->status,
        .header_count = put_headers (self, answer, headers),
        .headers = headers,
        .content_type = pal_text (answer->type ? answer->type : "application/json"),
        .body = answer->body,
    };
}

bool asker_answer (asker_t *self, const asker_answer_t *answer)
{
    pal_header_t headers[ASKER_HEADERS_MAX * 2];
    const pal_host_t *host = self->web->host;
    pal_http_response_t response = response_of (self, answer, headers);
    return host->http_respond (host, self->call, &response);
}

bool asker_begin (asker_t *self, const asker_answer_t *answer)
{
    pal_header_t headers[ASKER_HEADERS_MAX * 2];
    const pal_host_t *host = self->web->host;
    pal_http_response_t response = response_of (self, answer, headers);
    return host->http_begin (host, self->call, &response);
}

void asker_json (asker_t *self, uint32_t status, pal_text_t json)
{
    asker_answer (self, &(asker_answer_t){.status = status, .body = json});
}

void asker_problem_with (asker_t *self, problem_t problem, pal_text_t detail,
                         const pal_header_t *header)
{
    text_t body = {0};
    asker_answer_t answer = {.status = problem_status (problem), .more_count = header ? 1 : 0};
    if (header)
        answer.more[0] = *header;
    if (self->shape == ASKER_OPENAI) {
        problem_openai (&body, problem, detail);
    } else {
        problem_begin (&body, problem, detail);
        text_addf (&body, ",\"instance\":\"urn:request:%s\"}\n", self->id);
        answer.type = "application/problem+json";
    }
    answer.body = text_view (&body);
    asker_answer (self, &answer);
    text_free (&body);
}

void asker_problem (asker_t *self, problem_t problem, pal_text_t detail, uint32_t retry_after_ms)
{
    char seconds[16];
    snprintf (seconds, sizeof seconds, "%u",
              retry_after_ms / 1000 + (retry_after_ms % 1000 ? 1 : 0));
    pal_header_t after = {pal_text ("retry-after"), pal_text (seconds)};
    asker_problem_with (self, problem, detail, retry_after_ms ? &after : NULL);
}

/*  Clients have headers of their own, OpenAI's a dozen: whatever the page wants to send is read or let be.  */
void asker_preflight (asker_t *self, const char *methods)
{
    char bytes[PREFLIGHT_BYTES_MAX];
    pal_text_t asked = asker_header (self, "access-control-request-headers", bytes, sizeof bytes);
    pal_text_t known =
        pal_text ("Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, "
                  "Traceparent, X-Api-Key, X-Request-Id");
    asker_answer_t answer = {
        .status = 204,
        .type = "",
        .more = {{pal_text ("access-control-allow-methods"), pal_text (methods)},
                 {pal_text ("access-control-allow-headers"), asked.size ? asked : known},
                 {pal_text ("access-control-max-age"), pal_text ("7200")},
                 {pal_text ("allow"), pal_text (methods)}},
        .more_count = 4,
    };
    if (!self->origin.size) { /* whoever asks needs no leave, or gets none */
        answer.more[0] = answer.more[3];
        answer.more_count = 1;
    }
    asker_answer (self, &answer);
}
