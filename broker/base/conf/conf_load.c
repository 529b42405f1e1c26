#include "base/conf/conf_load.h"

#include "base/conf/conf_syntax.h"
#include "base/conf/conf_value.h"
#include "base/format.h"

#include <errno.h>
#include <sys/stat.h>

static plv_err_t unknown_key (const plv_conf_load_t *self, const config_setting_t *setting,
                              const char *path)
{
    plv_near_t near = plv_near (plv_view_str (path));
    plv_conf_key_offer (plv_conf_table (), &near);
    plv_near_offer (&near, plv_view_str ("routes"));
    plv_near_offer (&near, plv_view_str ("adapters"));
    if (near.best.size)
        return plv_conf_refuse (self, setting, path, "unknown key; did you mean %.*s?",
                                PLV_VIEW_ARG (near.best));
    return plv_conf_refuse (self, setting, path, "unknown key");
}

static plv_err_t load_group (const plv_conf_load_t *self, const config_setting_t *group,
                             const char *path);

static plv_err_t load_member (const plv_conf_load_t *self, const config_setting_t *setting,
                              const char *path)
{
    const plv_conf_key_t *key = plv_conf_key_find (plv_conf_table (), path);
    if (key) {
        plv_fail_t why;
        plv_err_t err = plv_conf_value_set (key, self->conf, setting, &why);
        if (strcmp (path, "content.rules") == 0)
            self->conf->rules_line = config_setting_source_line (setting);
        return err ? plv_conf_refuse (self, setting, path, "%s", why.text) : ERR_OK;
    }
    if (strcmp (path, "routes") == 0)
        return plv_conf_load_routes (self, setting);
    if (strcmp (path, "adapters") == 0)
        return plv_conf_load_adapters (self, setting);
    if (!plv_conf_group_known (plv_conf_table (), path))
        return unknown_key (self, setting, path);
    if (!config_setting_is_group (setting))
        return plv_conf_refuse (self, setting, path,
                                "takes a group such as { key = value; }, not %s",
                                plv_conf_type_text (setting));
    return load_group (self, setting, path);
}

/*  As deep as the paths of the table: groups that are not in it are not entered.  */
static plv_err_t load_group (const plv_conf_load_t *self, const config_setting_t *group,
                             const char *path)
{
    plv_err_t err = ERR_OK;
    for (int at = 0; !err && at < config_setting_length (group); at++) {
        const config_setting_t *setting = config_setting_get_elem (group, (unsigned) at);
        char inner[CONF_PATH_BYTES];
        snprintf (inner, sizeof inner, "%s%s%s", path, *path ? "." : "",
                  config_setting_name (setting));
        err = load_member (self, setting, inner);
    }
    return err;
}

plv_err_t plv_conf_load_text (plv_view_t text, const char *file, plv_conf_t **ret_conf,
                              plv_fail_t *ret_fail)
{
    plv_buf_t ready = {0};
    plv_conf_t *conf = NULL;
    config_t tree;
    config_init (&tree);
    plv_err_t err = plv_conf_syntax (file, text, &ready, ret_fail);
    if (err)
        goto done;
    if (!config_read_string (&tree, (const char *) ready.data)) {
        err = plv_fail (ret_fail, ERR_CONF, "%s:%d: %s", file, config_error_line (&tree),
                        config_error_text (&tree));
        goto done;
    }
    conf = plv_conf_new (file);
    plv_conf_load_t load = {.conf = conf, .tree = &tree, .fail = ret_fail};
    err = load_group (&load, config_root_setting (&tree), "");
    if (!err)
        err = plv_conf_check_rules (&load);
    if (err)
        goto done;
    if (!conf->route_count)
        plv_conf_add_default_route (conf);
    *ret_conf = conf;
    conf = NULL;
done:
    plv_conf_destroy (&conf);
    config_destroy (&tree);
    plv_buf_free (&ready);
    return err;
}

/*  The whole file, or the beginning of one that is too large, which is refused for that later.  */
static plv_err_t read_file (const char *file, plv_buf_t *ret_text, plv_fail_t *ret_fail)
{
    FILE *in = fopen (file, "re");
    struct stat stat;
    if (!in || fstat (fileno (in), &stat) < 0) {
        int number = errno;
        if (in)
            fclose (in);
        return plv_fail (ret_fail, plv_err_of_errno (number), "%s: cannot be read: %s", file,
                         strerror (number));
    }
    plv_err_t err = ERR_OK;
    if (!S_ISREG (stat.st_mode)) {
        err = plv_fail (ret_fail, ERR_CONF, "%s: cannot be read: not a regular file", file);
    } else if (plv_buf_reserve (ret_text, CONF_FILE_BYTES_MAX + 1)) {
        ret_text->size = fread (ret_text->data, 1, CONF_FILE_BYTES_MAX + 1, in);
        if (ferror (in))
            err = plv_fail (ret_fail, ERR_IO, "%s: cannot be read: %s", file, strerror (errno));
    }
    fclose (in);
    return err;
}

plv_err_t plv_conf_load (const char *file, plv_conf_t **ret_conf, plv_fail_t *ret_fail)
{
    plv_buf_t text = {0};
    plv_err_t err = read_file (file, &text, ret_fail);
    plv_buf_check (&text);
    if (!err)
        err = plv_conf_load_text (plv_buf_view (&text), file, ret_conf, ret_fail);
    plv_buf_free (&text);
    return err;
}
