#include "base/alloc.h"
#include "base/build.h"
#include "palaver/ask/call.h"
#include "palaver/keys.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*  Where listen.keys points by default: beside the installed palaver.conf.  */
static char *keys_dir (const call_t *call)
{
    const char *slash = strrchr (plv_build_conf_path, '/');
    char *path = NULL;
    if (call_has (call, OPTION_KEYS))
        return plv_strdup (call->text[OPTION_KEYS]);
    if (asprintf (&path, "%.*s/keys", (int) (slash ? slash - plv_build_conf_path : 0),
                  plv_build_conf_path)
        < 0)
        plv_out_of_memory (strlen (plv_build_conf_path));
    return path;
}

static void report (const call_t *call, const keys_t *keys, const char *dir)
{
    plv_buf_t map = {0};
    if (call->out.json) {
        plv_mp_put_map (&map, 4);
        plv_mp_pair_text (&map, "name", call->operands[0]);
        plv_mp_pair_text (&map, "public_key", keys->public_key);
        plv_mp_pair_text (&map, "cert", keys->cert);
        plv_mp_pair_text (&map, "secret", keys->secret);
        out_json (plv_buf_view (&map));
    } else if (keys->allowed) {
        say (
            "%s is let in. On its machine, with copies of %s (keep it secret) and %s/broker.cert:\n"
            "PALAVER_AGENTS=tcp://HOST:PORT PALAVER_CERT=%s.cert_secret PALAVER_BROKER_CERT=broker.cert",
            call->operands[0], keys->secret, dir, call->operands[0]);
    } else {
        say ("%s is the broker's secret; agents on other machines get a copy of %s", keys->secret,
             keys->cert);
    }
    plv_buf_free (&map);
}

/*  Most brokers run as a user of their own.  */
static void hint_of_owner (const char *dir)
{
    if (geteuid () == 0)
        say ("they are root's: a broker that runs as another user may read them after chown -R "
             "USER %s",
             dir);
}

ending_t command_keys_new (call_t *call)
{
    plv_fail_t fail;
    keys_t keys;
    char *dir = keys_dir (call);
    plv_err_t err = keys_make (dir, call->operands[0], &keys, &fail);
    if (err)
        say ("%s", fail.text);
    else
        report (call, &keys, dir);
    if (!err) {
        hint_of_owner (dir);
        keys_free (&keys);
    }
    free (dir);
    return err == ERR_ARG ? END_USAGE : err ? END_PARTLY : END_OK;
}
