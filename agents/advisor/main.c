/*  palaver-advisor: reads the options and the catalogue, and does one of four things with them.  */

#include "advisor/advise.h"
#include "advisor/eval.h"
#include "advisor/locate.h"
#include "advisor/options.h"
#include "advisor/worker.h"
#include "base/build.h"

#include <stdlib.h>
#include <time.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_DATA = 65 };

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

/*  Takes the catalogue.  */
static int serve (const options_t *options, catalogue_t **catalogue_p)
{
    plv_fail_t fail;
    worker_t *worker = NULL;
    plv_agent_t *agent = NULL;
    const plv_agent_options_t settings = {
        .endpoint = options->endpoint,
        .name = options->name,
        .build = plv_build_version,
        .cache_keys = (const char *const[]){PROFILE_KEY},
        .cache_key_count = 1,
        .threads = options->credit,
        .credit = options->credit,
        .history = PLV_HISTORY_NONE,
        .log = options->log ? log_line : NULL,
    };
    plv_err_t err = worker_new (catalogue_p, &worker, &fail);
    if (!err)
        err = plv_agent_new (&settings, &agent, &fail);
    if (!err)
        err = plv_agent_run (agent, worker_handle, worker, &fail);
    plv_agent_destroy (&agent);
    worker_destroy (&worker);
    return err ? complain (&fail, plv_agent_exit_code (err)) : 0;
}

static int ask (const options_t *options, catalogue_t *catalogue)
{
    profile_t profile;
    profile_init (&profile);
    for (int i = 0; i < options->rest_count; i++) {
        answer_t answer = {0};
        advise (catalogue, plv_view_str (options->rest[i]), year_now (), &profile, &answer);
        if (answer.text.failed)
            plv_buf_clear (&answer.text);
        printf ("%s" PLV_VIEW_FMT "\n", i ? "\n" : "", PLV_VIEW_ARG (answer.text));
        printf ("(confidence %.2f)\n", answer.confidence);
        answer_free (&answer);
    }
    return 0;
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
    else if (options.action == DO_VERSION)
        printf ("palaver-advisor %s\n", plv_build_version);
    else
        return with_catalogue (&options);
    return 0;
}
