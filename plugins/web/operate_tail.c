/*  operate_tail -- GET /operate/tail: what happens in the broker, as it happens, as server-sent events

    The broker's `tail` is a question that is answered until somebody ends it: each part becomes an event `lines`, and
    the broker is told that they were read, so that it sends more. Who does not read is cut off by the host.  */
#include "web/operate.h"

#include "web/web.h"

#include <stdlib.h>

static const char ARGUMENTS[] = "platform adapter session user type what id live? texts?";

enum { COMMENT_MS = 15000 };

/*  Its client may go before the broker has had its last word: then `is_gone`.  */
typedef struct {
    entry_t entry;
    call_t call;
    asker_t asker;
    uint64_t question;
    uint64_t comment; /* timer */
    bool is_open, is_gone;
} tail_t;

static void tail_free (tail_t *self)
{
    shelf_remove (&self->asker.web->tails, &self->entry);
    free (self);
}

/*  The client hears nothing more; the broker is told, and the rest follows its last part.  */
static void leave (tail_t *self)
{
    web_t *web = self->asker.web;
    self->is_gone = true;
    if (self->is_open)
        web->streams--;
    web->host->timer_cancel (web->host, self->comment);
    web->host->ask_more (web->host, self->question, pal_text ("tail.end"), pal_text ("{}"));
}

static void on_gone (call_t *call)
{
    leave (ENTRY_OF (call, tail_t, call));
}

static void on_stop (call_t *call)
{
    tail_t *self = ENTRY_OF (call, tail_t, call);
    const pal_host_t *host = self->asker.web->host;
    if (self->is_open)
        host->http_end (host, call->number);
    else
        asker_problem (&self->asker, PROBLEM_STOPPING, pal_text (NULL), 1000);
    leave (self);
}

static void on_comment (void *arg)
{
    tail_t *self = arg;
    const pal_host_t *host = self->asker.web->host;
    host->http_write (host, self->call.number, pal_text (": still here\n\n"));
}

static void begin (tail_t *self)
{
    const pal_host_t *host = self->asker.web->host;
    self->is_open = true;
    self->asker.web->streams++;
    self->comment = host->timer (host, COMMENT_MS, COMMENT_MS, on_comment, self);
    asker_begin (&self->asker,
                 &(asker_answer_t){.status = 200,
                                   .type = "text/event-stream",
                                   .body = pal_text ("retry: 1000\n\n"),
                                   .more = {{pal_text ("x-accel-buffering"), pal_text ("no")}},
                                   .more_count = 1});
}

/*  So many lines were read: the broker sends others.  */
static void confirm (tail_t *self, pal_text_t part)
{
    const pal_host_t *host = self->asker.web->host;
    text_t arguments = {0};
    json_t *body = json_loadb (part.data, part.size, 0, NULL);
    size_t lines = json_array_size (json_object_get (body, "items"));
    json_decref (body);
    text_addf (&arguments, "{\"lines\":%zu}", lines);
    if (lines)
        host->ask_more (host, self->question, pal_text ("tail.read"), text_view (&arguments));
    text_free (&arguments);
}

static void show (tail_t *self, pal_text_t part)
{
    const pal_host_t *host = self->asker.web->host;
    text_t event = {0};
    text_add (&event, "event: lines\ndata: ");
    text_add_view (&event, part); /* JSON without line ends */
    text_add (&event, "\n\n");
    if (!host->http_write (host, self->call.number, text_view (&event)))
        self->asker.web->meters.slow++; /* on_gone follows */
    text_free (&event);
    confirm (self, part);
}

static void end (tail_t *self, const pal_control_result_t *result)
{
    web_t *web = self->asker.web;
    if (!self->is_gone) {
        call_remove (&web->calls, &self->call);
        web->host->timer_cancel (web->host, self->comment);
        if (self->is_open) {
            web->streams--;
            web->host->http_end (web->host, self->call.number);
        } else {
            operate_refuse (&self->asker, result);
        }
    }
    tail_free (self);
}

static void on_result (void *arg, const pal_control_result_t *result)
{
    tail_t *self = arg;
    if (!result->more) {
        end (self, result);
        return;
    }
    if (self->is_gone)
        return;
    if (!self->is_open)
        begin (self);
    show (self, result->body);
}

void operate_tail_close (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->tails));)
        tail_free (ENTRY_OF (entry, tail_t, entry));
}

static void start (asker_t *asker, pal_text_t arguments)
{
    web_t *web = asker->web;
    tail_t *self = arguments.size ? calloc (1, sizeof *self) : NULL;
    if (!self) {
        asker_problem (asker, PROBLEM_BUSY, pal_text ("out of memory"), 1000);
        return;
    }
    self->asker = *asker;
    self->call.gone = on_gone;
    self->call.stop = on_stop;
    call_put (&web->calls, &self->call, asker->call);
    self->entry.key = (pal_text_t){(const char *) &self->call.number, sizeof self->call.number};
    shelf_put (&web->tails, &self->entry);
    self->question = web->host->ask (web->host, pal_text ("tail"), arguments, 0, on_result, self);
}

void route_operate_tail (asker_t *asker, const request_t *request)
{
    json_t *arguments = json_object ();
    if (asker->web->draining) {
        asker_problem (asker, PROBLEM_STOPPING, pal_text (NULL), 1000);
    } else if (operate_may_ask (asker)
               && operate_read_query (asker, request, ARGUMENTS, arguments)) {
        char *text = json_dumps (arguments, JSON_COMPACT);
        start (asker, pal_text (text));
        free (text);
    }
    json_decref (arguments);
}
