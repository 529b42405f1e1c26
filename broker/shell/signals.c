#include "shell/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t ours (void)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGHUP);
    return set;
}

void broker_hold_signals (void)
{
    sigset_t set = ours ();
    signal (SIGPIPE, SIG_IGN);
    sigprocmask (SIG_BLOCK, &set, NULL);
}

/*  Signals come as bytes on a descriptor, in the loop; no handler runs anywhere.  */
plv_err_t signals_open (broker_t *self, plv_fail_t *ret_fail)
{
    sigset_t set = ours ();
    if ((self->signals = signalfd (-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
        return plv_fail (ret_fail, ERR_IO, "signals cannot be taken: %s", strerror (errno));
    return ERR_OK;
}

static void start_drain (broker_t *self)
{
    core_now_t now = broker_now ();
    input_t input = {.type = INPUT_DRAIN, .now = now};
    if (self->draining)
        return;
    self->draining = true;
    self->drain_until_us = now.mono_us + core_conf (self->core)->run_drain_s * 1000000;
    plv_log (self->log, LOG_BROKER_STOPPING,
             F_INT ("drain_s", core_conf (self->core)->run_drain_s));
    watch_stopping (self);
    turn_input (self, &input);
}

/*  What is open already cannot be moved by a reload.  */
static const char *needs_restart (const plv_conf_t *old, const plv_conf_t *new)
{
    if (strcmp (old->data_dir, new->data_dir) || old->data_sync != new->data_sync)
        return "data.dir, data.sync";
    if (strcmp (old->run_dir, new->run_dir))
        return "run.dir";
    if (strcmp (old->listen_agents, new->listen_agents)
        || strcmp (old->listen_keys, new->listen_keys))
        return "listen.agents, listen.keys";
    if (strcmp (old->plugins_dir, new->plugins_dir)
        || strcmp (old->plugins_host, new->plugins_host))
        return "plugins.dir, plugins.host";
    return NULL;
}

static plv_err_t load_policy (broker_t *self, policy_t **ret_policy, plv_fail_t *fail)
{
    const plv_conf_t *old = core_conf (self->core);
    plv_conf_t *conf = NULL;
    if (!old->file[0])
        return plv_fail (
            fail, ERR_CONF,
            "the broker was started without a configuration file: there is nothing to read again");
    plv_err_t err = plv_conf_load (old->file, &conf, fail);
    const char *fixed = err ? NULL : needs_restart (old, conf);
    if (fixed)
        err = plv_fail (fail, ERR_CONF, "%s: %s cannot change while the broker runs: restart it",
                        old->file, fixed);
    if (!err)
        err = policy_new (&conf, ret_policy, fail);
    plv_conf_destroy (&conf);
    return err;
}

/*  The new beside the old, and swapped between two turns; the old one stays when anything is wrong.  */
static void reload (broker_t *self)
{
    plv_fail_t fail;
    policy_t *policy = NULL;
    core_now_t now = broker_now ();
    if (load_policy (self, &policy, &fail)) {
        core_metrics (self->core)->counter[COUNTER_CONF_REFUSED]++;
        plv_log (self->log, LOG_CONF_REFUSED, F_STR ("why", fail.text));
        return;
    }
    plv_log_set (self->log, (plv_log_level_t) policy->conf->log_level,
                 (plv_log_format_t) policy->conf->log_format);
    for (int i = 0; i < 2; i++)
        self->effects[i].log_least = (plv_log_level_t) policy->conf->log_level;
    input_t input = {.type = INPUT_POLICY, .now = now, .policy = policy};
    turn_input (self, &input);
    broker_describe (self);
    remote_reload (self);
    supervisor_conf_t adapters = broker_adapters_conf (core_conf (self->core));
    if (self->supervisor)
        supervisor_reload (self->supervisor, &adapters, now.mono_us);
    plv_log (self->log, LOG_CONF_RELOADED, F_STR ("file", core_conf (self->core)->file));
}

void signals_take (broker_t *self)
{
    struct signalfd_siginfo info;
    while (read (self->signals, &info, sizeof info) == (ssize_t) sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload (self);
        else
            start_drain (self);
    }
}
