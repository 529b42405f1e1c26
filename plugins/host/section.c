#include "host/section.h"

#include "base/alloc.h"
#include "base/conf/conf.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    char *reference;
    char *secret; /* NULL: `fail` says why */
    plv_fail_t fail;
} secret_t;

struct section {
    config_t config;
    const config_setting_t *group;
    char *file;
    secret_t *secrets;
    size_t secret_count;
};

/* ------------------------------------------------------------------ reading */

static void resolve (void *arg, const char *text)
{
    section_t *self = arg;
    if (strncmp (text, "env:", 4) != 0 && strncmp (text, "file:", 5) != 0)
        return;
    self->secrets = plv_realloc (self->secrets, (self->secret_count + 1) * sizeof *self->secrets);
    secret_t *secret = &self->secrets[self->secret_count++];
    *secret = (secret_t){.reference = plv_strdup (text)};
    plv_conf_secret (text, self->file, &secret->secret, &secret->fail);
}

/*  The adapter's group, NULL when the file has none. Names may hold what libconfig's paths may not.  */
static plv_err_t find_group (section_t *self, const char *name, plv_fail_t *ret_fail)
{
    const config_setting_t *adapters = config_lookup (&self->config, "adapters");
    if (!adapters)
        return ERR_OK;
    if (!config_setting_is_group (adapters))
        return plv_fail (ret_fail, ERR_CONF, "%s:%u: adapters is no group", self->file,
                         config_setting_source_line (adapters));
    const config_setting_t *group = config_setting_get_member (adapters, name);
    if (group && !config_setting_is_group (group))
        return plv_fail (ret_fail, ERR_CONF, "%s:%u: adapters.%s is no group", self->file,
                         config_setting_source_line (group), name);
    self->group = group;
    return ERR_OK;
}

plv_err_t section_load (const char *file, const char *shown, const char *name,
                        section_t **ret_section, plv_fail_t *ret_fail)
{
    section_t *self = plv_alloc_zero (1, sizeof *self);
    bool given = file && *file;
    plv_err_t err = ERR_OK;
    config_init (&self->config);
    self->file = plv_strdup (shown && *shown ? shown : given ? file : "");
    if (given && !config_read_file (&self->config, file)) {
        const char *source = config_error_file (&self->config);
        bool same = !source || strcmp (source, file) == 0;
        err = plv_fail (ret_fail, ERR_CONF, "%s:%d: %s", same ? self->file : source,
                        config_error_line (&self->config), config_error_text (&self->config));
    }
    if (!err && given)
        err = find_group (self, name, ret_fail);
    if (err) {
        section_destroy (&self);
        return err;
    }
    section_texts (self, resolve, self);
    *ret_section = self;
    return ERR_OK;
}

void section_destroy (section_t **self_p)
{
    section_t *self = *self_p;
    if (!self)
        return;
    for (size_t at = 0; at < self->secret_count; at++) {
        plv_conf_secret_destroy (&self->secrets[at].secret);
        free (self->secrets[at].reference);
    }
    free (self->secrets);
    free (self->file);
    config_destroy (&self->config);
    free (self);
    *self_p = NULL;
}

/* ------------------------------------------------------------------ looking */

const config_setting_t *section_group (const section_t *self)
{
    return self->group;
}

const char *section_file (const section_t *self)
{
    return self->file;
}

plv_err_t section_secret (const section_t *self, const char *reference, const char **ret_secret,
                          plv_fail_t *ret_fail)
{
    for (size_t at = 0; at < self->secret_count; at++) {
        const secret_t *secret = &self->secrets[at];
        if (strcmp (secret->reference, reference) != 0)
            continue;
        if (secret->secret)
            *ret_secret = secret->secret;
        else
            *ret_fail = secret->fail;
        return secret->secret ? ERR_OK : secret->fail.code;
    }
    char *none = NULL; /* it is no reference: the words for that are there already */
    return plv_conf_secret (reference, self->file, &none, ret_fail);
}

int64_t section_int (const section_t *self, const char *key, int64_t standard)
{
    const config_setting_t *value =
        self->group ? config_setting_get_member (self->group, key) : NULL;
    int type = value ? config_setting_type (value) : CONFIG_TYPE_NONE;
    bool whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    return whole ? config_setting_get_int64 (value) : standard;
}

bool section_bool (const section_t *self, const char *key, bool standard)
{
    const config_setting_t *value =
        self->group ? config_setting_get_member (self->group, key) : NULL;
    bool is = value && config_setting_type (value) == CONFIG_TYPE_BOOL;
    return is ? config_setting_get_bool (value) : standard;
}

static void walk (const config_setting_t *setting, void (*text) (void *arg, const char *text),
                  void *arg)
{
    if (config_setting_type (setting) == CONFIG_TYPE_STRING)
        text (arg, config_setting_get_string (setting));
    if (config_setting_is_aggregate (setting))
        for (int at = 0; at < config_setting_length (setting); at++)
            walk (config_setting_get_elem (setting, (unsigned) at), text, arg);
}

void section_texts (const section_t *self, void (*text) (void *arg, const char *text), void *arg)
{
    if (self->group)
        walk (self->group, text, arg);
}
