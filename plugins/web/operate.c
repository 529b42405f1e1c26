/*  operate -- /operate/...: what operators ask and tell the broker, passed on by the table in operate.def

    No rule is written here: a request becomes one command of the broker, with who asks added from the key, and the
    broker's answer becomes the response. So the console does what the command line does.

    Why the key is in a header and not in a cookie: a header is set by nobody but a page that knows the key, so no
    other site can have a browser send it along (CSRF); a cookie goes to every port of a host, and on 127.0.0.1 that
    is every program of the machine. The console keeps it in sessionStorage, which is the origin's and the tab's
    alone; what could read it there is a script of ours only, by the policy that page.c sends. Pages of other sites
    are refused here even if `origins` lets them chat.  */
#include "web/operate.h"

#include "web/web.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTS = 1, COUNTS = 2, TRIES = 4 };
enum { ANSWER_MS = 30000, VALUE_BYTES_MAX = 512, NAME_BYTES = 32 };

typedef struct {
    const char *command, *part, *arguments;
    unsigned flags;
} operation_t;

static const operation_t operations[] = {
#define OPERATE(name, method, path, command, part, arguments, flags)                               \
    {command, part, arguments, flags},
#include "web/operate.def"
#undef OPERATE
};

enum {
#define OPERATE(name, method, path, command, part, arguments, flags) OPERATION_##name,
#include "web/operate.def"
#undef OPERATE
};

/*  When its client goes, the answer is dropped by the host.  */
typedef struct {
    entry_t entry;
    asker_t asker;
    const operation_t *operation;
    text_t parts; /* of a trial: the answers so far, with commas between them */
} order_t;

/* ------------------------------------------------------------------ what the broker says */

problem_t operate_problem (pal_text_t status)
{
    static const struct {
        const char *status;
        problem_t problem;
    } rows[] = {
        {"NOENT", PROBLEM_NO_THING},     {"BUSY", PROBLEM_SESSION_BUSY},
        {"AUTH", PROBLEM_NOT_PERMITTED}, {"ARG", PROBLEM_REFUSED},
        {"RANGE", PROBLEM_REFUSED},      {"SYNTAX", PROBLEM_REFUSED},
        {"UTF8", PROBLEM_REFUSED},       {"FULL", PROBLEM_BUSY},
        {"IO", PROBLEM_FAULT},           {"CORRUPT", PROBLEM_FAULT},
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        if (pal_text_is (status, rows[at].status))
            return rows[at].problem;
    }
    return PROBLEM_NO_BROKER;
}

static bool waits (problem_t problem)
{
    return problem == PROBLEM_NO_BROKER || problem == PROBLEM_BUSY
           || problem == PROBLEM_SESSION_BUSY;
}

void operate_refuse (asker_t *asker, const pal_control_result_t *result)
{
    json_t *body = json_loadb (result->body.data, result->body.size, 0, NULL);
    const json_t *words = json_object_get (body, "text");
    pal_text_t detail = {json_string_value (words), json_string_length (words)};
    problem_t problem = operate_problem (result->status);
    asker_problem (asker, problem, detail, waits (problem) ? 1000 : 0);
    json_decref (body);
}

/*  Counts that are all 0 are no failure.  */
static bool is_counted (const order_t *self, const pal_control_result_t *result)
{
    if (result->ok || !(self->operation->flags & COUNTS))
        return result->ok;
    json_t *body = json_loadb (result->body.data, result->body.size, 0, NULL);
    bool counted = json_object_get (body, "missing") != NULL;
    json_decref (body);
    return counted;
}

/*  {"items":[the answers],"end":{their counts}}  */
static void answer_trial (order_t *self, pal_text_t end)
{
    text_t body = {0};
    text_add (&body, "{\"items\":[");
    text_add_view (&body, text_view (&self->parts));
    text_add (&body, "],\"end\":");
    text_add_view (&body, end);
    text_add (&body, "}\n");
    asker_json (&self->asker, 200, text_view (&body));
    text_free (&body);
}

static void add_part (order_t *self, pal_text_t part)
{
    if (self->parts.size)
        text_add (&self->parts, ",");
    text_add_view (&self->parts, part);
}

static void order_free (order_t *self)
{
    shelf_remove (&self->asker.web->orders, &self->entry);
    text_free (&self->parts);
    free (self);
}

static void on_result (void *arg, const pal_control_result_t *result)
{
    order_t *self = arg;
    bool tries = self->operation->flags & TRIES;
    if (result->more) {
        if (tries)
            add_part (self, result->body);
        return;
    }
    if (!is_counted (self, result))
        operate_refuse (&self->asker, result);
    else if (tries)
        answer_trial (self, result->body);
    else
        asker_json (&self->asker, 200, result->body);
    order_free (self);
}

void operate_close (web_t *web)
{
    for (entry_t *entry; (entry = shelf_oldest (&web->orders));)
        order_free (ENTRY_OF (entry, order_t, entry));
}

