#include "shell/internal.h"

#include "base/alloc.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*  Agents on other machines: TCP, always with CURVE. Who is let in is a folder of public keys, which czmq's
    authenticator watches; the broker's own certificate lies beside it.  */

enum { LOOK_US = 1000000 };

/*  What `palaver keys` makes belongs to who has called it.  */
static plv_err_t unreadable (const char *path, const char *keys, plv_fail_t *ret_fail)
{
    int error = errno;
    const struct passwd *user = getpwuid (geteuid ());
    if (error == EACCES)
        return plv_fail (
            ret_fail, ERR_PERM,
            "listen.keys: %s: the broker runs as %s and may not read it: chown -R %s %s", path,
            user ? user->pw_name : "another user", user ? user->pw_name : "USER", keys);
    return plv_fail (ret_fail, plv_err_of_errno (error),
                     "listen.keys: %s: %s; make one with: palaver keys new broker --keys %s", path,
                     strerror (error), keys);
}

static plv_err_t load_cert (const char *keys, zcert_t **ret_cert, plv_fail_t *ret_fail)
{
    char *secret = NULL;
    struct stat info;
    plv_err_t err = ERR_OK;
    if (asprintf (&secret, "%s/broker.cert_secret", keys) < 0)
        plv_out_of_memory (strlen (keys));
    if (access (secret, R_OK) || stat (secret, &info)) {
        err = unreadable (secret, keys, ret_fail);
        goto done;
    }
    if (info.st_mode & 077) {
        err = plv_fail (ret_fail, ERR_PERM, "listen.keys: %s: others may read it; chmod 600 %s",
                        secret, secret);
        goto done;
    }
    *ret_cert = zcert_load (secret);
    if (!*ret_cert)
        err =
            plv_fail (ret_fail, ERR_CONF, "listen.keys: %s: this is no CURVE certificate", secret);
done:
    free (secret);
    return err;
}

static plv_err_t start_auth (broker_t *self, const char *keys, plv_fail_t *ret_fail)
{
    char *allowed = NULL;
    if (asprintf (&allowed, "%s/agents", keys) < 0)
        plv_out_of_memory (strlen (keys));
    self->auth = zactor_new (zauth, NULL);
    if (!self->auth) {
        free (allowed);
        return plv_fail (ret_fail, ERR_IO, "listen.agents: the authenticator could not be started");
    }
    if (access (allowed, R_OK | X_OK)
        && errno == EACCES) { /* it would let nobody in, without a word */
        plv_err_t err = unreadable (allowed, keys, ret_fail);
        free (allowed);
        return err;
    }
    zstr_sendx (self->auth, "CURVE", allowed, NULL);
    zsock_wait (self->auth);
    free (allowed);
    return ERR_OK;
}

static bool may_be_heard (void *arg, const char *key)
{
    broker_t *self = arg;
    return zcertstore_lookup (self->let_in, key) != NULL;
}

static void bar (void *arg, uint32_t peer, const char *key)
{
    broker_t *self = arg;
    plv_log (self->log, LOG_PEER_BARRED, F_STR ("key", key));
    turn_lost (self, peer);
}

/*  The authenticator looks at the keys when somebody connects, and never again.  */
void remote_step (broker_t *self, int64_t now_us)
{
    struct stat info;
    if (!self->let_in || now_us < self->let_in_next_us)
        return;
    self->let_in_next_us = now_us + LOOK_US;
    if (stat (self->let_in_dir, &info))
        memset (&info, 0, sizeof info); /* without a directory nobody is let in */
    if (memcmp (&info.st_mtim, &self->let_in_at, sizeof info.st_mtim) == 0)
        return;
    self->let_in_at = info.st_mtim;
    links_review (self->links, bar, self);
}

void remote_reload (broker_t *self)
{
    memset (&self->let_in_at, 0xff, sizeof self->let_in_at);
    self->let_in_next_us = 0;
}

static void guard (broker_t *self, const char *keys)
{
    struct stat info;
    if (asprintf (&self->let_in_dir, "%s/agents", keys) < 0)
        plv_out_of_memory (strlen (keys));
    if (stat (self->let_in_dir, &info) == 0)
        self->let_in_at = info.st_mtim;
    self->let_in = zcertstore_new (self->let_in_dir);
    if (!self->let_in)
        plv_out_of_memory (sizeof *self);
    links_set_guard (self->links, may_be_heard, self);
}

plv_err_t remote_open (broker_t *self, const plv_conf_t *conf, plv_fail_t *ret_fail)
{
    if (!conf->listen_agents[0])
        return ERR_OK;
    if (strncmp (conf->listen_agents, "tcp://", 6) != 0)
        return plv_fail (ret_fail, ERR_CONF, "%s: listen.agents: \"%s\" is not tcp://ADDRESS:PORT",
                         conf->file, conf->listen_agents);
    char *keys = paths_beside (conf->file, conf->listen_keys);
    plv_err_t err = load_cert (keys, &self->cert, ret_fail);
    if (!err)
        err = start_auth (self, keys, ret_fail);
    if (!err)
        guard (self, keys);
    if (!err)
        err = links_bind (self->links, conf->listen_agents, FROM_WORKER, self->cert, ret_fail);
    free (keys);
    return err;
}

void remote_close (broker_t *self)
{
    zactor_destroy (&self->auth);
    zcert_destroy (&self->cert);
    zcertstore_destroy (&self->let_in);
    free (self->let_in_dir);
}
