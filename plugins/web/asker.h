/*  asker -- who asked: what is known of one request until it is answered, and its answer
    OWNS    copies of what it needs later; the request itself is the host's
    THREAD  the host's loop
    FAILS   answers to a client that has gone are dropped
    COST    about 300 bytes; reading its headers

    Each answer carries the request's id, its place in a trace, and what the browser of an allowed web site
    needs to show it to its page.  */

#ifndef WEB_ASKER_H
#define WEB_ASKER_H

#include "web/access.h"
#include "web/problem.h"
#include "web/trace.h"

struct web;

typedef enum { ASKER_PROBLEM = 0, ASKER_OPENAI = 1 } asker_shape_t; /* of errors */

typedef struct {
    struct web *web;
    uint64_t call;
    int64_t since_us;
    size_t route;
    asker_shape_t shape;
    bool has_origin;   /* a page of another site asks */
    pal_text_t origin; /* that may read the answer; empty: none; the conf's */
    const access_key_t *key;
    trace_t trace;
    char id[65];
    char peer[64];
} asker_t;

enum { ASKER_HEADERS_MAX = 8 };

/*  What is answered; JSON unless `type` says otherwise.  */
typedef struct {
    uint32_t status;
    const char *type;
    const char *cache; /* NULL: no-store */
    pal_text_t body;
    pal_header_t more[ASKER_HEADERS_MAX];
    uint32_t more_count;
} asker_answer_t;

/*  NULL: the conf's list of origins is good.  */
const char *asker_origins_fault (pal_text_t list);

void asker_init (asker_t *self, struct web *web, const pal_http_request_t *request);

/*  The head of the request may not be whole: without an Origin it comes from the one web site that there is, or that
    every answer may be shown to.  */
void asker_presume (asker_t *self);

/*  Is there such a header? One without a value counts as missing.  */
bool asker_has (const asker_t *self, const char *name);

/*  The request's header; copied, because the host lends it until the next one is asked for. Longer ones are
    as if they were missing.  */
pal_text_t asker_header (const asker_t *self, const char *name, char *bytes, size_t size);

/*  May this request use what is behind `scope`? 0: it may; else it has been answered with this status.  */
uint32_t asker_refused (asker_t *self, scope_t scope);

/*  Who sends the messages, for limits: the key's name, or the address.  */
void asker_name (const asker_t *self, char *bytes, size_t size);

/*  Has it sent more messages than it may? 0: no, else how long to wait. Counts one.  */
uint32_t asker_excess_ms (const asker_t *self);

bool asker_answer (asker_t *self, const asker_answer_t *answer);
/*  The same for the head of a stream and its first piece.  */
bool asker_begin (asker_t *self, const asker_answer_t *answer);

void asker_json (asker_t *self, uint32_t status, pal_text_t json);
/*  Empty detail: what problem.def says. `retry_after_ms` 0: no such header.  */
void asker_problem (asker_t *self, problem_t problem, pal_text_t detail, uint32_t retry_after_ms);
/*  With one more header.  */
void asker_problem_with (asker_t *self, problem_t problem, pal_text_t detail,
                         const pal_header_t *header);

/*  Answers a preflight of CORS; `methods`: what the path takes.  */
void asker_preflight (asker_t *self, const char *methods);

#endif
