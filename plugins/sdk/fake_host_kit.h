/*  fake_host_kit -- the part of fake_host that every platform needs: what is pure is the host's own
    OWNS    keys and values, buckets, plans and numbers, freed by fake_kit_destroy
    THREAD  that of the test
    FAILS   by abort (), as fake_host does
    COST    none that matters

    Between fake_host.c and fake_host_kit.c only.  */

#ifndef PALAVER_SDK_FAKE_HOST_KIT_H
#define PALAVER_SDK_FAKE_HOST_KIT_H

#include "sdk/adapter.h"

typedef struct fake_kit fake_kit_t;

fake_kit_t *fake_kit_new (const pal_host_t *table);
void fake_kit_destroy (fake_kit_t **self_p);
/*  Fills in the calls of the table.  */
void fake_kit_enter (pal_host_t *table);

/*  Where fake_host.c keeps it.  */
fake_kit_t *fake_host_kit (const pal_host_t *table);
/*  A timer of the host's own, which goes off also when the plugin has closed.  */
void fake_host_later (const pal_host_t *table, uint32_t ms, void (*fn) (void *arg), void *arg);

void fake_kit_set_delay (fake_kit_t *self, uint32_t ms);
void fake_kit_fail (fake_kit_t *self, const char *reason);
void fake_kit_set (fake_kit_t *self, const char *key, const char *value);
const char *fake_kit_get (const fake_kit_t *self, const char *key);
double fake_kit_metric (const fake_kit_t *self, const char *name);
const char *fake_kit_trouble (const fake_kit_t *self);
/*  The plugin has returned to its host: what it asked is answered, unless there is a delay.  */
void fake_kit_turn (fake_kit_t *self);
/*  The plugin has been closed: nothing calls it back.  */
void fake_kit_mute (fake_kit_t *self);

#endif
