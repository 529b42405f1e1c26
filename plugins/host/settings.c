#include "host/settings.h"

#include "base/near.h"

#include <inttypes.h>
#include <libconfig.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pal_key_t key;
    int64_t number;
    char *text;
} setting_t;

struct settings {
    setting_t *items;
    size_t count;
};

/* ------------------------------------------------------------------ one value */

static plv_err_t read_int (setting_t *self, const config_setting_t *value, plv_fail_t *ret_fail)
{
    int type = config_setting_type (value);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return plv_fail (ret_fail, ERR_CONF, "takes a whole number");
    long long number = config_setting_get_int64 (value);
    if (type == CONFIG_TYPE_INT)
        number = config_setting_get_int (value);
    if (number < self->key.min || number > self->key.max)
        return plv_fail (ret_fail, ERR_CONF, "takes %" PRId64 " to %" PRId64, self->key.min,
                         self->key.max);
    self->number = number;
    return ERR_OK;
}

static plv_err_t read_text (setting_t *self, const config_setting_t *value,
                            const section_t *section, plv_fail_t *ret_fail)
{
    const char *text = config_setting_get_string (value);
    if (!text)
        return plv_fail (ret_fail, ERR_CONF, "takes a text in double quotes");
    if (self->key.type == PAL_KEY_SECRET && *text) {
        plv_err_t err = section_secret (section, text, &text, ret_fail);
        if (err)
            return err;
    }
    char *copy = strdup (text);
    if (!copy)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    free (self->text);
    self->text = copy;
    return ERR_OK;
}

static plv_err_t read_value (setting_t *self, const config_setting_t *value,
                             const section_t *section, plv_fail_t *ret_fail)
{
    switch (self->key.type) {
    case PAL_KEY_INT:
        return read_int (self, value, ret_fail);
    case PAL_KEY_BOOL:
        if (config_setting_type (value) != CONFIG_TYPE_BOOL)
            return plv_fail (ret_fail, ERR_CONF, "takes true or false");
        self->number = config_setting_get_bool (value);
        return ERR_OK;
    case PAL_KEY_TEXT:
    case PAL_KEY_SECRET:
        break;
    }
    return read_text (self, value, section, ret_fail);
}

/* ------------------------------------------------------------------ the table */

static setting_t *find (const settings_t *self, const char *key)
{
    for (size_t at = 0; at < self->count; at++) {
        if (strcmp (self->items[at].key.name, key) == 0)
            return &self->items[at];
    }
    return NULL;
}

static plv_err_t unknown (const settings_t *self, const char *key, plv_fail_t *ret_fail)
{
    plv_near_t near = plv_near (plv_view_str (key));
    for (size_t at = 0; at < self->count; at++)
        plv_near_offer (&near, plv_view_str (self->items[at].key.name));
    if (!near.best.size)
        return plv_fail (ret_fail, ERR_CONF, "no such key");
    return plv_fail (ret_fail, ERR_CONF, "no such key; did you mean " PLV_VIEW_FMT "?",
                     PLV_VIEW_ARG (near.best));
}

static plv_err_t read_group (settings_t *self, const section_t *section, plv_fail_t *ret_fail)
{
    const config_setting_t *group = section_group (section);
    for (int at = 0; at < config_setting_length (group); at++) {
        config_setting_t *value = config_setting_get_elem (group, (unsigned) at);
        const char *key = config_setting_name (value);
        setting_t *setting = find (self, key);
        plv_err_t err;
        if (setting) {
            err = read_value (setting, value, section, ret_fail);
        } else {
            err = unknown (self, key, ret_fail);
        }
        if (err) {
            return plv_fail_context (ret_fail, "%s:%u: adapters.%s.%s", section_file (section),
                                     config_setting_source_line (value),
                                     config_setting_name (group), key);
        }
    }
    return ERR_OK;
}

static bool fill (setting_t *self, pal_key_t key)
{
    bool texts = key.type == PAL_KEY_TEXT || key.type == PAL_KEY_SECRET;
    self->key = key;
    self->number = key.number;
    self->text = texts ? strdup (key.type == PAL_KEY_TEXT && key.text ? key.text : "") : NULL;
    return self->text || !texts;
}

static settings_t *settings_new (const plugin_t *plugin)
{
    size_t count = 0;
    pal_key_t key;
    while (plugin_row (plugin, count, &key))
        count++;
    settings_t *self = calloc (1, sizeof *self);
    if (self)
        self->items = calloc (count, sizeof *self->items);
    bool good = self && self->items;
    for (size_t at = 0; good && plugin_row (plugin, at, &key); at++) {
        good = fill (&self->items[at], key);
        self->count++;
    }
    if (!good)
        settings_destroy (&self);
    return self;
}

plv_err_t settings_load (const section_t *section, const plugin_t *plugin,
                         settings_t **ret_settings, plv_fail_t *ret_fail)
{
    settings_t *self = settings_new (plugin);
    plv_err_t err = self ? ERR_OK : plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    if (!err && section_group (section))
        err = read_group (self, section, ret_fail);
    if (err)
        settings_destroy (&self);
    else
        *ret_settings = self;
    return err;
}

void settings_destroy (settings_t **self_p)
{
    settings_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->count; at++) {
        if (self->items[at].text)
            sodium_memzero (self->items[at].text, strlen (self->items[at].text));
        free (self->items[at].text);
    }
    free (self->items);
    free (self);
    *self_p = NULL;
}

const pal_key_t *settings_key (const settings_t *self, const char *key)
{
    const setting_t *setting = find (self, key);
    return setting ? &setting->key : NULL;
}

int64_t settings_int (const settings_t *self, const char *key)
{
    const setting_t *setting = find (self, key);
    return setting && setting->key.type == PAL_KEY_INT ? setting->number : 0;
}

bool settings_bool (const settings_t *self, const char *key)
{
    const setting_t *setting = find (self, key);
    return setting && setting->key.type == PAL_KEY_BOOL && setting->number;
}

const char *settings_text (const settings_t *self, const char *key)
{
    const setting_t *setting = find (self, key);
    return setting && setting->text ? setting->text : "";
}
