/*  services -- the host table: what a plugin calls, and what comes back from the broker  */
#include "host/host.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/format.h"
#include "host/net/services_net.h"
#include "wire/json.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FULL_RETRY_MS = 1000, CONTROL_MS = 10000, LOG_BYTES = 1024 };

typedef struct {
    plv_node_t node; /* in `later` */
    bool is_ask;     /* an ask_t begins the same way */
} answer_t;

typedef struct {
    answer_t answer;
    pal_published_fn *done;
    void *arg;
    pal_published_t result;
    char code[16];
    plv_fail_t fail;
} publish_t;

typedef struct {
    answer_t answer;
    void (*done) (void *arg, const pal_control_result_t *result);
    void *arg;
    host_t *host;
    uint64_t request;
    uint64_t timer;
    uint32_t within_ms; /* 0: no matter */
    const char *status;
} ask_t;

static host_t *host_of (const pal_host_t *table)
{
    return (host_t *) (uintptr_t) table; /* lent to the plugin as const; it is the first member */
}

/* ------------------------------------------------------------------ answers that come later */

static void publish_end (host_t *self, publish_t *publish)
{
    if (publish->done && self->is_open)
        publish->done (publish->arg, &publish->result);
    free (publish);
}

static void ask_end (host_t *self, ask_t *ask, const char *status, pal_text_t body)
{
    wakeups_cancel (self->own_wakeups, ask->timer);
    pal_control_result_t result = {
        .ok = strcmp (status, "ok") == 0,
        .status = pal_text (status),
        .body = body.size ? body : pal_text ("{}"),
    };
    if (ask->done && self->is_open)
        ask->done (ask->arg, &result);
    free (ask);
}

static void answer_later (uv_idle_t *idle)
{
    host_t *self = idle->data;
    plv_node_t now;
    uv_idle_stop (idle);
    /*  Those that are added meanwhile wait for the next turn.  */
    plv_list_init (&now);
    while (!plv_list_empty (&self->later))
        plv_list_push (&now, plv_list_pop (&self->later));
    while (!plv_list_empty (&now)) {
        answer_t *answer = PLV_OF (plv_list_pop (&now), answer_t, node);
        if (answer->is_ask)
            ask_end (self, (ask_t *) (void *) answer, ((ask_t *) (void *) answer)->status,
                     pal_text (NULL));
        else
            publish_end (self, (publish_t *) (void *) answer);
    }
}

static void later (host_t *self, answer_t *answer)
{
    plv_list_push (&self->later, &answer->node);
    uv_idle_start (&self->later_idle, answer_later);
}

/* ------------------------------------------------------------------ events */

static void reject_later (host_t *self, publish_t *publish)
{
    snprintf (publish->code, sizeof publish->code, "%s", plv_err_name (publish->fail.code));
    publish->result.taken = PAL_REJECTED;
    publish->result.code = pal_text (publish->code);
    publish->result.reason = pal_text (publish->fail.text);
    later (self, &publish->answer);
}

static void busy_later (host_t *self, publish_t *publish)
{
    publish->result.taken = PAL_BUSY;
    publish->result.retry_after_ms = FULL_RETRY_MS;
    publish->result.reason = pal_text ("too many events wait for the broker");
    later (self, &publish->answer);
}

static void do_publish (const pal_host_t *table, const pal_event_t *event, pal_published_fn *done,
                        void *arg, pal_id_t *ret_id)
{
    host_t *self = host_of (table);
    publish_t *publish = plv_alloc_zero (1, sizeof *publish);
    uint64_t random;
    randombytes_buf (&random, sizeof random);
    int64_t now = plv_clock_wall_us ();
    plv_id_t id = plv_id_make (now, random);
    publish->done = done;
    publish->arg = arg;
    plv_id_format (&id, publish->result.id.text);
    if (ret_id)
        *ret_id = publish->result.id;
    if (translate_event (&self->translate, event, &id, now, &publish->fail)) {
        reject_later (self, publish);
        return;
    }
    uint64_t seq = broker_link_publish (self->link, plv_buf_view (&self->translate.envelope),
                                        plv_buf_view (&self->translate.body));
    if (seq)
        plv_map_u64_put (&self->publishes, seq, publish);
    else
        busy_later (self, publish);
}

