#include "web/web.h"

#include <stdio.h>

static const struct {
    uint32_t status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {500, "Internal Server Error"},
    {403, "Forbidden"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static void respond_as (web_t *self, uint64_t call, uint32_t status, const char *type,
                        pal_text_t body, const pal_header_t *extra)
{
    pal_header_t headers[3] = {
        {pal_text ("cache-control"), pal_text ("no-store")},
        {pal_text ("x-content-type-options"), pal_text ("nosniff")},
    };
    if (extra)
        headers[2] = *extra;
    pal_http_response_t response = {
        .status = status,
        .headers = headers,
        .header_count = extra ? 3 : 2,
        .content_type = pal_text (type),
        .body = body,
    };
    self->host->http_respond (self->host, call, &response);
}

void respond (web_t *self, uint64_t call, uint32_t status, pal_text_t json,
              const pal_header_t *extra)
{
    respond_as (self, call, status, "application/json", json, extra);
}

static const char *title_of (uint32_t status)
{
    for (size_t at = 0; at < sizeof titles / sizeof *titles; at++) {
        if (titles[at].status == status)
            return titles[at].title;
    }
    return "Error";
}

void respond_problem (web_t *self, uint64_t call, uint32_t status, pal_text_t detail,
                      const pal_header_t *extra)
{
    text_t body = {0};
    text_addf (&body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":",
               title_of (status), status);
    text_add_quoted (&body, detail);
    text_add (&body, "}\n");
    respond_as (self, call, status, "application/problem+json", text_view (&body), extra);
    text_free (&body);
}

void respond_busy (web_t *self, uint64_t call, uint32_t retry_after_ms, pal_text_t detail)
{
    char seconds[16];
    snprintf (seconds, sizeof seconds, "%u",
              retry_after_ms / 1000 + (retry_after_ms % 1000 ? 1 : 0));
    pal_header_t after = {pal_text ("retry-after"), pal_text (seconds)};
    respond_problem (self, call, 503, detail, &after);
}
