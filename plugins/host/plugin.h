/*  plugin -- one .so, checked before it is loaded and after
    OWNS    the loaded object
    THREAD  the main thread
    FAILS   plugin_load with one of the REFUSED codes of exit.def and one line that says what is wrong
    COST    that of the dynamic linker  */

#ifndef HOST_PLUGIN_H
#define HOST_PLUGIN_H

#include "base/err.h"
#include "host/exit.h"
#include "sdk/adapter.h"

typedef struct plugin plugin_t;

host_exit_t plugin_load (const char *file, plugin_t **ret_plugin, plv_fail_t *ret_fail);
void plugin_destroy (plugin_t **self_p);

/*  The descriptor as this host knows it: fields that the plugin does not have are zero.  */
const pal_adapter_t *plugin_adapter (const plugin_t *self);

/*  Key `at` of its adapter's configuration: those of every adapter (settings.def), then those of the plugin's table;
    false: there are no more.  */
bool plugin_row (const plugin_t *self, size_t at, pal_key_t *ret_key);

#endif