static void on_stored (void *arg, uint64_t seq)
{
    host_t *self = arg;
    publish_t *publish = plv_map_u64_remove (&self->publishes, seq);
    if (!publish)
        return;
    publish->result.taken = PAL_STORED;
    publish_end (self, publish);
}

static void on_busy (void *arg, uint64_t seq, uint32_t retry_after_ms, plv_view_t reason)
{
    host_t *self = arg;
    publish_t *publish = plv_map_u64_remove (&self->publishes, seq);
    if (!publish)
        return;
    publish->result.taken = PAL_BUSY;
    publish->result.retry_after_ms = retry_after_ms;
    publish->result.reason = text_of (reason);
    publish_end (self, publish);
}

static void on_rejected (void *arg, uint64_t seq, plv_view_t code, plv_view_t text)
{
    host_t *self = arg;
    publish_t *publish = plv_map_u64_remove (&self->publishes, seq);
    if (!publish)
        return;
    publish->result.taken = PAL_REJECTED;
    publish->result.code = text_of (code);
    publish->result.reason = text_of (text);
    publish_end (self, publish);
}

static void do_live (const pal_host_t *table, const pal_event_t *event)
{
    host_t *self = host_of (table);
    uint64_t random;
    plv_fail_t fail;
    randombytes_buf (&random, sizeof random);
    int64_t now = plv_clock_wall_us ();
    plv_id_t id = plv_id_make (now, random);
    if (translate_event (&self->translate, event, &id, now, &fail))
        plv_log (self->log, LOG_PLUGIN_WARN, F_STR ("adapter", self->options.name),
                 F_STR ("text", fail.text));
    else
        broker_link_live (self->link, plv_buf_view (&self->translate.envelope),
                          plv_buf_view (&self->translate.body));
}

/* ------------------------------------------------------------------ replies */

static const char *outcome_name (pal_outcome_t outcome)
{
    switch (outcome) {
    case PAL_SENT:
        return "sent";
    case PAL_NOT_SENT:
        return "not_sent";
    case PAL_REFUSED:
        return "refused";
    case PAL_UNKNOWN:
        break;
    }
    return "unknown";
}

static void do_finish (const pal_host_t *table, uint64_t delivery, pal_outcome_t outcome,
                       pal_text_t platform_id, uint32_t retry_after_ms, pal_text_t reason)
{
    host_t *self = host_of (table);
    if (!broker_link_finish (self->link, delivery, outcome_name (outcome), view_of (platform_id),
                             retry_after_ms, view_of (reason)))
        plv_log (self->log, LOG_PLUGIN_DEBUG, F_STR ("adapter", self->options.name),
                 F_STR ("text", "finished a delivery that is not open"),
                 F_INT ("delivery", (int64_t) delivery));
}

static void on_deliver (void *arg, uint64_t delivery, uint32_t attempt, plv_view_t envelope,
                        plv_view_t body)
{
    host_t *self = arg;
    pal_reply_t reply;
    plv_fail_t fail;
    if (!self->is_open) {
        do_finish (&self->table, delivery, PAL_NOT_SENT, pal_text (NULL), 0,
                   pal_text ("the adapter stops"));
        return;
    }
    if (translate_reply (&self->translate, envelope, body, &reply, &fail)) {
        do_finish (&self->table, delivery, PAL_REFUSED, pal_text (NULL), 0, pal_text (fail.text));
        return;
    }
    reply.delivery = delivery;
    reply.attempt = attempt;
    plugin_adapter (self->plugin)->deliver (self->self, &reply);
}

static void on_live (void *arg, plv_view_t envelope, plv_view_t body)
{
    host_t *self = arg;
    pal_live_t live;
    plv_fail_t fail;
    const pal_adapter_t *adapter = plugin_adapter (self->plugin);
    if (self->is_open && adapter->live
        && !translate_live (&self->translate, envelope, body, &live, &fail))
        adapter->live (self->self, &live);
}

