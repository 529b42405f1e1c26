#include "shell/inspect.h"

#include "base/alloc.h"
#include "base/build.h"
#include "base/near.h"
#include "shell/adapters/host_home.h"
#include "shell/adapters/host_process.h"
#include "shell/adapters/plugin_file.h"
#include "shell/inspect_child.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { HOST_REFUSED_CONF = 88, NAME_BYTES = 65 }; /* of plugins/host/exit.def */

inspect_t inspect_of (const plv_conf_t *conf, const char *plugins)
{
    const char *dir = conf->plugins_dir[0] ? conf->plugins_dir : plv_build_plugin_dir;
    return (inspect_t){
        .dir = plugins ? plugins : dir,
        .program = conf->plugins_host[0] ? conf->plugins_host : plv_build_host_path,
    };
}

/* ------------------------------------------------------------------ the directory */

typedef struct {
    struct dirent **entries;
    int count;
} files_t;

static int is_plugin (const struct dirent *entry)
{
    size_t size = strlen (entry->d_name);
    return size > 3 && size < NAME_BYTES + 3 && strcmp (entry->d_name + size - 3, ".so") == 0;
}

/*  The plugins, as their adapters are called.  */
static files_t files_of (const inspect_t *self)
{
    files_t files = {0};
    files.count = scandir (self->dir, &files.entries, is_plugin, alphasort);
    for (int at = 0; at < files.count; at++)
        *strrchr (files.entries[at]->d_name, '.') = 0;
    return files;
}

static void free_files (files_t *files)
{
    for (int at = 0; at < files->count; at++)
        free (files->entries[at]);
    free (files->entries);
}

/*  What palaver-adapter says of one plugin.  */
static plv_err_t look (const inspect_t *self, const plv_conf_t *conf, const char *name,
                       const char *mode, plv_buf_t *ret_output, int *ret_status,
                       plv_fail_t *ret_fail)
{
    plv_buf_t section = {0};
    char plugin[4096];
    snprintf (plugin, sizeof plugin, "%s/%s.so", self->dir, name);
    plv_err_t err = plugin_file_name (plugin + strlen (self->dir) + 1, ret_fail);
    if (err)
        return err;
    plv_conf_adapter_section (conf->plugins_raw, name, &section);
    plv_buf_check (&section);
    char **environment = host_home_environment (conf->plugins_raw, name);
    const inspect_child_t child = {
        .program = self->program,
        .mode = mode,
        .plugin = plugin,
        .name = name,
        .conf_name = conf->file[0] ? conf->file : "the defaults",
        .section = plv_buf_view (&section),
        .environment = environment,
    };
    err = inspect_child_run (&child, ret_output, ret_status, ret_fail);
    free (environment);
    plv_buf_free (&section);
    return err;
}

/* ------------------------------------------------------------------ checking */

static plv_view_t first_line (const plv_buf_t *output)
{
    const uint8_t *end = output->size ? memchr (output->data, '\n', output->size) : NULL;
    return plv_view (output->data, end ? (size_t) (end - output->data) : output->size);
}

/*  A plugin that would be refused is no fault of the configuration: it is said.  */
static plv_err_t check (const inspect_t *self, const plv_conf_t *conf, const char *name,
                        FILE *notes, plv_fail_t *ret_fail)
{
    plv_buf_t output = {0};
    plv_fail_t fail;
    int status = 0;
    char how[128];
    plv_err_t err = look (self, conf, name, "--check-conf", &output, &status, &fail);
    plv_view_t line = first_line (&output);
    host_status_text (status, how, sizeof how);
    if (err)
        fprintf (notes, "adapters.%s: not checked: %s\n", name, fail.text);
    else if (WIFEXITED (status) && WEXITSTATUS (status) == HOST_REFUSED_CONF)
        err = plv_fail (ret_fail, ERR_CONF, PLV_VIEW_FMT, PLV_VIEW_ARG (line));
    else if (status)
        fprintf (notes,
                 "adapters.%s: not checked, its plugin would be refused: %s: " PLV_VIEW_FMT "\n",
                 name, how, PLV_VIEW_ARG (line));
    plv_buf_free (&output);
    return err == ERR_CONF ? err : ERR_OK;
}

