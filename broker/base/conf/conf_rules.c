#include "base/conf/conf_load.h"
#include "base/conf/conf_value.h"

#include <ctype.h>
#include <inttypes.h>

/*  One key is at least so many times another.  */
static const struct {
    const char *path;
    size_t offset;
    int times;
    const char *other;
    size_t other_offset;
} at_least[] = {
    {"agents.timeout_ms", offsetof (plv_conf_t, agents_timeout_ms), 2, "agents.heartbeat_ms",
     offsetof (plv_conf_t, agents_heartbeat_ms)},
    {"agents.backoff_max_ms", offsetof (plv_conf_t, agents_backoff_max_ms), 1, "agents.backoff_ms",
     offsetof (plv_conf_t, agents_backoff_ms)},
    {"delivery.backoff_max_ms", offsetof (plv_conf_t, delivery_backoff_max_ms), 1,
     "delivery.backoff_ms", offsetof (plv_conf_t, delivery_backoff_ms)},
};

static int64_t number_at (const plv_conf_t *conf, size_t offset)
{
    return *(const int64_t *) (const void *) ((const char *) conf + offset);
}

static plv_err_t check_at_least (const plv_conf_load_t *self)
{
    for (size_t at = 0; at < sizeof at_least / sizeof at_least[0]; at++) {
        int64_t value = number_at (self->conf, at_least[at].offset);
        int64_t least = number_at (self->conf, at_least[at].other_offset) * at_least[at].times;
        if (value >= least)
            continue;
        /*  Either may be the default: the line is that of the one that the file has.  */
        const config_setting_t *setting = config_lookup (self->tree, at_least[at].path);
        if (!setting)
            setting = config_lookup (self->tree, at_least[at].other);
        return plv_conf_refuse (self, setting, at_least[at].path,
                                "%" PRId64
                                " is less than %d times %s, which makes it at least %" PRId64,
                                value, at_least[at].times, at_least[at].other, least);
    }
    return ERR_OK;
}

/*  tcp://ADDRESS:PORT, with a port from 1 to 65535 or * for any.  */
static bool is_tcp_address (const char *text)
{
    if (strncmp (text, "tcp://", 6) != 0)
        return false;
    const char *port = strrchr (text + 6, ':');
    if (!port || port == text + 6)
        return false;
    port++;
    if (strcmp (port, "*") == 0)
        return true;
    unsigned number = 0;
    size_t digits = 0;
    for (; isdigit ((unsigned char) port[digits]) && digits < 6; digits++)
        number = number * 10 + (unsigned) (port[digits] - '0');
    return digits && !port[digits] && number >= 1 && number <= 65535;
}

/*  A shell would have put the home there; a directory named ~ is made where nobody looks for it.  */
static plv_err_t check_paths (const plv_conf_load_t *self)
{
    static const char *const keys[] = {"data.dir",    "run.dir",      "listen.keys",
                                       "plugins.dir", "plugins.host", "dead.export"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *path = "";
        config_lookup_string (self->tree, keys[i], &path);
        if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
            return plv_conf_refuse (self, config_lookup (self->tree, keys[i]), keys[i],
                                    "a leading ~ stands for nothing here: write the path from /");
    }
    return ERR_OK;
}

plv_err_t plv_conf_check_rules (const plv_conf_load_t *self)
{
    const char *agents = self->conf->listen_agents;
    plv_err_t err = check_paths (self);
    if (err)
        return err;
    if (*agents && !is_tcp_address (agents))
        return plv_conf_refuse (
            self, config_lookup (self->tree, "listen.agents"), "listen.agents",
            "takes tcp://ADDRESS:PORT, with a port from 1 to 65535, or nothing");
    return check_at_least (self);
}