/* ------------------------------------------------------------------ control */

static void ask_late (void *arg)
{
    ask_t *ask = arg;
    ask->timer = 0;
    plv_map_u64_remove (&ask->host->asks, ask->request);
    ask_end (ask->host, ask, "TIMEOUT", pal_text (NULL));
}

static void ask_wait (ask_t *ask)
{
    wakeups_cancel (ask->host->own_wakeups, ask->timer);
    ask->timer = ask->within_ms
                     ? wakeups_timer (ask->host->own_wakeups, ask->within_ms, 0, ask_late, ask)
                     : 0;
}

static const char *ask_send (host_t *self, uint64_t request, pal_text_t command,
                             pal_text_t arguments)
{
    plv_buf_t encoded = {0};
    plv_fail_t fail;
    const char *status = "ok";
    plv_view_t text = arguments.size ? view_of (arguments) : plv_view_str ("{}");
    if (plv_json_to_mp (&encoded, text, PLV_JSON_OBJECT, &fail))
        status = "SYNTAX";
    else if (!broker_link_control (self->link, request, view_of (command), plv_buf_view (&encoded)))
        status = "UNAVAILABLE";
    plv_buf_free (&encoded);
    return status;
}

static uint64_t do_ask (const pal_host_t *table, pal_text_t command, pal_text_t arguments,
                        uint32_t within_ms,
                        void (*done) (void *arg, const pal_control_result_t *result), void *arg)
{
    host_t *self = host_of (table);
    ask_t *ask = plv_alloc_zero (1, sizeof *ask);
    ask->answer.is_ask = true;
    ask->done = done;
    ask->arg = arg;
    ask->host = self;
    ask->within_ms = within_ms;
    ask->request = ++self->last_ask;
    ask->status = ask_send (self, ask->request, command, arguments);
    if (strcmp (ask->status, "ok") != 0) {
        later (self, &ask->answer);
        return self->last_ask;
    }
    plv_map_u64_put (&self->asks, ask->request, ask);
    ask_wait (ask);
    return ask->request;
}

static void do_control (const pal_host_t *table, pal_text_t command, pal_text_t arguments,
                        void (*done) (void *arg, const pal_control_result_t *result), void *arg)
{
    do_ask (table, command, arguments, CONTROL_MS, done, arg);
}

static bool do_ask_more (const pal_host_t *table, uint64_t question, pal_text_t command,
                         pal_text_t arguments)
{
    host_t *self = host_of (table);
    return plv_map_u64_get (&self->asks, question)
           && strcmp (ask_send (self, question, command, arguments), "ok") == 0;
}

/*  What may take for ever ends with the broker; the rest has its time.  */
void services_broker_gone (host_t *self)
{
    ask_t *ask;
    for (size_t at = 0; (ask = plv_map_u64_next (&self->asks, &at));) {
        if (ask->within_ms)
            continue;
        plv_map_u64_remove (&self->asks, ask->request);
        ask_end (self, ask, "GONE", pal_text (NULL));
        at = 0; /* whoever was told may have asked anew */
    }
}

/*  One part of several; the next one has its own time.  */
static void ask_go_on (host_t *self, ask_t *ask, const char *status, pal_text_t body)
{
    const pal_control_result_t result = {
        .ok = strcmp (status, "ok") == 0,
        .status = pal_text (status),
        .body = body,
        .more = true,
    };
    ask_wait (ask);
    if (ask->done && self->is_open)
        ask->done (ask->arg, &result);
}

static void on_result (void *arg, uint64_t request, bool more, plv_view_t status, plv_view_t body)
{
    host_t *self = arg;
    char word[64];
    plv_buf_t json = {0};
    if (services_kit_result (self->kit, request, status, body))
        return;
    ask_t *ask =
        more ? plv_map_u64_get (&self->asks, request) : plv_map_u64_remove (&self->asks, request);
    if (!ask)
        return;
    snprintf (word, sizeof word, PLV_VIEW_FMT, PLV_VIEW_ARG (status));
    plv_json_from_mp (&json, body);
    if (more)
        ask_go_on (self, ask, word, text_of (plv_buf_view (&json)));
    else
        ask_end (self, ask, word, text_of (plv_buf_view (&json)));
    plv_buf_free (&json);
}

static bool do_connected (const pal_host_t *table)
{
    return broker_link_up (host_of (table)->link);
}

/* ------------------------------------------------------------------ conf, log, time, chance */

static void wrong_key (host_t *self, const char *name, bool right)
{
    if (!right)
        plv_log (self->log, LOG_PLUGIN_ERROR, F_STR ("adapter", self->options.name),
                 F_STR ("text", "asks for a conf key that it did not declare, or of another type"),
                 F_STR ("key", name));
}

static pal_text_t do_conf_text (const pal_host_t *table, const char *name)
{
    host_t *self = host_of (table);
    const pal_key_t *key = settings_key (self->settings, name);
    wrong_key (self, name, key && (key->type == PAL_KEY_TEXT || key->type == PAL_KEY_SECRET));
    return pal_text (settings_text (self->settings, name));
}

static int64_t do_conf_int (const pal_host_t *table, const char *name)
{
    host_t *self = host_of (table);
    const pal_key_t *key = settings_key (self->settings, name);
    wrong_key (self, name, key && key->type == PAL_KEY_INT);
    return settings_int (self->settings, name);
}

static bool do_conf_bool (const pal_host_t *table, const char *name)
{
    host_t *self = host_of (table);
    const pal_key_t *key = settings_key (self->settings, name);
    wrong_key (self, name, key && key->type == PAL_KEY_BOOL);
    return settings_bool (self->settings, name);
}

__attribute__ ((format (printf, 3, 4))) static void do_log (const pal_host_t *table,
                                                            pal_log_level_t level,
                                                            const char *format, ...)
{
    static const plv_log_id_t ids[] = {LOG_PLUGIN_DEBUG, LOG_PLUGIN_INFO, LOG_PLUGIN_WARN,
                                       LOG_PLUGIN_ERROR};
    host_t *self = host_of (table);
    char text[LOG_BYTES];
    uint64_t left_out = 0;
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (text, sizeof text, format, arguments);
    va_end (arguments);
    if (level != PAL_LOG_DEBUG
        && !plv_log_gate_open (&self->gates[level >= PAL_LOG_WARN], plv_clock_mono_us (),
                               &left_out))
        return;
    if (left_out)
        plv_log (self->log, LOG_PLUGIN_WARN, F_STR ("adapter", self->options.name),
                 F_STR ("text", "writes too much: lines before this one were left out"),
                 F_INT ("lines", (int64_t) left_out), F_INT ("per_s", LOG_GATE_PER_S));
    plv_log (self->log, ids[level <= PAL_LOG_ERROR ? level : PAL_LOG_ERROR],
             F_STR ("adapter", self->options.name), F_STR ("text", text));
}

__attribute__ ((format (printf, 2, 3))) static int do_fail (const pal_host_t *table,
                                                            const char *format, ...)
{
    host_t *self = host_of (table);
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (self->fail.text, sizeof self->fail.text, format, arguments);
    va_end (arguments);
    return -1;
}

static int64_t do_wall_us (const pal_host_t *table)
{
    (void) table;
    return plv_clock_wall_us ();
}

static int64_t do_mono_us (const pal_host_t *table)
{
    (void) table;
    return plv_clock_mono_us ();
}

static void do_random (const pal_host_t *table, void *bytes, size_t size)
{
    (void) table;
    randombytes_buf (bytes, size);
}

/*  Hashes under a key of the moment: equal lengths to compare, whatever was given.  */
static bool do_same_secret (const pal_host_t *table, pal_text_t a, pal_text_t b)
{
    unsigned char key[crypto_generichash_KEYBYTES], hash[2][crypto_generichash_BYTES];
    (void) table;
    randombytes_buf (key, sizeof key);
    crypto_generichash (hash[0], sizeof hash[0], (const unsigned char *) a.data, a.size, key,
                        sizeof key);
    crypto_generichash (hash[1], sizeof hash[1], (const unsigned char *) b.data, b.size, key,
                        sizeof key);
    return sodium_memcmp (hash[0], hash[1], sizeof hash[0]) == 0;
}

