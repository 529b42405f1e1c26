#include "shell/internal.h"

#include "base/build.h"
#include "wire/mp.h"

#include <stdlib.h>
#include <unistd.h>

const char *broker_plugin_dir (const broker_t *self, const plv_conf_t *conf)
{
    if (self->options->plugins)
        return self->options->plugins;
    return conf->plugins_dir[0] ? conf->plugins_dir : plv_build_plugin_dir;
}

supervisor_conf_t broker_adapters_conf (const plv_conf_t *conf)
{
    return (supervisor_conf_t){
        .file = conf->file,
        .adapters = conf->plugins_raw,
        .user = conf->plugins_user,
        .hang_ms = (uint32_t) conf->plugins_hang_s * 1000,
        .off = (const char *const *) conf->plugins_off.items,
        .off_count = conf->plugins_off.count,
    };
}

static void put_path (plv_buf_t *map, const char *key, const char *path)
{
    char *whole = *path ? realpath (path, NULL) : NULL;
    plv_mp_put_text (map, key);
    plv_mp_put_text (map, whole ? whole : path);
    free (whole);
}

/*  Where everything is, for tools: they may run elsewhere, and with another configuration.  */
void broker_describe (broker_t *self)
{
    const plv_conf_t *conf = core_conf (self->core);
    plv_buf_t map = {0};
    plv_mp_put_map (&map, 5);
    plv_mp_pair_i64 (&map, "pid", getpid ());
    put_path (&map, "conf", conf->file);
    put_path (&map, "data", self->paths.data);
    put_path (&map, "run", self->paths.run);
    put_path (&map, "plugins", broker_plugin_dir (self, conf));
    plv_buf_check (&map);
    core_describe (self->core, plv_buf_view (&map));
    plv_buf_free (&map);
}
