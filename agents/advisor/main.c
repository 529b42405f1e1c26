/*  palaver-advisor: reads the options and the catalogue, and does with them what options.h lists.  */

#include "advisor/catalogue/locate.h"
#include "advisor/console.h"
#include "advisor/eval.h"
#include "advisor/options.h"
#include "advisor/worker.h"
#include "base/build.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_DATA = 65, EXIT_CONF = 78, OFFLINE_CREDIT = 8 };

static int year_now (void)
{
    time_t now = time (NULL);
    struct tm parts;
    return gmtime_r (&now, &parts) ? parts.tm_year + 1900 : 1970;
}

static int complain (const plv_fail_t *fail, int code)
{
    fprintf (stderr, "palaver-advisor: %s\n", fail->text);
    return code;
}

static void log_line (void *arg, const char *line)
{
    (void) arg;
    fprintf (stderr, "palaver-advisor: %s\n", line);
}

/*  --conf, else $PALAVER_ADVISOR_CONF, else advisor.conf beside the broker's, if it is there.  */
static const char *conf_file (const options_t *options, char standard[PATH_MAX])
{
    const char *given = options->conf ? options->conf : getenv ("PALAVER_ADVISOR_CONF");
    const char *slash = strrchr (plv_build_conf_path, '/');
    if (given && *given)
        return given;
    if (!slash)
        return NULL;
    snprintf (standard, PATH_MAX, "%.*s/advisor.conf", (int) (slash - plv_build_conf_path),
              plv_build_conf_path);
    return access (standard, R_OK) == 0 ? standard : NULL;
}

static plv_err_t read_settings (const options_t *options, settings_t *settings,
                                plv_fail_t *ret_fail)
{
    char standard[PATH_MAX];
    const char *file = conf_file (options, standard);
    plv_err_t err = settings_init (settings, ret_fail);
    if (!err && file)
        err = settings_load (settings, file, ret_fail);
    for (size_t i = 0; !err && i < options->set_count; i++)
        err = settings_set (settings, options->sets[i], ret_fail);
    return err ? err : settings_resolve (settings, file, ret_fail);
}

/*  Takes the catalogue. `model`: NULL for offline.  */
static plv_err_t work (const options_t *options, const settings_t *settings, model_t *model,
                       catalogue_t **catalogue_p, plv_fail_t *ret_fail)
{
    worker_t *worker = NULL;
    plv_agent_t *agent = NULL;
    unsigned standard = model ? (unsigned) settings->conversations : OFFLINE_CREDIT;
    unsigned credit = options->credit ? options->credit : standard;
    const plv_agent_options_t how = {
        .endpoint = options->endpoint,
        .name = options->name,
        .build = plv_build_version,
        .cache_keys = (const char *const[]){PROFILE_KEY, WORKER_TALK_KEY},
        .cache_key_count = model ? 2 : 1,
        .threads = credit,
        .credit = credit,
        .history = model && settings->history ? settings->history : PLV_HISTORY_NONE,
        .log = options->log ? log_line : NULL,
    };
    plv_err_t err = worker_new (catalogue_p, model, &worker, ret_fail);
    if (!err)
        err = plv_agent_new (&how, &agent, ret_fail);
    if (!err)
        err = plv_agent_run (agent, worker_handle, worker, ret_fail);
    plv_agent_destroy (&agent);
    worker_destroy (&worker);
    return err;
}

/*  Takes the catalogue.  */
static int serve (const options_t *options, catalogue_t **catalogue_p)
{
    plv_fail_t fail;
    settings_t settings;
    model_t *model = NULL;
    model_log_t *log = options->log ? log_line : NULL;
    plv_err_t err = read_settings (options, &settings, &fail);
    int code = err ? EXIT_CONF : 0;
    if (!err && settings.secret) {
        err = model_new (&settings, log, NULL, &model, &fail);
        code = EXIT_CONF;
    }
    if (!err && log)
        log_line (NULL, model ? "answers with the model" : "answers offline: there is no key");
    if (!err) {
        err = work (options, &settings, model, catalogue_p, &fail);
        code = plv_agent_exit_code (err);
    }
    model_destroy (&model);
    settings_free (&settings);
    return err ? complain (&fail, code) : 0;
}

static int ask (const options_t *options, catalogue_t *catalogue)
{
    plv_fail_t fail;
    settings_t settings;
    model_t *model = NULL;
    plv_err_t err = read_settings (options, &settings, &fail);
    if (!err && settings.secret)
        err = model_new (&settings, options->verbose ? log_line : NULL, NULL, &model, &fail);
    if (!err)
        console_ask (catalogue, model, options->rest, options->rest_count, year_now (), stdout);
    model_destroy (&model);
    settings_free (&settings);
    return err ? complain (&fail, EXIT_CONF) : 0;
}

static int eval (const options_t *options, catalogue_t *catalogue)
{
    eval_result_t sum = {0};
    for (int i = 0; i < options->rest_count; i++) {
        eval_result_t one;
        plv_fail_t fail;
        if (eval_file (catalogue, options->rest[i], year_now (), options->verbose, stdout, &one,
                       &fail))
            return complain (&fail, EXIT_DATA);
        sum.questions += one.questions;
        sum.passed += one.passed;
    }
    printf ("%zu passed, %zu failed\n", sum.passed, sum.questions - sum.passed);
    return sum.passed == sum.questions ? 0 : EXIT_FAILED;
}

static int with_catalogue (const options_t *options)
{
    plv_fail_t fail;
    char *path = NULL;
    catalogue_t *catalogue = NULL;
    int code = 0;
    plv_err_t err = options->catalogue ? ERR_OK : locate ("catalogue.csv", &path, &fail);
    if (!err)
        err = catalogue_load (path ? path : options->catalogue, &catalogue, &fail);
    if (err)
        code = complain (&fail, EXIT_DATA);
    else if (options->action == DO_PRINT)
        catalogue_print (catalogue, stdout);
    else if (options->action == DO_ASK)
        code = ask (options, catalogue);
    else if (options->action == DO_EVAL)
        code = eval (options, catalogue);
    else
        code = serve (options, &catalogue);
    catalogue_destroy (&catalogue);
    free (path);
    return code;
}

int main (int argc, char **argv)
{
    options_t options;
    plv_fail_t fail;
    if (options_parse (argc, argv, &options, &fail))
        return complain (&fail, EXIT_USAGE);
    if (options.action == DO_HELP)
        options_help (stdout);
    else if (options.action == DO_PRINT_CONF)
        settings_print (stdout);
    else if (options.action == DO_VERSION)
        printf ("palaver-advisor %s\n", plv_build_version);
    else
        return with_catalogue (&options);
    return 0;
}