typedef struct {
    const inspect_t *self;
    const files_t *files;
    FILE *notes;
} groups_t;

/*  `key` is what names the plugin.  */
static void note_no_plugin (const groups_t *groups, const char *key, const char *group)
{
    plv_near_t near = plv_near (plv_view_str (group));
    for (int at = 0; at < groups->files->count; at++) {
        const char *name = groups->files->entries[at]->d_name;
        if (strcmp (name, group) == 0)
            return;
        plv_near_offer (&near, plv_view_str (name));
    }
    fprintf (groups->notes, "%s%s has no plugin %s.so", key, groups->self->dir, group);
    if (near.best.size)
        fprintf (groups->notes, "; did you mean " PLV_VIEW_FMT "?", PLV_VIEW_ARG (near.best));
    fputs ("\n", groups->notes);
}

static void note_without_plugin (void *arg, const char *group)
{
    char key[NAME_BYTES + 32];
    snprintf (key, sizeof key, "adapters.%s: not checked: ", group);
    note_no_plugin (arg, key, group);
}

plv_err_t inspect_check (const inspect_t *self, const plv_conf_t *conf, FILE *notes,
                         plv_fail_t *ret_fail)
{
    files_t files = files_of (self);
    groups_t groups = {.self = self, .files = &files, .notes = notes};
    plv_err_t err = ERR_OK;
    for (int at = 0; !err && at < files.count; at++)
        err = check (self, conf, files.entries[at]->d_name, notes, ret_fail);
    if (!err)
        plv_conf_adapter_names (conf->plugins_raw, note_without_plugin, &groups);
    for (size_t at = 0; !err && at < conf->plugins_off.count; at++)
        note_no_plugin (&groups, "plugins.off: ", conf->plugins_off.items[at]);
    free_files (&files);
    return err;
}

/* ------------------------------------------------------------------ printing */

/*  False: it has no key table that could be shown.  */
static bool print_one (const inspect_t *self, const plv_conf_t *conf, const char *name, FILE *out,
                       FILE *notes)
{
    plv_buf_t output = {0};
    plv_fail_t fail;
    int status = 0;
    plv_err_t err = look (self, conf, name, "--print-keys", &output, &status, &fail);
    bool good = !err && status == 0;
    if (good)
        fwrite (output.data, 1, output.size, out);
    else
        fprintf (notes, "adapters.%s: its keys are not known: " PLV_VIEW_FMT "\n", name,
                 PLV_VIEW_ARG (err ? plv_view_str (fail.text) : first_line (&output)));
    plv_buf_free (&output);
    return good;
}

typedef struct {
    const plv_conf_t *conf;
    const plv_buf_t *shown; /* names, each ended by NUL */
    FILE *out;
} rest_t;

/*  A group as it stands in the file, on one line.  */
static void print_raw (void *arg, const char *name)
{
    const rest_t *rest = arg;
    plv_buf_t section = {0};
    for (size_t at = 0; at < rest->shown->size; at += strlen ((char *) rest->shown->data + at) + 1)
        if (strcmp ((char *) rest->shown->data + at, name) == 0)
            return;
    plv_conf_adapter_members (rest->conf->plugins_raw, name, &section);
    plv_buf_check (&section);
    fprintf (rest->out, "    " PLV_VIEW_FMT "\n", PLV_VIEW_ARG (plv_buf_view (&section)));
    plv_buf_free (&section);
}

void inspect_print (const inspect_t *self, const plv_conf_t *conf, FILE *out, FILE *notes)
{
    files_t files = files_of (self);
    plv_buf_t shown = {0};
    rest_t rest = {.conf = conf, .shown = &shown, .out = out};
    plv_conf_print_head (conf, out);
    fputs ("adapters = {\n", out);
    for (int at = 0; at < files.count; at++) {
        const char *name = files.entries[at]->d_name;
        if (print_one (self, conf, name, out, notes))
            plv_buf_add (&shown, name, strlen (name) + 1);
    }
    plv_buf_check (&shown);
    plv_conf_adapter_names (conf->plugins_raw, print_raw, &rest);
    fputs ("};\n", out);
    plv_buf_free (&shown);
    free_files (&files);
}
