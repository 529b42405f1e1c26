#include "host/kit/services_kit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/format.h"
#include "host/host.h"
#include "host/kit/kv_line.h"
#include "host/kit/plugin_metrics.h"
#include "host/kit/rate_buckets.h"
#include "host/kit/retry_plan.h"
#include "host/kit/signature.h"
#include "host/text/text.h"
#include "host/text/unit.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    RETELL_BEATS = 10,       /* what a full pipe swallowed is told again by then */
    RETRY_UNKNOWN_MS = 1000, /* the least wait while the day's budget is not known */
    TROUBLE_BYTES = 256
};

#define RETRY_PREFIX KV_LINE_OWN "retry/"

struct services_kit {
    host_t *host;
    kv_line_t *kv;
    uint64_t turn; /* the timer for kv_line_turn; 0: none */
    rate_buckets_t *rates;
    retry_plans_t *retries;
    bool retries_asked; /* for what was kept of them */
    bool retries_known;
    plugin_metrics_t metrics;
    bool has_health;
    char trouble[TROUBLE_BYTES]; /* "": it works */
    unsigned beats;
};

static services_kit_t *kit_of (const pal_host_t *table)
{
    return ((host_t *) (uintptr_t) table)->kit; /* lent as const; it is the first member */
}

/* ------------------------------------------------------------------ key-value store */

static uint64_t kv_send (void *arg, const char *command, plv_view_t arguments)
{
    services_kit_t *self = arg;
    uint64_t request = ++self->host->last_ask;
    return broker_link_control (self->host->link, request, plv_view_str (command), arguments)
               ? request
               : 0;
}

static void kv_turn (void *arg)
{
    services_kit_t *self = arg;
    self->turn = 0;
    kv_line_turn (self->kv);
}

static void kv_wake (void *arg)
{
    services_kit_t *self = arg;
    if (!self->turn && self->host->own_wakeups)
        self->turn = wakeups_timer (self->host->own_wakeups, 0, 0, kv_turn, self);
}

void services_kit_kv_get (const pal_host_t *table, pal_text_t key, pal_kv_fn *done, void *arg)
{
    kv_line_ask (kit_of (table)->kv, KV_LINE_GET, false, key, pal_text (NULL), done, arg);
}

void services_kit_kv_put (const pal_host_t *table, pal_text_t key, pal_text_t value,
                          pal_kv_fn *done, void *arg)
{
    kv_line_ask (kit_of (table)->kv, KV_LINE_PUT, false, key, value, done, arg);
}

void services_kit_kv_remove (const pal_host_t *table, pal_text_t key, pal_kv_fn *done, void *arg)
{
    kv_line_ask (kit_of (table)->kv, KV_LINE_REMOVE, false, key, pal_text (NULL), done, arg);
}

void services_kit_kv_list (const pal_host_t *table, pal_text_t prefix, pal_kv_fn *done, void *arg)
{
    kv_line_ask (kit_of (table)->kv, KV_LINE_LIST, false, prefix, pal_text (NULL), done, arg);
}

/* ------------------------------------------------------------------ rates, text, signatures */

uint32_t services_kit_rate_take (const pal_host_t *table, const pal_bucket_t *buckets,
                                 uint32_t count, pal_urgency_t urgency)
{
    return rate_buckets_take (kit_of (table)->rates, buckets, count, urgency, plv_clock_mono_us ());
}

void services_kit_rate_block (const pal_host_t *table, pal_text_t name, uint32_t ms)
{
    rate_buckets_block (kit_of (table)->rates, name, ms, plv_clock_mono_us ());
}

size_t services_kit_text_size (const pal_host_t *table, pal_text_t text, pal_text_unit_t unit)
{
    (void) table;
    return text_size (view_of (text), unit);
}

void services_kit_text_render (const pal_host_t *table, pal_text_t text, pal_markdown_t flavour,
                               pal_text_unit_t unit, uint32_t max,
                               void (*part) (void *arg, pal_text_t text), void *arg)
{
    (void) table;
    if (part)
        text_render (text, flavour, unit, max, part, arg);
}

void services_kit_hmac_sha256 (const pal_host_t *table, pal_text_t key, pal_text_t message,
                               uint8_t ret_hash[32])
{
    (void) table;
    signature_hmac_sha256 (key, message, ret_hash);
}

bool services_kit_ed25519_valid (const pal_host_t *table, const uint8_t public_key[32],
                                 const uint8_t signature[64], pal_text_t message)
{
    (void) table;
    return signature_ed25519 (public_key, signature, message);
}

/* ------------------------------------------------------------------ retries */

static void keep_retry (services_kit_t *self, const char *name)
{
    char key[sizeof RETRY_PREFIX + RETRY_NAME_BYTES_MAX];
    plv_buf_t saved = {0};
    snprintf (key, sizeof key, RETRY_PREFIX "%.*s", RETRY_NAME_BYTES_MAX, name);
    retry_plans_save (self->retries, name, &saved);
    plv_buf_check (&saved);
    kv_line_ask (self->kv, KV_LINE_PUT, true, pal_text (key), text_of (plv_buf_view (&saved)), NULL,
                 NULL);
    plv_buf_free (&saved);
}

