#include "advisor/claude/http.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/list.h"
#include "base/wait.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { POLL_MS = 1000 };

struct http {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;
    plv_node_t begun;     /* calls that the thread has not seen */
    plv_node_t cancelled; /* calls that it shall drop */
    bool started;
    bool stop;
};

/*  Everything with the engine's lock held, but `easy`, which is the thread's while `running`.  */
struct http_call {
    http_t *engine;
    plv_node_t node;
    CURL *easy;
    struct curl_slist *headers;
    pthread_cond_t news;
    plv_buf_t body;   /* of the request */
    plv_buf_t pieces; /* that nobody has taken yet */
    plv_buf_t head;   /* header lines of the answer */
    int status;
    bool running;
    bool failed;
    char why[CURL_ERROR_SIZE];
};

/* --------------------------------------------------------------- what libcurl calls */

static size_t on_header (char *data, size_t size, size_t count, void *arg)
{
    http_call_t *call = arg;
    size *= count;
    pthread_mutex_lock (&call->engine->lock);
    if (size >= 5 && memcmp (data, "HTTP/", 5) == 0)
        plv_buf_clear (&call->head); /* of a 100 before it */
    plv_buf_add (&call->head, data, size);
    pthread_mutex_unlock (&call->engine->lock);
    return size;
}

static size_t on_piece (char *data, size_t size, size_t count, void *arg)
{
    http_call_t *call = arg;
    long status = 0;
    size *= count;
    curl_easy_getinfo (call->easy, CURLINFO_RESPONSE_CODE, &status);
    pthread_mutex_lock (&call->engine->lock);
    call->status = (int) status;
    plv_buf_add (&call->pieces, data, size);
    bool good = !call->pieces.failed && call->pieces.size <= HTTP_PIECES_BYTES_MAX;
    pthread_cond_signal (&call->news);
    pthread_mutex_unlock (&call->engine->lock);
    return good ? size : 0;
}

/* --------------------------------------------------------------- the thread */

/*  With the lock held.  */
static void finish (http_call_t *call, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo (call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle (call->engine->multi, call->easy);
    call->status = (int) status;
    call->running = false;
    call->failed = code != CURLE_OK;
    if (call->failed && !call->why[0])
        plv_format (call->why, sizeof call->why, "%s", curl_easy_strerror (code));
    pthread_cond_signal (&call->news);
}

static void begin_and_cancel (http_t *self)
{
    plv_node_t *node;
    while ((node = plv_list_pop (&self->begun))) {
        http_call_t *call = PLV_OF (node, http_call_t, node);
        if (curl_multi_add_handle (self->multi, call->easy) != CURLM_OK)
            finish (call, CURLE_FAILED_INIT);
    }
    while ((node = plv_list_pop (&self->cancelled))) {
        http_call_t *call = PLV_OF (node, http_call_t, node);
        if (call->running)
            finish (call, CURLE_ABORTED_BY_CALLBACK);
    }
}

static void take_finished (http_t *self)
{
    const CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read (self->multi, &left))) {
        http_call_t *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, &call);
        pthread_mutex_lock (&self->lock);
        finish (call, code);
        pthread_mutex_unlock (&self->lock);
    }
}

static void *work (void *arg)
{
    http_t *self = arg;
    for (;;) {
        int running;
        pthread_mutex_lock (&self->lock);
        bool stop = self->stop;
        begin_and_cancel (self);
        pthread_mutex_unlock (&self->lock);
        if (stop)
            break;
        curl_multi_perform (self->multi, &running);
        take_finished (self);
        curl_multi_poll (self->multi, NULL, 0, POLL_MS, NULL);
    }
    return NULL;
}

/* --------------------------------------------------------------- the engine */

/*  Signals are for the threads of whoever handles them: this one takes none.  */
static bool start_thread (http_t *self)
{
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    bool started = !pthread_create (&self->thread, NULL, work, self);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return started;
}

plv_err_t http_new (unsigned connections, http_t **ret_http, plv_fail_t *ret_fail)
{
    if (curl_global_init (CURL_GLOBAL_DEFAULT))
        return plv_fail (ret_fail, ERR_NOMEM, "libcurl could not be prepared");
    http_t *self = calloc (1, sizeof *self);
    if (self)
        self->multi = curl_multi_init ();
    if (!self || !self->multi || pthread_mutex_init (&self->lock, NULL)) {
        if (self && self->multi)
            curl_multi_cleanup (self->multi);
        free (self);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    plv_list_init (&self->begun);
    plv_list_init (&self->cancelled);
    curl_multi_setopt (self->multi, CURLMOPT_MAXCONNECTS, (long) connections);
    curl_multi_setopt (self->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) connections);
    self->started = start_thread (self);
    if (!self->started) {
        http_destroy (&self);
        return plv_fail (ret_fail, ERR_NOMEM, "no memory for a thread");
    }
    *ret_http = self;
    return ERR_OK;
}

void http_destroy (http_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    http_t *self = *self_p;
    if (self->started) {
        pthread_mutex_lock (&self->lock);
        self->stop = true;
        pthread_mutex_unlock (&self->lock);
        curl_multi_wakeup (self->multi);
        pthread_join (self->thread, NULL);
    }
    curl_multi_cleanup (self->multi);
    pthread_mutex_destroy (&self->lock);
    curl_global_cleanup ();
    free (self);
    *self_p = NULL;
}

