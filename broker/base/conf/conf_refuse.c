#include "base/conf/conf_load.h"

#include "base/format.h"

#include <stdarg.h>
#include <stdio.h>

plv_err_t plv_conf_refuse (const plv_conf_load_t *self, const config_setting_t *setting,
                           const char *path, const char *format, ...)
{
    char words[PLV_FAIL_TEXT_BYTES];
    char line[16] = "";
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (words, sizeof words, format, arguments);
    va_end (arguments);
    if (setting)
        snprintf (line, sizeof line, ":%u", config_setting_source_line (setting));
    return plv_fail (self->fail, ERR_CONF, "%s%s: %s: %s", self->conf->file, line, path, words);
}
