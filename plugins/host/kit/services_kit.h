/*  services_kit -- the part of the host table that every platform needs: what it keeps, how fast it may be, its
    words, its signatures, its retries, and how it goes
    OWNS    the calls to the key-value store, the buckets, plans and numbers of the plugin
    THREAD  the host's loop
    FAILS   as sdk/adapter.h says of each call
    COST    a call; see the headers of the parts

    To the supervisor go "METRIC NAME counter|gauge VALUE" when a number has changed, "ILL TEXT" and "WELL".  */

#ifndef HOST_SERVICES_KIT_H
#define HOST_SERVICES_KIT_H

#include "base/view.h"
#include "sdk/adapter.h"

struct host;
typedef struct services_kit services_kit_t;

services_kit_t *services_kit_new (struct host *host);
void services_kit_destroy (services_kit_t **self_p);

void services_kit_up (services_kit_t *self, bool up);
/*  False: it was not asked here.  */
bool services_kit_result (services_kit_t *self, uint64_t request, plv_view_t status,
                          plv_view_t body);
/*  The plugin has been closed.  */
void services_kit_mute (services_kit_t *self);
/*  Every second: what is new for the supervisor.  */
void services_kit_beat (services_kit_t *self);
/*  Writes that the broker has not stored.  */
size_t services_kit_pending (const services_kit_t *self);

/*  Calls of the host table.  */
void services_kit_kv_get (const pal_host_t *table, pal_text_t key, pal_kv_fn *done, void *arg);
void services_kit_kv_put (const pal_host_t *table, pal_text_t key, pal_text_t value,
                          pal_kv_fn *done, void *arg);
void services_kit_kv_remove (const pal_host_t *table, pal_text_t key, pal_kv_fn *done, void *arg);
void services_kit_kv_list (const pal_host_t *table, pal_text_t prefix, pal_kv_fn *done, void *arg);
uint32_t services_kit_rate_take (const pal_host_t *table, const pal_bucket_t *buckets,
                                 uint32_t count, pal_urgency_t urgency);
void services_kit_rate_block (const pal_host_t *table, pal_text_t name, uint32_t ms);
size_t services_kit_text_size (const pal_host_t *table, pal_text_t text, pal_text_unit_t unit);
void services_kit_text_render (const pal_host_t *table, pal_text_t text, pal_markdown_t flavour,
                               pal_text_unit_t unit, uint32_t max,
                               void (*part) (void *arg, pal_text_t text), void *arg);
void services_kit_hmac_sha256 (const pal_host_t *table, pal_text_t key, pal_text_t message,
                               uint8_t ret_hash[32]);
bool services_kit_ed25519_valid (const pal_host_t *table, const uint8_t public_key[32],
                                 const uint8_t signature[64], pal_text_t message);
uint32_t services_kit_retry_wait (const pal_host_t *table, const char *name,
                                  const pal_retry_t *retry);
void services_kit_retry_good (const pal_host_t *table, const char *name);
void services_kit_metric_add (const pal_host_t *table, const char *name, uint64_t count);
void services_kit_metric_set (const pal_host_t *table, const char *name, double value);
void services_kit_health (const pal_host_t *table, bool works, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif
