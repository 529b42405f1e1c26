#include "sdk/fake_host_kit.h"

#include "base/list.h"
#include "host/kit/plugin_metrics.h"
#include "host/kit/rate_buckets.h"
#include "host/kit/retry_plan.h"
#include "host/kit/signature.h"
#include "host/text/text.h"
#include "host/text/unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYS_MAX = 1024, KEY_BYTES_MAX = 255, VALUE_BYTES_MAX = 65536, TROUBLE_BYTES = 256 };

typedef struct {
    char *key; /* ends with a NUL, as the value does; both may hold others */
    size_t key_size;
    char *value;
    size_t value_size;
} pair_t;

typedef enum { CALL_GET, CALL_PUT, CALL_REMOVE, CALL_LIST } what_t;

typedef struct {
    plv_node_t node; /* in `calls` or `late` */
    fake_kit_t *owner;
    what_t what;
    pair_t pair;
    pal_kv_fn *done;
    void *arg;
} call_t;

struct fake_kit {
    const pal_host_t *table;
    pair_t pairs[KEYS_MAX]; /* in the order of their keys */
    size_t count;
    plv_node_t calls; /* in their order */
    plv_node_t late;
    uint32_t delay_ms;
    char failure[TROUBLE_BYTES]; /* "": calls succeed */
    bool muted;
    rate_buckets_t *rates;
    retry_plans_t *retries;
    plugin_metrics_t metrics;
    char trouble[TROUBLE_BYTES];
};

static void need (bool condition, const char *what)
{
    if (condition)
        return;
    fprintf (stderr, "fake_host: %s\n", what);
    abort ();
}

static char *copy (pal_text_t text)
{
    char *result = calloc (1, text.size + 1);
    need (result != NULL, "out of memory");
    if (text.size)
        memcpy (result, text.data, text.size);
    return result;
}

static pair_t pair_of (pal_text_t key, pal_text_t value)
{
    return (pair_t){
        .key = copy (key), .key_size = key.size, .value = copy (value), .value_size = value.size};
}

static void pair_free (pair_t *pair)
{
    free (pair->key);
    free (pair->value);
}

static pal_text_t key_of (const pair_t *pair)
{
    return (pal_text_t){pair->key, pair->key_size};
}

static pal_text_t value_of (const pair_t *pair)
{
    return (pal_text_t){pair->value, pair->value_size};
}

/* ------------------------------------------------------------------ keys and values */