/* --------------------------------------------------------------- calls */

static void call_free (http_call_t *call)
{
    curl_easy_cleanup (call->easy);
    curl_slist_free_all (call->headers);
    pthread_cond_destroy (&call->news);
    plv_buf_free (&call->body);
    plv_buf_free (&call->pieces);
    plv_buf_free (&call->head);
    free (call);
}

static bool add_header (http_call_t *call, const char *line)
{
    struct curl_slist *more = curl_slist_append (call->headers, line);
    call->headers = more ? more : call->headers;
    return more;
}

static bool set_headers (http_call_t *call, const http_request_t *request)
{
    bool good = add_header (call, "Expect:");
    for (size_t i = 0; good && i < request->header_count; i++)
        good = add_header (call, request->headers[i]);
    return good;
}

static void set_options (http_call_t *call, const http_request_t *request)
{
    CURL *easy = call->easy;
    curl_easy_setopt (easy, CURLOPT_URL, request->url);
    curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, (long) request->connect_ms);
    curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) call->body.size);
    curl_easy_setopt (easy, CURLOPT_POSTFIELDS, call->body.data);
    curl_easy_setopt (easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt (easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, on_piece);
    curl_easy_setopt (easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, call->why);
    curl_easy_setopt (easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt (easy, CURLOPT_USERAGENT, "palaver-advisor");
}

plv_err_t http_start (http_t *self, const http_request_t *request, http_call_t **ret_call,
                      plv_fail_t *ret_fail)
{
    http_call_t *call = calloc (1, sizeof *call);
    if (!call || !plv_wait_init (&call->news)) {
        free (call);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    call->engine = self;
    call->easy = curl_easy_init ();
    plv_buf_add_view (&call->body, request->body);
    plv_buf_add_u8 (&call->body, '\0');
    call->body.size -= !call->body.failed;
    if (!call->easy || call->body.failed || !set_headers (call, request)) {
        call_free (call);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    set_options (call, request);
    call->running = true;
    pthread_mutex_lock (&self->lock);
    plv_list_push (&self->begun, &call->node);
    pthread_mutex_unlock (&self->lock);
    curl_multi_wakeup (self->multi);
    *ret_call = call;
    return ERR_OK;
}

http_event_t http_next (http_call_t *call, int64_t until_us, plv_buf_t *ret_piece)
{
    http_event_t event = HTTP_NOTHING;
    pthread_mutex_lock (&call->engine->lock);
    while (!call->pieces.size && call->running
           && plv_wait_until (&call->news, &call->engine->lock, until_us))
        continue;
    if (call->pieces.size) {
        plv_buf_t taken = *ret_piece;
        plv_buf_clear (&taken);
        *ret_piece = call->pieces;
        call->pieces = taken;
        event = HTTP_PIECE;
    } else if (!call->running) {
        event = call->failed ? HTTP_FAILED : HTTP_END;
    }
    pthread_mutex_unlock (&call->engine->lock);
    return event;
}

int http_status (const http_call_t *call)
{
    pthread_mutex_lock (&call->engine->lock);
    int status = call->status;
    pthread_mutex_unlock (&call->engine->lock);
    return status;
}

const char *http_why (const http_call_t *call)
{
    return call->why[0] ? call->why : "the connection failed";
}

static void copy_value (plv_view_t line, size_t name_size, char value[HTTP_HEADER_BYTES])
{
    size_t at = name_size + 1, end = line.size;
    while (at < end && (line.data[at] == ' ' || line.data[at] == '\t'))
        at++;
    while (end > at && (line.data[end - 1] == '\r' || line.data[end - 1] == ' '))
        end--;
    plv_format (value, HTTP_HEADER_BYTES, "%.*s", (int) (end - at), (const char *) line.data + at);
}

const char *http_header (const http_call_t *call, const char *name,
                         char ret_value[HTTP_HEADER_BYTES])
{
    size_t size = strlen (name);
    ret_value[0] = '\0';
    pthread_mutex_lock (&call->engine->lock);
    for (size_t at = 0; at < call->head.size;) {
        const uint8_t *line = call->head.data + at;
        const uint8_t *end = memchr (line, '\n', call->head.size - at);
        size_t length = end ? (size_t) (end - line) : call->head.size - at;
        if (length > size && line[size] == ':'
            && strncasecmp ((const char *) line, name, size) == 0)
            copy_value (plv_view (line, length), size, ret_value);
        at += length + 1;
    }
    pthread_mutex_unlock (&call->engine->lock);
    return ret_value;
}

void http_end (http_call_t **call_p)
{
    if (!call_p || !*call_p)
        return;
    http_call_t *call = *call_p;
    http_t *engine = call->engine;
    pthread_mutex_lock (&engine->lock);
    if (call->running && plv_node_listed (&call->node)) {
        plv_node_remove (&call->node); /* the thread has not seen it */
        call->running = false;
    } else if (call->running) {
        plv_list_push (&engine->cancelled, &call->node);
        curl_multi_wakeup (engine->multi);
        while (call->running)
            pthread_cond_wait (&call->news, &engine->lock);
        plv_node_remove (&call->node); /* it may have ended by itself before it was dropped */
    }
    pthread_mutex_unlock (&engine->lock);
    call_free (call);
    *call_p = NULL;
}
