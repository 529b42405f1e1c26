/*  settings -- what the conf file says about one adapter, held against the plugin's key table
    OWNS    its texts and secrets; secrets are wiped when it is destroyed
    THREAD  read-only once loaded
    FAILS   settings_load with ERR_CONF and "file:line: adapters.NAME.key: what is wrong"
    COST    at start only

    The group is `adapters = { NAME = { key = value; ... }; }` in libconfig's syntax. Beside the plugin's own
    keys stand those of the host, in settings.def.  */

#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include "host/plugin.h"
#include "host/section.h"

typedef struct settings settings_t;

plv_err_t settings_load (const section_t *section, const plugin_t *plugin,
                         settings_t **ret_settings, plv_fail_t *ret_fail);
void settings_destroy (settings_t **self_p);

/*  NULL: there is no such key.  */
const pal_key_t *settings_key (const settings_t *self, const char *key);

/*  0, false, "" when there is no such key of that type.  */
int64_t settings_int (const settings_t *self, const char *key);
bool settings_bool (const settings_t *self, const char *key);
const char *settings_text (const settings_t *self, const char *key);

#endif
