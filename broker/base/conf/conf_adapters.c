#include "base/alloc.h"
#include "base/conf/conf_load.h"
#include "base/conf/conf_value.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

typedef struct {
    plv_buf_t *out;
    bool keeps_lines; /* else: one line a key, indented */
    unsigned line;
    int depth;
} writer_t;

static void add_text (writer_t *self, const char *text)
{
    plv_buf_add_view (self->out, plv_view_str (text));
}

/*  Goes to where `setting` is to stand.  */
static void place (writer_t *self, const config_setting_t *setting)
{
    if (self->keeps_lines) {
        if (self->line >= config_setting_source_line (setting))
            add_text (self, " ");
        for (; self->line < config_setting_source_line (setting); self->line++)
            add_text (self, "\n");
    } else {
        add_text (self, "\n");
        for (int at = 0; at < self->depth; at++)
            add_text (self, "    ");
    }
}

static void write_value (writer_t *self, const config_setting_t *setting);

static void write_members (writer_t *self, const config_setting_t *group)
{
    for (int at = 0; at < config_setting_length (group); at++) {
        const config_setting_t *setting = config_setting_get_elem (group, (unsigned) at);
        place (self, setting);
        add_text (self, config_setting_name (setting));
        add_text (self, " = ");
        write_value (self, setting);
        add_text (self, ";");
    }
}

static void write_items (writer_t *self, const config_setting_t *list, const char *marks)
{
    plv_buf_add (self->out, marks, 1);
    for (int at = 0; at < config_setting_length (list); at++) {
        add_text (self, at ? ", " : " ");
        write_value (self, config_setting_get_elem (list, (unsigned) at));
    }
    add_text (self, " ");
    plv_buf_add (self->out, marks + 1, 1);
}

static void write_group (writer_t *self, const config_setting_t *group)
{
    add_text (self, "{");
    self->depth++;
    write_members (self, group);
    self->depth--;
    if (!self->keeps_lines)
        place (self, group);
    add_text (self, "}");
}

static void write_number (writer_t *self, const config_setting_t *setting)
{
    char text[64];
    if (config_setting_type (setting) != CONFIG_TYPE_FLOAT) {
        bool wide = config_setting_type (setting) == CONFIG_TYPE_INT64;
        snprintf (text, sizeof text, "%lld%s", config_setting_get_int64 (setting), wide ? "L" : "");
    } else {
        int size = snprintf (text, sizeof text, "%.17g", config_setting_get_float (setting));
        if (!strpbrk (text, ".e"))
            snprintf (text + size, sizeof text - (size_t) size, ".0");
    }
    add_text (self, text);
}

static void write_value (writer_t *self, const config_setting_t *setting)
{
    switch (config_setting_type (setting)) {
    case CONFIG_TYPE_GROUP:
        write_group (self, setting);
        break;
    case CONFIG_TYPE_ARRAY:
        write_items (self, setting, "[]");
        break;
    case CONFIG_TYPE_LIST:
        write_items (self, setting, "()");
        break;
    case CONFIG_TYPE_BOOL:
        add_text (self, config_setting_get_bool (setting) ? "true" : "false");
        break;
    case CONFIG_TYPE_STRING:
        plv_conf_quote (config_setting_get_string (setting), self->out);
        break;
    default:
        write_number (self, setting);
        break;
    }
}

/*  Bytes that are not text would make a file that cannot be loaded again.  */
static plv_err_t check_texts (const plv_conf_load_t *self, const config_setting_t *setting,
                              const char *path)
{
    plv_fail_t why;
    if (config_setting_type (setting) == CONFIG_TYPE_STRING
        && plv_conf_text_check (config_setting_get_string (setting), &why))
        return plv_conf_refuse (self, setting, path, "%s", why.text);
    plv_err_t err = ERR_OK;
    if (config_setting_is_aggregate (setting))
        for (int at = 0; !err && at < config_setting_length (setting); at++)
            err = check_texts (self, config_setting_get_elem (setting, (unsigned) at), path);
    return err;
}

static plv_err_t check_adapter (const plv_conf_load_t *self, const config_setting_t *setting)
{
    char path[CONF_PATH_BYTES];
    snprintf (path, sizeof path, "adapters.%s", config_setting_name (setting));
    if (!config_setting_is_group (setting))
        return plv_conf_refuse (self, setting, path,
                                "takes a group such as { key = value; }, not %s",
                                plv_conf_type_text (setting));
    if (strlen (config_setting_name (setting)) > NAME_BYTES_MAX)
        return plv_conf_refuse (self, setting, path, "the name is longer than %d bytes",
                                NAME_BYTES_MAX);
    return check_texts (self, setting, path);
}

