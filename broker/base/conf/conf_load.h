/*  conf_load -- what the files that build a plv_conf_t share
    OWNS    nothing
    THREAD  that of the configuration being built
    FAILS   ERR_CONF with "file:line: key: what is wrong"
    COST    at start and at reload only  */

#ifndef PLV_BASE_CONF_LOAD_H
#define PLV_BASE_CONF_LOAD_H

#include "base/conf/conf.h"

#include <libconfig.h>

enum { CONF_PATH_BYTES = 256 };

/*  The tree that libconfig read, and the configuration that comes of it.  */
typedef struct {
    plv_conf_t *conf;
    config_t *tree;
    plv_fail_t *fail;
} plv_conf_load_t;

/*  All defaults and no route yet.  */
plv_conf_t *plv_conf_new (const char *file);
plv_conf_route_t *plv_conf_add_route (plv_conf_t *self);
void plv_conf_add_default_route (plv_conf_t *self);

/*  Puts "file:line: path: " in front of the words; `setting` may be NULL: no line.  */
plv_err_t plv_conf_refuse (const plv_conf_load_t *self, const config_setting_t *setting,
                           const char *path, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

/*  The list of routes; the group of adapters.  */
plv_err_t plv_conf_load_routes (const plv_conf_load_t *self, const config_setting_t *list);
plv_err_t plv_conf_load_adapters (const plv_conf_load_t *self, const config_setting_t *group);

/*  What must hold between two keys, once every key is in its range.  */
plv_err_t plv_conf_check_rules (const plv_conf_load_t *self);

/*  The members of `plugins_raw`, indented, one line a key.  */
void plv_conf_print_adapters (const char *plugins_raw, FILE *out);

#endif