static int compare (pal_text_t a, pal_text_t b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp (a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/*  Where it is, or belongs.  */
static size_t place_of (const fake_kit_t *self, pal_text_t key, bool *ret_found)
{
    size_t at = 0;
    int order = 1;
    while (at < self->count && (order = compare (key_of (&self->pairs[at]), key)) < 0)
        at++;
    *ret_found = at < self->count && order == 0;
    return at;
}

static bool take_out (fake_kit_t *self, pal_text_t key)
{
    bool found;
    size_t at = place_of (self, key, &found);
    if (!found)
        return false;
    pair_free (&self->pairs[at]);
    self->count--;
    memmove (&self->pairs[at], &self->pairs[at + 1], (self->count - at) * sizeof *self->pairs);
    return true;
}

static bool put_in (fake_kit_t *self, pal_text_t key, pal_text_t value)
{
    bool found, replaced = take_out (self, key);
    size_t at = place_of (self, key, &found);
    need (self->count < KEYS_MAX, "too many keys");
    memmove (&self->pairs[at + 1], &self->pairs[at], (self->count - at) * sizeof *self->pairs);
    self->pairs[at] = pair_of (key, value);
    self->count++;
    return replaced;
}

void fake_kit_set (fake_kit_t *self, const char *key, const char *value)
{
    if (value)
        put_in (self, pal_text (key), pal_text (value));
    else
        take_out (self, pal_text (key));
}

const char *fake_kit_get (const fake_kit_t *self, const char *key)
{
    bool found;
    size_t at = place_of (self, pal_text (key), &found);
    return found ? self->pairs[at].value : NULL;
}

/* ------------------------------------------------------------------ calls */

static void say (const fake_kit_t *self, const call_t *call, const pal_kv_result_t *result)
{
    if (call->done && !self->muted)
        call->done (call->arg, result);
}

static const char *refusal (const call_t *call)
{
    const pair_t *pair = &call->pair;
    if (call->what != CALL_LIST && pair->key_size == 0)
        return "a key has at least one byte";
    if (pair->key_size > KEY_BYTES_MAX)
        return "a key has at most 255 bytes";
    if (pair->value_size > VALUE_BYTES_MAX)
        return "a value has at most 65536 bytes";
    return NULL;
}

static bool begins (const pair_t *pair, const pair_t *with)
{
    return pair->key_size >= with->key_size
           && (with->key_size == 0 || memcmp (pair->key, with->key, with->key_size) == 0);
}

static void list (fake_kit_t *self, const call_t *call)
{
    for (size_t at = 0; at < self->count; at++) {
        pal_kv_result_t result = {.ok = true,
                                  .found = true,
                                  .key = key_of (&self->pairs[at]),
                                  .value = value_of (&self->pairs[at])};
        if (begins (&self->pairs[at], &call->pair))
            say (self, call, &result);
    }
    say (self, call, &(pal_kv_result_t){.ok = true, .key = key_of (&call->pair)});
}

static void get (fake_kit_t *self, const call_t *call)
{
    pal_kv_result_t result = {.ok = true, .key = key_of (&call->pair)};
    size_t at = place_of (self, result.key, &result.found);
    if (result.found)
        result.value = value_of (&self->pairs[at]);
    say (self, call, &result);
}

static void carry_out (fake_kit_t *self, const call_t *call)
{
    pal_kv_result_t result = {.ok = true, .key = key_of (&call->pair)};
    const char *reason = self->failure[0] ? self->failure : refusal (call);
    if (reason) {
        result.ok = false;
        result.reason = pal_text (reason);
        say (self, call, &result);
    } else if (call->what == CALL_LIST) {
        list (self, call);
    } else if (call->what == CALL_GET) {
        get (self, call);
    } else {
        result.found = call->what == CALL_PUT ? put_in (self, result.key, value_of (&call->pair))
                                              : take_out (self, result.key);
        say (self, call, &result);
    }
}

static void call_free (call_t *call)
{
    plv_node_remove (&call->node);
    pair_free (&call->pair);
    free (call);
}

static void on_due (void *arg)
{
    call_t *call = arg;
    carry_out (call->owner, call);
    call_free (call);
}

static void ask (const pal_host_t *table, what_t what, pal_text_t key, pal_text_t value,
                 pal_kv_fn *done, void *arg)
{
    fake_kit_t *self = fake_host_kit (table);
    call_t *call = calloc (1, sizeof *call);
    need (call != NULL, "out of memory");
    *call = (call_t){
        .owner = self, .what = what, .pair = pair_of (key, value), .done = done, .arg = arg};
    plv_list_push (self->delay_ms ? &self->late : &self->calls, &call->node);
    if (self->delay_ms)
        fake_host_later (table, self->delay_ms, on_due, call);
}

void fake_kit_turn (fake_kit_t *self)
{
    while (!plv_list_empty (&self->calls))
        on_due (PLV_OF (plv_list_pop (&self->calls), call_t, node));
}

static void do_kv_get (const pal_host_t *table, pal_text_t key, pal_kv_fn *done, void *arg)
{
    ask (table, CALL_GET, key, pal_text (NULL), done, arg);
}

static void do_kv_put (const pal_host_t *table, pal_text_t key, pal_text_t value, pal_kv_fn *done,
                       void *arg)
{
    ask (table, CALL_PUT, key, value, done, arg);
}

static void do_kv_remove (const pal_host_t *table, pal_text_t key, pal_kv_fn *done, void *arg)
{
    ask (table, CALL_REMOVE, key, pal_text (NULL), done, arg);
}

static void do_kv_list (const pal_host_t *table, pal_text_t prefix, pal_kv_fn *done, void *arg)
{
    ask (table, CALL_LIST, prefix, pal_text (NULL), done, arg);
}

/* ------------------------------------------------------------------ what is the host's own */

static uint32_t do_rate_take (const pal_host_t *table, const pal_bucket_t *buckets, uint32_t count,
                              pal_urgency_t urgency)
{
    return rate_buckets_take (fake_host_kit (table)->rates, buckets, count, urgency,
                              table->mono_us (table));
}

static void do_rate_block (const pal_host_t *table, pal_text_t name, uint32_t ms)
{
    rate_buckets_block (fake_host_kit (table)->rates, name, ms, table->mono_us (table));
}

static size_t do_text_size (const pal_host_t *table, pal_text_t text, pal_text_unit_t unit)
{
    (void) table;
    return text_size (plv_view (text.data, text.size), unit);
}

static void do_text_render (const pal_host_t *table, pal_text_t text, pal_markdown_t flavour,
                            pal_text_unit_t unit, uint32_t max,
                            void (*part) (void *arg, pal_text_t text), void *arg)
{
    (void) table;
    text_render (text, flavour, unit, max, part, arg);
}

static void do_hmac_sha256 (const pal_host_t *table, pal_text_t key, pal_text_t message,
                            uint8_t ret_hash[32])
{
    (void) table;
    signature_hmac_sha256 (key, message, ret_hash);
}

static bool do_ed25519_valid (const pal_host_t *table, const uint8_t public_key[32],
                              const uint8_t signature[64], pal_text_t message)
{
    (void) table;
    return signature_ed25519 (public_key, signature, message);
}

/*  Without jitter: a test knows when.  */
static uint32_t do_retry_wait (const pal_host_t *table, const char *name, const pal_retry_t *retry)
{
    return retry_plans_wait (fake_host_kit (table)->retries, name, retry, table->wall_us (table),
                             0);
}

static void do_retry_good (const pal_host_t *table, const char *name)
{
    retry_plans_good (fake_host_kit (table)->retries, name);
}

static void do_metric_add (const pal_host_t *table, const char *name, uint64_t count)
{
    need (plugin_metrics_add (&fake_host_kit (table)->metrics, name, count), name);
}

static void do_metric_set (const pal_host_t *table, const char *name, double value)
{
    need (plugin_metrics_set (&fake_host_kit (table)->metrics, name, value), name);
}

__attribute__ ((format (printf, 3, 4))) static void do_health (const pal_host_t *table, bool works,
                                                               const char *format, ...)
{
    fake_kit_t *self = fake_host_kit (table);
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (self->trouble, sizeof self->trouble, format, arguments);
    va_end (arguments);
    if (works)
        self->trouble[0] = 0;
}

/* ------------------------------------------------------------------ life */

fake_kit_t *fake_kit_new (const pal_host_t *table)
{
    static const uint8_t seed[16];
    fake_kit_t *self = calloc (1, sizeof *self);
    need (self != NULL, "out of memory");
    self->table = table;
    plv_list_init (&self->calls);
    plv_list_init (&self->late);
    self->rates = rate_buckets_new (seed);
    self->retries = retry_plans_new ();
    return self;
}

void fake_kit_destroy (fake_kit_t **self_p)
{
    fake_kit_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    while (!plv_list_empty (&self->calls))
        call_free (PLV_OF (plv_list_first (&self->calls), call_t, node));
    while (!plv_list_empty (&self->late))
        call_free (PLV_OF (plv_list_first (&self->late), call_t, node));
    while (self->count)
        pair_free (&self->pairs[--self->count]);
    rate_buckets_destroy (&self->rates);
    retry_plans_destroy (&self->retries);
    free (self);
    *self_p = NULL;
}

void fake_kit_enter (pal_host_t *table)
{
    table->kv_get = do_kv_get;
    table->kv_put = do_kv_put;
    table->kv_remove = do_kv_remove;
    table->kv_list = do_kv_list;
    table->rate_take = do_rate_take;
    table->rate_block = do_rate_block;
    table->text_size = do_text_size;
    table->text_render = do_text_render;
    table->hmac_sha256 = do_hmac_sha256;
    table->ed25519_valid = do_ed25519_valid;
    table->retry_wait = do_retry_wait;
    table->retry_good = do_retry_good;
    table->metric_add = do_metric_add;
    table->metric_set = do_metric_set;
    table->health = do_health;
}

void fake_kit_set_delay (fake_kit_t *self, uint32_t ms)
{
    self->delay_ms = ms;
}

void fake_kit_fail (fake_kit_t *self, const char *reason)
{
    snprintf (self->failure, sizeof self->failure, "%s", reason ? reason : "");
}

void fake_kit_mute (fake_kit_t *self)
{
    self->muted = true;
}

double fake_kit_metric (const fake_kit_t *self, const char *name)
{
    for (size_t at = 0; at < self->metrics.count; at++) {
        const plugin_metric_t *metric = &self->metrics.metrics[at];
        if (strcmp (metric->name, name) == 0)
            return metric->is_counter ? (double) metric->count : metric->value;
    }
    return 0;
}

const char *fake_kit_trouble (const fake_kit_t *self)
{
    return self->trouble;
}