/* ------------------------------------------------------------------ wakeups */

static uint64_t do_timer (const pal_host_t *table, uint32_t after_ms, uint32_t every_ms,
                          void (*fn) (void *arg), void *arg)
{
    return wakeups_timer (host_of (table)->wakeups, after_ms, every_ms, fn, arg);
}

static uint64_t do_watch (const pal_host_t *table, int fd, unsigned events,
                          void (*fn) (void *arg, unsigned events), void *arg)
{
    return wakeups_watch (host_of (table)->wakeups, fd, events, fn, arg);
}

static void do_cancel (const pal_host_t *table, uint64_t number)
{
    wakeups_cancel (host_of (table)->wakeups, number);
}

/* ------------------------------------------------------------------ the table */

static const pal_host_t services = {
    .abi = PAL_ABI,
    .size = sizeof (pal_host_t),
    .publish = do_publish,
    .live = do_live,
    .finish = do_finish,
    .control = do_control,
    .ask = do_ask,
    .ask_more = do_ask_more,
    .connected = do_connected,
    .conf_text = do_conf_text,
    .conf_int = do_conf_int,
    .conf_bool = do_conf_bool,
    .log = do_log,
    .fail = do_fail,
    .wall_us = do_wall_us,
    .mono_us = do_mono_us,
    .random = do_random,
    .same_secret = do_same_secret,
    .timer = do_timer,
    .timer_cancel = do_cancel,
    .watch = do_watch,
    .watch_cancel = do_cancel,
    .http_listen = services_net_listen,
    .http_header = services_net_header,
    .http_respond = services_net_respond,
    .http_close = services_net_close,
    .request = services_net_request,
    .request_cancel = services_net_request_cancel,
    .socket_connect = services_net_socket_connect,
    .socket_send = services_net_socket_send,
    .socket_waiting = services_net_socket_waiting,
    .socket_close = services_net_socket_close,
    .http_begin = services_net_begin,
    .http_write = services_net_write,
    .http_end = services_net_end,
    .kv_get = services_kit_kv_get,
    .kv_put = services_kit_kv_put,
    .kv_remove = services_kit_kv_remove,
    .kv_list = services_kit_kv_list,
    .rate_take = services_kit_rate_take,
    .rate_block = services_kit_rate_block,
    .text_size = services_kit_text_size,
    .text_render = services_kit_text_render,
    .hmac_sha256 = services_kit_hmac_sha256,
    .ed25519_valid = services_kit_ed25519_valid,
    .retry_wait = services_kit_retry_wait,
    .retry_good = services_kit_retry_good,
    .metric_add = services_kit_metric_add,
    .metric_set = services_kit_metric_set,
    .health = services_kit_health,
};

void services_init (host_t *self)
{
    self->table = services;
    plv_list_init (&self->later);
    uv_idle_init (&self->loop, &self->later_idle);
    self->later_idle.data = self;
    self->kit = services_kit_new (self);
}

void services_free (host_t *self)
{
    publish_t *publish;
    ask_t *ask;
    answer_later (&self->later_idle);
    services_kit_destroy (&self->kit);
    for (size_t at = 0; (publish = plv_map_u64_next (&self->publishes, &at));)
        free (publish);
    for (size_t at = 0; (ask = plv_map_u64_next (&self->asks, &at));)
        free (ask);
    plv_map_u64_free (&self->publishes);
    plv_map_u64_free (&self->asks);
}

broker_link_handler_t services_handler (host_t *self)
{
    return (broker_link_handler_t){
        .stored = on_stored,
        .busy = on_busy,
        .rejected = on_rejected,
        .deliver = on_deliver,
        .live = on_live,
        .result = on_result,
        .arg = self,
    };
}