/*  What a predecessor used up is added to what was counted until now, and all of it kept.  */
static void on_retry_kept (void *arg, const pal_kv_result_t *result)
{
    services_kit_t *self = arg;
    const size_t prefix = sizeof RETRY_PREFIX - 1;
    char name[RETRY_NAME_BYTES_MAX + 1];
    if (result->found && result->key.size > prefix) {
        snprintf (name, sizeof name, "%.*s", (int) (result->key.size - prefix),
                  result->key.data + prefix);
        retry_plans_load (self->retries, name, view_of (result->value));
        return;
    }
    self->retries_known = true;
    const char *of;
    for (size_t at = 0; (of = retry_plans_name (self->retries, at)); at++)
        keep_retry (self, of);
}

uint32_t services_kit_retry_wait (const pal_host_t *table, const char *name,
                                  const pal_retry_t *retry)
{
    services_kit_t *self = kit_of (table);
    uint64_t random;
    randombytes_buf (&random, sizeof random);
    uint32_t wait = retry_plans_wait (self->retries, name, retry, plv_clock_wall_us (), random);
    if (!retry->per_day)
        return wait;
    if (self->retries_known) {
        keep_retry (self, name);
        return wait;
    }
    if (!self->retries_asked)
        kv_line_ask (self->kv, KV_LINE_LIST, true, pal_text (RETRY_PREFIX), pal_text (NULL),
                     on_retry_kept, self);
    self->retries_asked = true;
    return wait > RETRY_UNKNOWN_MS ? wait : RETRY_UNKNOWN_MS;
}

void services_kit_retry_good (const pal_host_t *table, const char *name)
{
    retry_plans_good (kit_of (table)->retries, name);
}

/* ------------------------------------------------------------------ metrics and health */

static void check_metric (services_kit_t *self, const char *name, bool taken)
{
    if (!taken)
        plv_log (self->host->log, LOG_PLUGIN_ERROR, F_STR ("adapter", self->host->options.name),
                 F_STR ("text", "a metric's name is [a-z_]+, a counter's ends in _total; at most "
                                "64 of 48 characters"),
                 F_STR ("metric", name));
}

void services_kit_metric_add (const pal_host_t *table, const char *name, uint64_t count)
{
    services_kit_t *self = kit_of (table);
    check_metric (self, name, plugin_metrics_add (&self->metrics, name, count));
}

void services_kit_metric_set (const pal_host_t *table, const char *name, double value)
{
    services_kit_t *self = kit_of (table);
    check_metric (self, name, plugin_metrics_set (&self->metrics, name, value));
}

static void tell_health (const services_kit_t *self)
{
    if (self->trouble[0])
        host_tell (self->host, "ILL %s", self->trouble);
    else
        host_tell (self->host, "WELL");
}

void services_kit_health (const pal_host_t *table, bool works, const char *format, ...)
{
    services_kit_t *self = kit_of (table);
    char text[TROUBLE_BYTES];
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (text, sizeof text, format, arguments);
    va_end (arguments);
    if (works)
        text[0] = 0;
    else if (!text[0])
        snprintf (text, sizeof text, "it does not say why");
    if (strcmp (text, self->trouble) == 0)
        return;
    memcpy (self->trouble, text, sizeof text);
    self->has_health = true;
    plv_log (self->host->log, works ? LOG_PLUGIN_INFO : LOG_PLUGIN_WARN,
             F_STR ("adapter", self->host->options.name),
             F_STR ("text", works ? "works again" : self->trouble));
    tell_health (self);
}

void services_kit_beat (services_kit_t *self)
{
    char line[PLUGIN_METRIC_NAME_MAX + 64];
    bool all = ++self->beats % RETELL_BEATS == 0;
    for (size_t at = 0; plugin_metrics_line (&self->metrics, &at, all, line, sizeof line);)
        host_tell (self->host, "%s", line);
    if (all && self->has_health)
        tell_health (self);
}

/* ------------------------------------------------------------------ life */

services_kit_t *services_kit_new (host_t *host)
{
    services_kit_t *self = plv_alloc_zero (1, sizeof *self);
    kv_line_owner_t owner = {.send = kv_send, .wake = kv_wake, .arg = self};
    uint8_t seed[16];
    randombytes_buf (seed, sizeof seed);
    self->host = host;
    self->kv = kv_line_new (&owner);
    self->rates = rate_buckets_new (seed);
    self->retries = retry_plans_new ();
    return self;
}

void services_kit_destroy (services_kit_t **self_p)
{
    services_kit_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    if (self->host->own_wakeups)
        wakeups_cancel (self->host->own_wakeups, self->turn);
    kv_line_destroy (&self->kv);
    rate_buckets_destroy (&self->rates);
    retry_plans_destroy (&self->retries);
    free (self);
    *self_p = NULL;
}

void services_kit_up (services_kit_t *self, bool up)
{
    kv_line_up (self->kv, up);
}

bool services_kit_result (services_kit_t *self, uint64_t request, plv_view_t status,
                          plv_view_t body)
{
    return kv_line_result (self->kv, request, status, body);
}

void services_kit_mute (services_kit_t *self)
{
    kv_line_mute (self->kv);
}

size_t services_kit_pending (const services_kit_t *self)
{
    return kv_line_pending (self->kv);
}