/* ------------------------------------------------------------------ arguments */

/*  The next word of a list with blanks between them, its kind taken off; false: there is none.  */
static bool next_argument (const char **list, char name[NAME_BYTES], char *ret_kind)
{
    *list += strspn (*list, " ");
    size_t size = strcspn (*list, " ");
    if (!size || size >= NAME_BYTES)
        return false;
    memcpy (name, *list, size);
    *list += size;
    *ret_kind = strchr ("#+?*", name[size - 1]) ? name[size - 1] : 0;
    name[*ret_kind ? size - 1 : size] = 0;
    return true;
}

static void refuse_kind (asker_t *asker, problem_t problem, const char *name, char kind)
{
    char detail[NAME_BYTES + 32];
    snprintf (detail, sizeof detail, "%s: takes %s", name,
              kind == '#'   ? "a number"
              : kind == '+' ? "a number from 1"
              : kind == '?' ? "true or false"
                            : "a text in UTF-8");
    asker_problem (asker, problem, pal_text (detail), 0);
}

/*  NULL: it is not of this kind.  */
static json_t *value_of (pal_text_t text, char kind)
{
    uint64_t number;
    if (kind == '#' || kind == '+')
        return events_number (text, &number) && (number || kind == '#')
                   ? json_integer ((json_int_t) number)
                   : NULL;
    if (kind == '?')
        return pal_text_is (text, "true")    ? json_true ()
               : pal_text_is (text, "false") ? json_false ()
                                             : NULL;
    return json_stringn (text.data, text.size);
}

static bool put (asker_t *asker, json_t *arguments, const char *name, char kind, pal_text_t text)
{
    json_t *value = value_of (text, kind);
    if (value && !json_object_set_new (arguments, name, value))
        return true;
    refuse_kind (asker, PROBLEM_BAD_PARAMETER, name, kind);
    return false;
}

static bool is_listed (const char *list, pal_text_t wanted, char *ret_kind)
{
    char name[NAME_BYTES];
    while (next_argument (&list, name, ret_kind)) {
        if (pal_text_is (wanted, name))
            return true;
    }
    return false;
}

/*  A name that is not known is refused: without the filter that was meant, the answer is of others, too.  */
static bool names_are_known (asker_t *asker, pal_text_t query, const char *list)
{
    char detail[NAME_BYTES + 64], kind;
    pal_text_t name, value;
    while (request_next_pair (&query, &name, &value)) {
        if ((name.size || value.data) && !is_listed (list, name, &kind)) {
            name = text_prefix (name, NAME_BYTES - 1);
            snprintf (detail, sizeof detail, "\"%.*s\" is not one of those that this path takes",
                      PAL_ARG (name));
            asker_problem (asker, PROBLEM_BAD_PARAMETER, pal_text (detail), 0);
            return false;
        }
    }
    return true;
}

static void refuse_value (asker_t *asker, const char *name, query_t found)
{
    char detail[NAME_BYTES + 32];
    if (found == QUERY_TWICE)
        snprintf (detail, sizeof detail, "%s: is given more than once", name);
    else
        snprintf (detail, sizeof detail, "%s: takes at most %d bytes", name, VALUE_BYTES_MAX);
    asker_problem (asker, PROBLEM_BAD_PARAMETER, pal_text (detail), 0);
}

bool operate_read_query (asker_t *asker, const request_t *request, const char *list,
                         json_t *arguments)
{
    char name[NAME_BYTES], kind, bytes[VALUE_BYTES_MAX];
    pal_text_t text;
    if (!names_are_known (asker, request->http->query, list))
        return false;
    while (next_argument (&list, name, &kind)) {
        query_t found = request_query (request->http->query, name, bytes, sizeof bytes, &text);
        if (found == QUERY_TOO_LONG || found == QUERY_TWICE) {
            refuse_value (asker, name, found);
            return false;
        }
        if (text.size && !put (asker, arguments, name, kind, text))
            return false;
    }
    return true;
}

/*  Null is what is left out.  */
static bool is_of_kind (const json_t *value, char kind)
{
    if (json_is_null (value) || kind == '*')
        return true;
    if (kind == '#' || kind == '+')
        return json_is_integer (value) && json_integer_value (value) >= (kind == '+' ? 1 : 0);
    return kind == '?' ? json_is_boolean (value) : json_is_string (value);
}

static void refuse_key (asker_t *asker, const char *name)
{
    char detail[NAME_BYTES + 64];
    pal_text_t shown = text_prefix (pal_text (name), NAME_BYTES - 1);
    snprintf (detail, sizeof detail, "\"%.*s\" is not one of the keys that this path takes",
              PAL_ARG (shown));
    asker_problem (asker, PROBLEM_REFUSED, pal_text (detail), 0);
}

/*  A key that is not known is refused, and so is a value of another kind, which the broker would pass over: it would be
    an order that is not carried out as it is meant.  */
