/*  status -- /healthz, /readyz, /metrics, /problems/  */
#include "web/web.h"

void route_status_health (asker_t *asker, const request_t *request)
{
    (void) request;
    asker_json (asker, 200, pal_text ("{\"status\":\"ok\"}\n"));
}

void route_status_ready (asker_t *asker, const request_t *request)
{
    const web_t *web = asker->web;
    (void) request;
    if (web->draining)
        asker_problem (asker, PROBLEM_STOPPING, pal_text (NULL), 1000);
    else if (!web->host->connected (web->host) || !web->kept_loaded)
        asker_problem (asker, PROBLEM_NO_BROKER, pal_text (NULL), 1000);
    else
        asker_json (asker, 200, pal_text ("{\"status\":\"ready\"}\n"));
}

void route_status_metrics (asker_t *asker, const request_t *request)
{
    text_t body = {0};
    (void) request;
    meters_write (asker->web, &body);
    asker_answer (asker, &(asker_answer_t){.status = 200,
                                           .type = "text/plain; version=0.0.4; charset=utf-8",
                                           .body = text_view (&body)});
    text_free (&body);
}

void route_status_problem (asker_t *asker, const request_t *request)
{
    text_t body = {0};
    if (problem_explain (&body, request->part))
        asker_json (asker, 200, text_view (&body));
    else
        asker_problem (asker, PROBLEM_NO_PATH, pal_text (NULL), 0);
    text_free (&body);
}
