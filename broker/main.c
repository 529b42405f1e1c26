/*  palaverd -- the broker. Reads its configuration, wires its parts, runs until a signal stops it.  */

#include "base/build.h"
#include "base/conf/conf.h"
#include "base/log/log.h"
#include "base/standard.h"
#include "core/policy/policy.h"
#include "shell/broker.h"
#include "shell/inspect.h"
#include "shell/options.h"

#include <stdio.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static plv_err_t load_conf (const options_t *options, plv_conf_t **ret_conf, plv_fail_t *fail)
{
    const char *file = options->conf;
    if (!file && access (plv_build_conf_path, R_OK) == 0)
        file = plv_build_conf_path;
    return file ? plv_conf_load (file, ret_conf, fail) : plv_conf_defaults (ret_conf, fail);
}

/*  Everything that is wrong with a configuration shows here: the expressions and routes in it, and the keys of
    adapters, as their plugins have them.  */
static plv_err_t check_conf (const options_t *options, plv_conf_t **conf_p, plv_fail_t *fail)
{
    policy_t *policy = NULL;
    char file[512];
    const inspect_t inspect = inspect_of (*conf_p, options->plugins);
    snprintf (file, sizeof file, "%s",
              (*conf_p)->file[0] ? (*conf_p)->file : "the built-in defaults");
    plv_err_t err = inspect_check (&inspect, *conf_p, stderr, fail);
    if (!err)
        err = policy_new (conf_p, &policy, fail);
    if (!err)
        printf ("%s: valid\n", file);
    policy_destroy (&policy);
    return err;
}

static plv_err_t serve (const options_t *options, plv_conf_t **conf_p, plv_log_t *log,
                        plv_fail_t *fail)
{
    broker_t *broker = NULL;
    plv_err_t err = broker_new (options, conf_p, log, &broker, fail);
    if (!err)
        err = broker_run (broker, fail);
    broker_destroy (&broker);
    if (err && options->inspect)
        fprintf (stderr, "palaverd: %s\n", fail->text);
    else if (err)
        plv_log (log, LOG_BROKER_FAILED, F_STR ("why", fail->text));
    return err;
}

static plv_err_t run (const options_t *options, plv_fail_t *fail)
{
    plv_conf_t *conf = NULL;
    plv_err_t err = load_conf (options, &conf, fail);
    if (err) {
        fprintf (stderr, "palaverd: %s\n", fail->text);
        return err;
    }
    if (options->print_conf) {
        const inspect_t inspect = inspect_of (conf, options->plugins);
        inspect_print (&inspect, conf, stdout, stderr);
    } else if (options->check_conf) {
        err = check_conf (options, &conf, fail);
        if (err)
            fprintf (stderr, "palaverd: %s\n", fail->text);
    } else {
        if (options->inspect && conf->log_level < LOG_WARN)
            conf->log_level = LOG_WARN;
        plv_log_t *log = plv_log_new ("palaverd", STDERR_FILENO, (plv_log_level_t) conf->log_level,
                                      (plv_log_format_t) conf->log_format);
        err = serve (options, &conf, log, fail);
        plv_log_destroy (&log);
    }
    plv_conf_destroy (&conf);
    return err;
}

int main (int argc, char **argv)
{
    options_t options;
    plv_fail_t fail;
    plv_standard_hold ();
    if (!options_parse (argc, argv, &options))
        return EXIT_USAGE;
    if (options.help) {
        options_help ();
        return EXIT_OK;
    }
    if (options.version) {
        printf ("palaverd %s\n", plv_build_version);
        return EXIT_OK;
    }
    if (!options.check_conf && !options.print_conf)
        broker_hold_signals ();
    return run (&options, &fail) ? EXIT_FAILED : EXIT_OK;
}
