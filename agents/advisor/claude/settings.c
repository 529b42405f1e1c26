#include "advisor/claude/settings.h"

#include "base/conf/conf.h"

#include <libconfig.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC_BASE "https://api.anthropic.com"
#define STANDARD_KEY "env:ANTHROPIC_API_KEY"

typedef enum { IS_TEXT, IS_NUMBER, IS_MONEY, IS_SWITCH } kind_t;

typedef struct {
    const char *name;
    kind_t kind;
    size_t offset;
    const char *text;
    double value;
    double least;
    double most;
    const char *meaning;
} row_t;

static const row_t ROWS[] = {
#define TEXT(name, standard, meaning)                                                              \
    {#name, IS_TEXT, offsetof (settings_t, name), standard, 0, 0, 0, meaning},
#define NUMBER(name, standard, least, most, meaning)                                               \
    {#name, IS_NUMBER, offsetof (settings_t, name), NULL, standard, least, most, meaning},
#define MONEY(name, standard, meaning)                                                             \
    {#name, IS_MONEY, offsetof (settings_t, name), NULL, standard, 0, 1e9, meaning},
#define SWITCH(name, standard, meaning)                                                            \
    {#name, IS_SWITCH, offsetof (settings_t, name), NULL, standard, 0, 1, meaning},
#include "advisor/claude/settings.def"
#undef TEXT
#undef NUMBER
#undef MONEY
#undef SWITCH
};

enum { ROW_COUNT = sizeof ROWS / sizeof *ROWS };

static void *member (settings_t *self, const row_t *row)
{
    return (char *) self + row->offset;
}

static plv_err_t set_text (settings_t *self, const row_t *row, const char *text,
                           plv_fail_t *ret_fail)
{
    char **at = member (self, row), *copy = strdup (text);
    if (!copy)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    free (*at);
    *at = copy;
    return ERR_OK;
}

static plv_err_t set_value (settings_t *self, const row_t *row, double value, plv_fail_t *ret_fail)
{
    if (!(value >= row->least && value <= row->most))
        return plv_fail (ret_fail, ERR_CONF, "claude.%s: %g is not from %g to %g", row->name, value,
                         row->least, row->most);
    if (row->kind == IS_NUMBER)
        *(int *) member (self, row) = (int) value;
    else if (row->kind == IS_MONEY)
        *(double *) member (self, row) = value;
    else
        *(bool *) member (self, row) = value != 0;
    return ERR_OK;
}

static const row_t *find (const char *name, size_t size)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strlen (ROWS[i].name) == size && memcmp (ROWS[i].name, name, size) == 0)
            return &ROWS[i];
    return NULL;
}

plv_err_t settings_init (settings_t *self, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    *self = (settings_t){0};
    for (size_t i = 0; i < ROW_COUNT && !err; i++)
        err = ROWS[i].kind == IS_TEXT ? set_text (self, &ROWS[i], ROWS[i].text, ret_fail)
                                      : set_value (self, &ROWS[i], ROWS[i].value, ret_fail);
    return err;
}

void settings_free (settings_t *self)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (ROWS[i].kind == IS_TEXT)
            free (*(char **) member (self, &ROWS[i]));
    plv_conf_secret_destroy (&self->secret);
    free (self->url);
    *self = (settings_t){0};
}

static plv_err_t take (settings_t *self, const config_setting_t *setting, plv_fail_t *ret_fail)
{
    const char *name = config_setting_name (setting);
    const row_t *row = find (name, strlen (name));
    int type = config_setting_type (setting);
    bool whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    if (!row)
        return plv_fail (ret_fail, ERR_CONF, "claude.%s: there is no such key", name);
    if (row->kind == IS_TEXT && type == CONFIG_TYPE_STRING)
        return set_text (self, row, config_setting_get_string (setting), ret_fail);
    if (row->kind == IS_SWITCH && type == CONFIG_TYPE_BOOL)
        return set_value (self, row, config_setting_get_bool (setting), ret_fail);
    if (whole && (row->kind == IS_NUMBER || row->kind == IS_MONEY))
        return set_value (self, row, (double) config_setting_get_int64 (setting), ret_fail);
    if (row->kind == IS_MONEY && type == CONFIG_TYPE_FLOAT)
        return set_value (self, row, config_setting_get_float (setting), ret_fail);
    return plv_fail (ret_fail, ERR_CONF, "claude.%s: the value is of another type", name);
}

plv_err_t settings_load (settings_t *self, const char *file, plv_fail_t *ret_fail)
{
    config_t config;
    plv_err_t err = ERR_OK;
    config_init (&config);
    if (!config_read_file (&config, file)) {
        const char *where = config_error_file (&config);
        err = plv_fail (ret_fail, ERR_CONF, "%s:%d: %s", where ? where : file,
                        config_error_line (&config), config_error_text (&config));
        config_destroy (&config);
        return err;
    }
    const config_setting_t *root = config_root_setting (&config);
    for (int i = 0; i < config_setting_length (root) && !err; i++) {
        const config_setting_t *group = config_setting_get_elem (root, (unsigned) i);
        if (strcmp (config_setting_name (group), "claude") != 0 || !config_setting_is_group (group))
            err = plv_fail (ret_fail, ERR_CONF, "%s is not the group claude",
                            config_setting_name (group));
        for (int k = 0; !err && k < config_setting_length (group); k++)
            err = take (self, config_setting_get_elem (group, (unsigned) k), ret_fail);
    }
    config_destroy (&config);
    return err ? plv_fail_context (ret_fail, "%s", file) : ERR_OK;
}

plv_err_t settings_set (settings_t *self, const char *text, plv_fail_t *ret_fail)
{
    const char *equals = strchr (text, '=');
    const row_t *row = equals ? find (text, (size_t) (equals - text)) : NULL;
    char *end;
    if (!row)
        return plv_fail (ret_fail, ERR_CONF, "--set %s: KEY=VALUE with a key of claude is needed",
                         text);
    if (row->kind == IS_TEXT)
        return set_text (self, row, equals + 1, ret_fail);
    if (row->kind == IS_SWITCH && (!strcmp (equals, "=true") || !strcmp (equals, "=false")))
        return set_value (self, row, equals[1] == 't', ret_fail);
    double value = strtod (equals + 1, &end);
    bool whole = value >= -1e9 && value <= 1e9 && value == (double) (long) value;
    if (row->kind == IS_SWITCH || end == equals + 1 || *end || (row->kind == IS_NUMBER && !whole))
        return plv_fail (ret_fail, ERR_CONF, "--set %s: the value is of another type", text);
    return set_value (self, row, value, ret_fail);
}

/*  Without TLS only to this very machine: a key is in each request.  */
static bool good_base (const char *base)
{
    static const char *const LOCAL[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    if (strncmp (base, "https://", 8) == 0 && base[8])
        return true;
    for (size_t i = 0; i < sizeof LOCAL / sizeof *LOCAL; i++) {
        size_t size = strlen (LOCAL[i]);
        if (strncmp (base, LOCAL[i], size) == 0 && strchr (":/", base[size]))
            return true;
    }
    return false;
}

static plv_err_t make_url (settings_t *self, plv_fail_t *ret_fail)
{
    const char *given = getenv ("ANTHROPIC_BASE_URL");
    const char *base = self->base[0] ? self->base : given && *given ? given : PUBLIC_BASE;
    size_t size = strlen (base);
    if (!good_base (base))
        return plv_fail (ret_fail, ERR_CONF,
                         "claude.base: %s: https:// is needed, or http:// to this machine", base);
    while (size && base[size - 1] == '/')
        size--;
    if (asprintf (&self->url, "%.*s/v1/messages", (int) size, base) >= 0)
        return ERR_OK;
    self->url = NULL;
    return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
}

static plv_err_t find_secret (settings_t *self, const char *file, plv_fail_t *ret_fail)
{
    const char *given = getenv ("ANTHROPIC_API_KEY");
    if (!self->key[0] || (!strcmp (self->key, STANDARD_KEY) && (!given || !*given)))
        return ERR_OK;
    if (plv_conf_secret (self->key, file ? file : "", &self->secret, ret_fail))
        return plv_fail_context (ret_fail, "claude.key");
    if (self->secret[strcspn (self->secret, "\r\n")])
        return plv_fail (ret_fail, ERR_CONF, "claude.key: a key is one line");
    return ERR_OK;
}

plv_err_t settings_resolve (settings_t *self, const char *file, plv_fail_t *ret_fail)
{
    if (strcmp (self->auth, "x-api-key") != 0 && strcmp (self->auth, "bearer") != 0)
        return plv_fail (ret_fail, ERR_CONF, "claude.auth: x-api-key or bearer is needed");
    if (self->cache_ttl[0] && strcmp (self->cache_ttl, "5m") && strcmp (self->cache_ttl, "1h"))
        return plv_fail (ret_fail, ERR_CONF, "claude.cache_ttl: 5m, 1h or nothing is needed");
    if (!self->model[0] || !self->version[0])
        return plv_fail (ret_fail, ERR_CONF, "claude.model and claude.version are needed");
    if (self->max_tokens_most < self->max_tokens)
        self->max_tokens_most = self->max_tokens;
    plv_err_t err = find_secret (self, file, ret_fail);
    return err ? err : make_url (self, ret_fail);
}

void settings_print (FILE *out)
{
    fputs (
        "# The advisor's configuration: every key with its default.\n"
        "# It is read from --conf FILE, else from $PALAVER_ADVISOR_CONF, else from advisor.conf beside\n"
        "# the broker's configuration, if it is there.\n\nclaude:\n{\n",
        out);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const row_t *row = &ROWS[i];
        fprintf (out, "    # %s\n", row->meaning);
        if (row->kind == IS_TEXT)
            fprintf (out, "    #%s = \"%s\";\n\n", row->name, row->text);
        else if (row->kind == IS_SWITCH)
            fprintf (out, "    #%s = %s;\n\n", row->name, row->value != 0 ? "true" : "false");
        else if (row->kind == IS_MONEY)
            fprintf (out, "    #%s = %.2f;\n\n", row->name, row->value);
        else
            fprintf (out, "    # from %g to %g\n    #%s = %.0f;\n\n", row->least, row->most,
                     row->name, row->value);
    }
    fputs ("};\n", out);
}