plv_err_t plv_conf_load_adapters (const plv_conf_load_t *self, const config_setting_t *group)
{
    if (!config_setting_is_group (group))
        return plv_conf_refuse (self, group, "adapters",
                                "takes a group such as { web = { ... }; }, not %s",
                                plv_conf_type_text (group));
    for (int at = 0; at < config_setting_length (group); at++) {
        plv_err_t err = check_adapter (self, config_setting_get_elem (group, (unsigned) at));
        if (err)
            return err;
    }
    plv_buf_t out = {0};
    writer_t writer = {.out = &out, .keeps_lines = true, .line = 1};
    write_members (&writer, group);
    plv_buf_add_u8 (&out, 0);
    plv_buf_check (&out);
    free (self->conf->plugins_raw);
    self->conf->plugins_raw = plv_strdup ((const char *) out.data);
    plv_buf_free (&out);
    return ERR_OK;
}

void plv_conf_print_adapters (const char *plugins_raw, FILE *out)
{
    plv_buf_t text = {0};
    config_t tree;
    config_init (&tree);
    if (config_read_string (&tree, plugins_raw)) {
        writer_t writer = {.out = &text, .depth = 1};
        write_members (&writer, config_root_setting (&tree));
        plv_buf_check (&text);
        if (text.size)
            fwrite (text.data, 1, text.size, out);
    }
    config_destroy (&tree);
    plv_buf_free (&text);
}

/*  The group of `name` in a tree that is to be destroyed in any case; NULL: none.  */
static config_setting_t *read_group (const char *plugins_raw, const char *name, config_t *tree)
{
    config_init (tree);
    if (!config_read_string (tree, plugins_raw))
        return NULL;
    return config_setting_get_member (config_root_setting (tree), name);
}

void plv_conf_adapter_section (const char *plugins_raw, const char *name, plv_buf_t *out)
{
    config_t tree;
    writer_t writer = {.out = out, .keeps_lines = true, .line = 1};
    const config_setting_t *group = read_group (plugins_raw, name, &tree);
    if (group) {
        add_text (&writer, "adapters = {");
        place (&writer, group);
        add_text (&writer, name);
        add_text (&writer, " = ");
        write_value (&writer, group);
        add_text (&writer, "; };\n");
    }
    config_destroy (&tree);
}

/*  A writer that never goes to another line.  */
void plv_conf_adapter_members (const char *plugins_raw, const char *name, plv_buf_t *out)
{
    config_t tree;
    writer_t writer = {.out = out, .keeps_lines = true, .line = UINT_MAX};
    const config_setting_t *group = read_group (plugins_raw, name, &tree);
    if (group) {
        add_text (&writer, name);
        add_text (&writer, " = ");
        write_value (&writer, group);
        add_text (&writer, ";");
    }
    config_destroy (&tree);
}

static void tell_texts (const config_setting_t *setting, void (*text) (void *arg, const char *text),
                        void *arg)
{
    if (config_setting_type (setting) == CONFIG_TYPE_STRING)
        text (arg, config_setting_get_string (setting));
    if (config_setting_is_aggregate (setting))
        for (int at = 0; at < config_setting_length (setting); at++)
            tell_texts (config_setting_get_elem (setting, (unsigned) at), text, arg);
}

void plv_conf_adapter_texts (const char *plugins_raw, const char *name,
                             void (*text) (void *arg, const char *text), void *arg)
{
    config_t tree;
    const config_setting_t *group = read_group (plugins_raw, name, &tree);
    if (group)
        tell_texts (group, text, arg);
    config_destroy (&tree);
}

void plv_conf_adapter_names (const char *plugins_raw, void (*name) (void *arg, const char *name),
                             void *arg)
{
    config_t tree;
    config_init (&tree);
    if (config_read_string (&tree, plugins_raw))
        for (int at = 0; at < config_setting_length (config_root_setting (&tree)); at++)
            name (arg, config_setting_name (
                           config_setting_get_elem (config_root_setting (&tree), (unsigned) at)));
    config_destroy (&tree);
}
