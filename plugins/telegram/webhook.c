#include "telegram/webhook.h"

#include "telegram/api.h"
#include "telegram/intake.h"
#include "telegram/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECRET_BYTES = 32, /* as twice as many characters */
    BODY_BYTES_MAX = 1 << 20,
    METHOD_MS = 15000,
    CHECK_MS = 300000,
    LATER_MS_MAX = 60000,
};

typedef struct guest guest_t;

/*  An update, and the request that waits for its answer.  */
struct guest {
    intake_t intake; /* first */
    guest_t *next, *previous;
    uint64_t call;
};

struct webhook {
    telegram_t *owner;
    guest_t *guests;
    char secret[SECRET_BYTES * 2 + 1]; /* empty: not known yet */
    char path[512];
    uint64_t timer;
    bool set;
};

static void set (webhook_t *self);
static void check (webhook_t *self);

static void on_timer (void *arg)
{
    webhook_t *self = arg;
    self->timer = 0;
    if (self->set)
        check (self);
    else
        set (self);
}

static void later (webhook_t *self, uint32_t ms)
{
    const pal_host_t *host = self->owner->host;
    if (self->timer)
        host->timer_cancel (host, self->timer);
    self->timer = host->timer (host, ms, 0, on_timer, self);
}

/* ------------------------------------------------------------------ updates */

static void answer (webhook_t *self, uint64_t call, uint32_t status, uint32_t retry_after_ms)
{
    char seconds[16];
    pal_header_t header = {pal_text ("retry-after"), {0}};
    snprintf (seconds, sizeof seconds, "%u", (retry_after_ms + 999) / 1000);
    header.value = pal_text (seconds);
    pal_http_response_t response = {
        .status = status,
        .headers = &header,
        .header_count = retry_after_ms ? 1 : 0,
    };
    self->owner->host->http_respond (self->owner->host, call, &response);
}

static void dismiss (webhook_t *self, guest_t *guest)
{
    if (guest->previous)
        guest->previous->next = guest->next;
    else
        self->guests = guest->next;
    if (guest->next)
        guest->next->previous = guest->previous;
    intake_free (&guest->intake);
    free (guest);
}

static void on_done (intake_t *intake, bool taken, uint32_t retry_after_ms)
{
    guest_t *guest = (guest_t *) intake; /* its first member */
    webhook_t *self = intake->arg;
    if (!taken)
        self->owner->host->metric_add (self->owner->host, "busy_total", 1);
    answer (self, guest->call, taken ? 200 : 503, taken ? 0 : retry_after_ms);
    dismiss (self, guest);
}

static void welcome (webhook_t *self, const pal_http_request_t *request)
{
    telegram_t *owner = self->owner;
    guest_t *guest = calloc (1, sizeof *guest);
    if (!guest) {
        answer (self, request->call, 503, 1000);
        return;
    }
    *guest = (guest_t){.intake = {.owner = owner, .done = on_done, .arg = self},
                       .next = self->guests,
                       .call = request->call};
    if (guest->next)
        guest->next->previous = guest;
    self->guests = guest;
    update_parse (&guest->intake.update, request->body, &owner->bot);
    owner->host->metric_add (owner->host, "updates_total", 1);
    intake_offer (&guest->intake);
}

static void on_request (void *arg, const pal_http_request_t *request)
{
    webhook_t *self = arg;
    const pal_host_t *host = self->owner->host;
    pal_text_t shown = host->http_header (host, request->call, "x-telegram-bot-api-secret-token");
    if (!pal_text_is (request->path, self->path)) {
        answer (self, request->call, 404, 0);
    } else if (!pal_text_is (request->method, "POST")) {
        answer (self, request->call, 405, 0);
    } else if (!self->secret[0] || !self->owner->bot.id) {
        answer (self, request->call, 503, 1000); /* not yet */
    } else if (!host->same_secret (host, shown, pal_text (self->secret))) {
        host->metric_add (host, "strangers_total", 1);
        answer (self, request->call, 401, 0);
    } else {
        welcome (self, request);
    }
}

/*  The update goes on: it is stored, and brought again.  */
static void on_gone (void *arg, uint64_t call)
{
    (void) arg;
    (void) call;
}

/* ------------------------------------------------------------------ setting it */

static uint32_t wait_after (const webhook_t *self, const outcome_t *outcome)
{
    const pal_host_t *host = self->owner->host;
    pal_retry_t retry = {.first_ms = 1000, .most_ms = LATER_MS_MAX};
    uint32_t wait = host->retry_wait (host, "webhook", &retry);
    return wait > outcome->retry_after_ms ? wait : outcome->retry_after_ms;
}

static void on_checked (void *arg, const outcome_t *outcome)
{
    webhook_t *self = arg;
    const pal_host_t *host = self->owner->host;
    const json_t *info = outcome->result;
    const json_t *url = json_object_get (info, "url");
    pal_text_t there = {json_string_value (url), json_string_length (url)};
    const char *error = json_string_value (json_object_get (info, "last_error_message"));
    int64_t when = json_integer_value (json_object_get (info, "last_error_date"));
    if (outcome->verdict == VERDICT_SENT
        && !pal_text_equal (there, self->owner->options.webhook_url))
        host->health (host, false,
                      "the webhook is not ours any more: somebody has set or deleted it; restart "
                      "this adapter to take the bot over");
    else if (outcome->verdict == VERDICT_SENT && error
             && when + CHECK_MS / 1000 > host->wall_us (host) / 1000000)
        host->health (host, false, "Telegram cannot bring updates: %s", error);
    else if (outcome->verdict == VERDICT_SENT)
        host->health (host, true, "webhook of @%s", self->owner->username);
    later (self, CHECK_MS);
}

