#include "base/clock.h"
#include "palaver/ask/ask.h"
#include "palaver/ask/own_broker.h"
#include "palaver/interrupt.h"
#include "palaver/load.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <stdlib.h>

static const char service[] = "bench";

/*  Is there a route to our service? A worker of ours must not answer a person.  */
static bool has_route (plv_view_t body)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t count;
    if (!plv_mp_find (body, "items", &items) || !plv_mp_array (&items, &count))
        return false;
    while (count-- && plv_mp_skip (&items, &item))
        if (plv_view_is (plv_mp_find_str (item, "service"), service))
            return true;
    return false;
}

static ending_t check_route (asker_t *asker)
{
    plv_view_t body;
    ending_t end = ask (asker, "routes.list", NULL, &body);
    if (end || has_route (body))
        return end;
    say (
        "this broker has no route to the service bench, and workers of ours must not answer people. Put\n"
        "{ name = \"bench\"; service = \"bench\"; platform = \"bench\"; }\n"
        "first into its routes; or let its own agents answer, with --workers 0; or take a broker of its own, "
        "with --start");
    return END_USAGE;
}

/*  The sessions of a run end with it.  */
static void end_sessions (asker_t *asker, const load_t *load)
{
    char name[64];
    plv_buf_t arguments = {0};
    uint32_t left = load_left (load);
    asker->quiet = true;
    for (uint32_t i = 0; i < load->options->outstanding && i < load->published; i++) {
        load_session (load, i, name);
        plv_buf_clear (&arguments);
        plv_mp_put_map (&arguments, 1);
        plv_mp_pair_text (&arguments, "session", name);
        if (ask (asker, "sessions.reset", &arguments, NULL) == END_UNREACHABLE)
            break;
    }
    asker->quiet = false;
    if (left)
        say (
            "%u message%s of this run wait%s for an agent: the first one that serves %s answers, and the next\n"
            "palaver bench takes what it says; palaver sessions list --platform bench shows %s",
            left, text_s (left), left == 1 ? "s" : "", left == 1 ? "it" : "them",
            left == 1 ? "it" : "them");
    plv_buf_free (&arguments);
}

static void report (const call_t *call, load_t *load, unsigned workers)
{
    plv_buf_t out = {0};
    double seconds = (double) (load->last_us - load->first_us) / 1e6;
    uint64_t rps = seconds > 0 ? (uint64_t) (load->measured / seconds) : 0;
    uint32_t p50 = load_quantile (load, 0.5), p99 = load_quantile (load, 0.99);
    if (call->out.json) {
        plv_mp_put_map (&out, 6);
        plv_mp_pair_u64 (&out, "round_trips", load->measured);
        plv_mp_pair_u64 (&out, "rps", rps);
        plv_mp_pair_double (&out, "p50_ms", p50 / 1000.0);
        plv_mp_pair_double (&out, "p99_ms", p99 / 1000.0);
        plv_mp_pair_u64 (&out, "workers", workers);
        plv_mp_pair_u64 (&out, "outstanding", load->options->outstanding);
        out_json (plv_buf_view (&out));
    } else {
        text_putf (
            &out,
            "%llu round trips/s, p50 %.2f ms, p99 %.2f ms (%u measured, %u outstanding, %u worker%s)\n",
            (unsigned long long) rps, p50 / 1000.0, p99 / 1000.0, load->measured,
            load->options->outstanding, workers, text_s (workers));
        out_flush (&out);
    }
    plv_buf_free (&out);
}

static ending_t measure (const call_t *call, const char *run, unsigned workers, load_t *load,
                         const load_options_t *options)
{
    workers_t crowd;
    plv_fail_t fail;
    (void) call;
    plv_err_t err = workers_start (&crowd, workers, run, service, &fail);
    if (!err) {
        err = load_run (load, options, plv_clock_mono_us () + call_timeout_us (call, 300), &fail);
        workers_stop (&crowd);
    }
    if (err == ERR_EXISTS)
        say ("another bench is running on this broker");
    else if (err)
        say ("%s; %u of %u round trips were made", fail.text, load->done,
             options->warm + options->count);
    return err == ERR_OK ? END_OK : END_PARTLY;
}

static load_options_t load_options (const call_t *call, const char *run)
{
    load_options_t options = {
        .run = run,
        .count = (uint32_t) call_number (call, OPTION_COUNT, 20000),
        .outstanding = (uint32_t) call_number (call, OPTION_OUTSTANDING, 256),
    };
    options.warm = options.count / 10;
    return options;
}

static ending_t bench_own (call_t *call, unsigned workers)
{
    own_broker_t broker;
    load_t load = {0};
    plv_fail_t fail;
    if (own_broker_start (&broker, call_text (call, OPTION_BROKER, NULL),
                          plv_clock_mono_us () + 30000000, &fail)) {
        say ("%s", fail.text);
        return END_PARTLY;
    }
    const load_options_t options = load_options (call, broker.run);
    ending_t end = measure (call, broker.run, workers, &load, &options);
    if (!end)
        report (call, &load, workers);
    load_free (&load);
    own_broker_stop (&broker);
    return end;
}

static ending_t bench_running (call_t *call, unsigned workers)
{
    asker_t asker;
    load_t load = {0};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = workers ? check_route (&asker) : END_OK;
    char *run = asker.where.run;
    asker.where.run = NULL;
    asker_close (&asker);
    const load_options_t options = load_options (call, run);
    if (!end) {
        end = measure (call, run, workers, &load, &options);
        if (!end)
            report (call, &load, workers);
        if (load.published && !asker_open (&asker, call, 10)) {
            end_sessions (&asker, &load);
            asker_close (&asker);
        }
    }
    load_free (&load);
    free (run);
    return end;
}

ending_t command_bench (call_t *call)
{
    unsigned workers = (unsigned) call_number (call, OPTION_WORKERS, 4);
    bool own = call_has (call, OPTION_START);
    if (own && call_has (call, OPTION_RUN)) {
        say ("--start and --run exclude each other");
        return END_USAGE;
    }
    if ((own && workers == 0) || (!own && call_has (call, OPTION_BROKER))) {
        say (own ? "a broker of its own has no other agents: --workers 1 at least"
                 : "--broker needs --start");
        return END_USAGE;
    }
    interrupt_begin ();
    return own ? bench_own (call, workers) : bench_running (call, workers);
}
