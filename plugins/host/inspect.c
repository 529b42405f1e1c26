#include "host/inspect.h"

#include "base/alloc.h"
#include "base/conf/conf_value.h"
#include "host/isolation/isolation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ keys as palaverd --print-conf has them */

static void print_quoted (FILE *out, const char *text)
{
    plv_buf_t quoted = {0};
    plv_conf_quote (text, &quoted);
    plv_buf_check (&quoted);
    fwrite (quoted.data, 1, quoted.size, out);
    plv_buf_free (&quoted);
}

static void print_standard (FILE *out, const pal_key_t *key)
{
    if (key->type == PAL_KEY_INT)
        fprintf (out, "%" PRId64, key->number);
    else if (key->type == PAL_KEY_BOOL)
        fputs (key->number ? "true" : "false", out);
    else
        print_quoted (out, key->type == PAL_KEY_TEXT && key->text ? key->text : "");
}

/*  What the file says, a secret by its reference.  */
static void print_value (FILE *out, const config_setting_t *value)
{
    if (config_setting_type (value) == CONFIG_TYPE_STRING)
        print_quoted (out, config_setting_get_string (value));
    else if (config_setting_type (value) == CONFIG_TYPE_BOOL)
        fputs (config_setting_get_bool (value) ? "true" : "false", out);
    else
        fprintf (out, "%lld", config_setting_get_int64 (value));
}

static void print_key (FILE *out, const pal_key_t *key, const config_setting_t *value)
{
    fprintf (out, "        # %s", key->meaning ? key->meaning : "");
    if (key->type == PAL_KEY_INT)
        fprintf (out, " (%" PRId64 " to %" PRId64 ")", key->min, key->max);
    else if (key->type == PAL_KEY_SECRET)
        fputs (" (a secret: env:NAME or file:PATH)", out);
    if (value) {
        fputs ("; default: ", out);
        print_standard (out, key);
    }
    fprintf (out, "\n        %s%s = ", value ? "" : "# ", key->name);
    if (value)
        print_value (out, value);
    else
        print_standard (out, key);
    fputs (";\n", out);
}

static void print_keys (FILE *out, const char *name, const plugin_t *plugin,
                        const section_t *section)
{
    const pal_adapter_t *adapter = plugin_adapter (plugin);
    const config_setting_t *group = section_group (section);
    pal_key_t key;
    fprintf (out, "    # %s %s, platform %s\n    %s = {\n", adapter->name, adapter->version,
             adapter->platform, name);
    for (size_t at = 0; plugin_row (plugin, at, &key); at++)
        print_key (out, &key, group ? config_setting_get_member (group, key.name) : NULL);
    fputs ("    };\n", out);
}

/* ------------------------------------------------------------------ looking */

static host_exit_t say (host_exit_t code, const plv_fail_t *fail)
{
    printf ("%s\n", fail->text);
    return code;
}

static host_exit_t check (const plugin_t *plugin, const section_t *section)
{
    settings_t *settings = NULL;
    plv_fail_t fail;
    if (settings_load (section, plugin, &settings, &fail))
        return say (HOST_EXIT_REFUSED_CONF, &fail);
    settings_destroy (&settings);
    return HOST_EXIT_OK;
}

static host_exit_t load (const host_options_t *options, const section_t *section)
{
    const isolation_t isolation = {
        .user = options->user, .strict = true, .plugin = options->plugin, .section = section};
    isolation_words_t words;
    plugin_t *plugin = NULL;
    plv_fail_t fail;
    if (isolation_enter (&isolation, &words, &fail))
        return say (HOST_EXIT_HOST, &fail);
    host_exit_t code = plugin_load (options->plugin, &plugin, &fail);
    if (code)
        return say (code, &fail);
    if (options->check)
        code = check (plugin, section);
    if (options->print)
        print_keys (stdout, options->name, plugin, section);
    plugin_destroy (&plugin);
    return code;
}

host_exit_t inspect_run (const host_options_t *options)
{
    section_t *section = NULL;
    plv_fail_t fail;
    if (section_load (options->conf, options->conf_name, options->name, &section, &fail))
        return say (HOST_EXIT_REFUSED_CONF, &fail);
    host_exit_t code = load (options, section);
    section_destroy (&section);
    return code;
}