static bool take_body (asker_t *asker, json_t *body, const char *list, json_t *arguments)
{
    const char *name;
    json_t *value;
    char kind;
    json_object_foreach (body, name, value)
    {
        if (!is_listed (list, pal_text (name), &kind)) {
            refuse_key (asker, name);
            return false;
        }
        if (!is_of_kind (value, kind)) {
            refuse_kind (asker, PROBLEM_REFUSED, name, kind);
            return false;
        }
        json_object_set (arguments, name, value);
    }
    return true;
}

/*  Of a POST. False: it has been answered.  */
static bool read_body (asker_t *asker, const request_t *request, const char *list,
                       json_t *arguments)
{
    pal_text_t text = request->http->body;
    if (!request_takes_json (asker))
        return false;
    json_t *body = json_loadb (text.size ? text.data : "", text.size, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_is_object (body);
    if (!good)
        asker_problem (asker, PROBLEM_NOT_JSON, pal_text ("the body is no JSON object"), 0);
    good = good && take_body (asker, body, list, arguments);
    json_decref (body);
    return good;
}

static bool read_arguments (asker_t *asker, const request_t *request, const operation_t *operation,
                            json_t *arguments)
{
    char name[NAME_BYTES], kind;
    const char *part = operation->part;
    if (next_argument (&part, name, &kind) && !put (asker, arguments, name, kind, request->part))
        return false;
    if (pal_text_is (request->http->method, "POST"))
        return read_body (asker, request, operation->arguments, arguments);
    return operate_read_query (asker, request, operation->arguments, arguments);
}

/* ------------------------------------------------------------------ asking */

/*  For the ledger.  */
static void name_of (const asker_t *asker, char name[80])
{
    if (asker->key->name.size)
        snprintf (name, 80, "%.*s", PAL_ARG (asker->key->name));
    else
        snprintf (name, 80, "key %u", asker->key->line);
}

static void sign (const asker_t *asker, const operation_t *operation, json_t *arguments)
{
    const pal_host_t *host = asker->web->host;
    char name[80];
    name_of (asker, name);
    json_object_set_new (arguments, "who", json_string (name));
    host->log (host, PAL_LOG_INFO, "%s, from %s: %s", name, asker->peer, operation->command);
}

/*  Nobody gets the answer, so what somebody may have already can be tried as well.  */
static void make_trial (json_t *arguments)
{
    json_object_set_new (arguments, "shadow", json_true ());
    json_object_set_new (arguments, "allow_duplicates", json_true ());
}

static void send (asker_t *asker, const operation_t *operation, const json_t *arguments)
{
    const pal_host_t *host = asker->web->host;
    char *text = json_dumps (arguments, JSON_COMPACT);
    order_t *self = text ? calloc (1, sizeof *self) : NULL;
    if (self) {
        self->asker = *asker;
        self->operation = operation;
        self->entry.key = (pal_text_t){(const char *) &self->asker.call, sizeof self->asker.call};
        shelf_put (&asker->web->orders, &self->entry);
        /* an agent takes its time, and the broker has a deadline for it */
        host->ask (host, pal_text (operation->command), pal_text (text),
                   operation->flags & TRIES ? 0 : ANSWER_MS, on_result, self);
    } else {
        asker_problem (asker, PROBLEM_BUSY, pal_text ("out of memory"), 1000);
    }
    free (text);
}

bool operate_may_ask (asker_t *asker)
{
    const pal_host_t *host = asker->web->host;
    if (asker->has_origin)
        asker_problem (asker, PROBLEM_FOREIGN,
                       pal_text ("operators are served on the gateway's own pages alone"), 0);
    else if (!PAL_HAS (host, ask) || !host->ask)
        asker_problem (asker, PROBLEM_NOT_PERMITTED,
                       pal_text ("the palaver-adapter that runs this gateway is too old for it"),
                       0);
    else
        return true;
    return false;
}

static void serve (asker_t *asker, const request_t *request, const operation_t *operation)
{
    json_t *arguments = json_object ();
    if (operate_may_ask (asker) && read_arguments (asker, request, operation, arguments)) {
        if (operation->flags & ACTS)
            sign (asker, operation, arguments);
        if (operation->flags & TRIES)
            make_trial (arguments);
        send (asker, operation, arguments);
    }
    json_decref (arguments);
}

/*  Whose key it is.  */
void route_operate_key (asker_t *asker, const request_t *request)
{
    char name[80];
    text_t body = {0};
    (void) request;
    name_of (asker, name);
    text_add (&body, "{\"name\":");
    text_add_quoted (&body, pal_text (name));
    text_add (&body, "}\n");
    asker_json (asker, 200, text_view (&body));
    text_free (&body);
}

#define OPERATE(name, method, path, command, part, arguments, flags)                               \
    void route_operate_##name (asker_t *asker, const request_t *request)                           \
    {                                                                                              \
        serve (asker, request, &operations[OPERATION_##name]);                                     \
    }
#include "web/operate.def"
#undef OPERATE
