/*  conf_value -- one field of the configuration: its default, what a file says, its text
    OWNS    nothing: the field belongs to the struct at `owner` (a plv_conf_t or plv_conf_route_t)
    THREAD  that of the owner
    FAILS   plv_conf_value_set with ERR_CONF and what is wrong, without file, line and key
    COST    at start and at reload only  */

#ifndef PLV_BASE_CONF_VALUE_H
#define PLV_BASE_CONF_VALUE_H

#include "base/conf/conf.h"
#include "base/conf/conf_key.h"

#include <libconfig.h>

void plv_conf_value_default (const plv_conf_key_t *key, void *owner);
plv_err_t plv_conf_value_set (const plv_conf_key_t *key, void *owner,
                              const config_setting_t *setting, plv_fail_t *ret_fail);
void plv_conf_value_free (const plv_conf_key_t *key, void *owner);
bool plv_conf_value_is_default (const plv_conf_key_t *key, const void *owner);

/*  As the file would say it: 10, true, "text", [ "a", "b" ]. With an `owner` of NULL: the default.  */
void plv_conf_value_text (const plv_conf_key_t *key, const void *owner, plv_buf_t *out);

/*  "text", with quotes and what must be escaped.  */
void plv_conf_quote (const char *text, plv_buf_t *out);

/*  "a number", "a list", ...: what a setting is, in words.  */
const char *plv_conf_type_text (const config_setting_t *setting);

/*  Refuses a text that is not UTF-8 or holds control characters other than newline and tab.  */
plv_err_t plv_conf_text_check (const char *text, plv_fail_t *ret_fail);

#endif