static void check (webhook_t *self)
{
    if (!api_call (self->owner, "getWebhookInfo", NULL, METHOD_MS, on_checked, self))
        later (self, CHECK_MS);
}

static void on_set (void *arg, const outcome_t *outcome)
{
    webhook_t *self = arg;
    const pal_host_t *host = self->owner->host;
    self->set = outcome->verdict == VERDICT_SENT;
    if (self->set) {
        host->retry_good (host, "webhook");
        host->health (host, true, "webhook of @%s", self->owner->username);
        later (self, CHECK_MS);
        return;
    }
    if (outcome->verdict != VERDICT_TOKEN)
        host->health (host, false, "the webhook cannot be set: %s", outcome->reason);
    later (self, wait_after (self, outcome));
}

static void set (webhook_t *self)
{
    const options_t *options = &self->owner->options;
    const pal_host_t *host = self->owner->host;
    json_t *params = json_pack (
        "{s:s%, s:s, s:i, s:o}", "url", options->webhook_url.data, options->webhook_url.size,
        "secret_token", self->secret, "max_connections",
        (int) host->conf_int (host, "webhook_connections"), "allowed_updates", update_allowed ());
    if (!params || !api_call (self->owner, "setWebhook", params, METHOD_MS, on_set, self))
        later (self, LATER_MS_MAX);
}

static void on_secret_kept (void *arg, const pal_kv_result_t *result)
{
    webhook_t *self = arg;
    const pal_host_t *host = self->owner->host;
    if (!result->ok)
        host->log (host, PAL_LOG_WARN, "the webhook's secret cannot be kept: %.*s",
                   PAL_ARG (result->reason));
    set (self);
}

static void on_secret (void *arg, const pal_kv_result_t *result)
{
    webhook_t *self = arg;
    const pal_host_t *host = self->owner->host;
    uint8_t bytes[SECRET_BYTES];
    if (result->found && result->value.size == sizeof self->secret - 1) {
        snprintf (self->secret, sizeof self->secret, "%.*s", PAL_ARG (result->value));
        set (self);
        return;
    }
    host->random (host, bytes, sizeof bytes);
    for (size_t at = 0; at < sizeof bytes; at++)
        snprintf (self->secret + at * 2, 3, "%02x", bytes[at]);
    host->kv_put (host, pal_text (KEEP_SECRET), pal_text (self->secret), on_secret_kept, self);
}

void webhook_start (telegram_t *owner)
{
    webhook_t *self = owner->webhook;
    if (self->secret[0])
        set (self);
    else
        owner->host->kv_get (owner->host, pal_text (KEEP_SECRET), on_secret, self);
}

/* ------------------------------------------------------------------ life */

/*  The path of an address; "/" when it has none.  */
static void read_path (char *path, size_t room, pal_text_t url)
{
    char text[512];
    snprintf (text, sizeof text, "%.*s", PAL_ARG (url));
    const char *host = strstr (text, "://");
    const char *slash = host ? strchr (host + 3, '/') : NULL;
    snprintf (path, room, "%s", slash ? slash : "/");
    path[strcspn (path, "?#")] = 0;
}

static int listen_on (webhook_t *self)
{
    const pal_host_t *host = self->owner->host;
    char address[64], certificate[1024], key[1024];
    uint16_t port = 0;
    snprintf (address, sizeof address, "%.*s", PAL_ARG (host->conf_text (host, "webhook_host")));
    snprintf (certificate, sizeof certificate, "%.*s",
              PAL_ARG (host->conf_text (host, "webhook_tls_certificate")));
    snprintf (key, sizeof key, "%.*s", PAL_ARG (host->conf_text (host, "webhook_tls_key")));
    pal_http_options_t options = {
        .address = address,
        .port = (uint16_t) host->conf_int (host, "webhook_port"),
        .body_bytes_max = BODY_BYTES_MAX,
        .tls_certificate = certificate[0] ? certificate : NULL,
        .tls_key = key[0] ? key : NULL,
    };
    pal_http_handler_t handler = {.request = on_request, .gone = on_gone, .arg = self};
    if (!certificate[0] != !key[0])
        return host->fail (host, "webhook_tls_certificate and webhook_tls_key: give both or none");
    if (host->http_listen (host, &options, &handler, &port))
        return -1;
    host->log (host, PAL_LOG_INFO, "listening for the webhook on %s:%u%s", address, port,
               self->path);
    return 0;
}

int webhook_listen (telegram_t *owner)
{
    webhook_t *self = calloc (1, sizeof *self);
    if (!self)
        return owner->host->fail (owner->host, "out of memory");
    self->owner = owner;
    owner->webhook = self;
    read_path (self->path, sizeof self->path, owner->options.webhook_url);
    return listen_on (self);
}

void webhook_close (telegram_t *owner)
{
    webhook_t *self = owner->webhook;
    if (!self)
        return;
    owner->webhook = NULL;
    while (self->guests)
        dismiss (self, self->guests);
    if (self->timer)
        owner->host->timer_cancel (owner->host, self->timer);
    free (self);
}
