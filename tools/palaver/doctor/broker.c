/*  The broker itself, if it runs: what it answers, and what that means.  */

#include "base/alloc.h"
#include "base/build.h"
#include "base/clock.h"
#include "palaver/ask/hosts.h"
#include "palaver/doctor/doctor.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANSWER_S = 5, SKEW_US = 1000000 };

/*  The body lives until the next question.  */
static bool ask_quietly (doctor_t *doctor, const char *command, plv_view_t *ret_body)
{
    return doctor->answers && ask (&doctor->asker, command, NULL, ret_body) == END_OK;
}

void doctor_meet (doctor_t *self)
{
    plv_fail_t fail;
    plv_view_t body;
    plv_mp_t process;
    where_t where;
    plv_err_t err = where_find (call_text (self->call, OPTION_RUN, NULL), &where, &fail);
    if (!err) {
        char *path = where_socket (where.run, "control");
        err = where_probe (path, &fail);
        free (path);
        where_free (&where);
    }
    self->runs = !err;
    self->closed = err == ERR_PERM;
    self->answers = self->runs && asker_open (&self->asker, self->call, ANSWER_S) == END_OK;
    if (!ask_quietly (self, "status", &body))
        return;
    plv_buf_add_view (&self->status, body);
    plv_buf_check (&self->status);
    if (plv_mp_find (plv_buf_view (&self->status), "process", &process))
        plv_mp_skip (&process, &self->process);
}

char *doctor_broker_path (const doctor_t *self, const char *key)
{
    plv_view_t path = plv_mp_find_str (self->process, key);
    if (!path.size)
        return NULL;
    char *copy = plv_alloc (path.size + 1);
    memcpy (copy, path.data, path.size);
    copy[path.size] = '\0';
    return copy;
}

static void miss_sockets (doctor_t *doctor, const plv_fail_t *fail)
{
    if (fail->code == ERR_PERM)
        doctor_say (doctor, FINDING_PROBLEM, DOCTOR_BE_THE_USER, "%s", fail->text);
    else
        doctor_say (doctor, FINDING_WARNING, "start it: palaverd, or systemctl start palaverd",
                    "%s", fail->text);
}

void check_sockets (doctor_t *doctor)
{
    struct stat info;
    plv_fail_t fail;
    where_t where;
    if (where_find (call_text (doctor->call, OPTION_RUN, NULL), &where, &fail)) {
        miss_sockets (doctor, &fail);
        return;
    }
    char *path = where_socket (where.run, "control");
    if (where_probe (path, &fail))
        miss_sockets (doctor, &fail);
    else if (stat (where.run, &info) == 0 && info.st_mode & 077)
        doctor_say (doctor, FINDING_PROBLEM, "chmod 700 it", "%s: others may enter it", where.run);
    else
        doctor_say (doctor, FINDING_OK, "", "%s", where.run);
    free (path);
    where_free (&where);
}

static void look_at_status (doctor_t *doctor, plv_view_t body)
{
    plv_view_t version = plv_mp_find_str (body, "version");
    plv_view_t state = plv_mp_find_str (body, "state");
    plv_mp_t at;
    int64_t time_us = 0;
    if (plv_mp_find (body, "time_us", &at))
        plv_mp_i64 (&at, &time_us);
    int64_t skew_us = time_us ? plv_clock_wall_us () - time_us : 0;
    if (!plv_view_is (version, plv_build_version))
        doctor_say (doctor, FINDING_WARNING,
                    "install both from one release, then restart the broker",
                    "the broker is " PLV_VIEW_FMT ", this tool is %s", PLV_VIEW_ARG (version),
                    plv_build_version);
    else if (skew_us > SKEW_US || skew_us < -SKEW_US)
        doctor_say (doctor, FINDING_WARNING, "look at the load of the machine, and at its clock",
                    "the broker's clock differs by %.1f s", (double) skew_us / 1e6);
    else
        doctor_say (doctor, FINDING_OK, "", PLV_VIEW_FMT ", " PLV_VIEW_FMT, PLV_VIEW_ARG (version),
                    PLV_VIEW_ARG (state));
}

void check_broker (doctor_t *doctor)
{
    if (doctor->closed)
        doctor_say (doctor, FINDING_SKIPPED, DOCTOR_BE_THE_USER, "this user may not ask it");
    else if (!doctor->runs)
        doctor_say (doctor, FINDING_SKIPPED, "", "it does not run");
    else if (!doctor->status.size)
        doctor_say (doctor, FINDING_PROBLEM, "look at its log: journalctl -u palaverd",
                    "it does not answer within %g s",
                    (double) call_timeout_us (doctor->call, ANSWER_S) / 1e6);
    else
        look_at_status (doctor, plv_buf_view (&doctor->status));
}

static int64_t number_of (plv_view_t map, const char *key)
{
    plv_mp_t at;
    int64_t number = 0;
    if (plv_mp_find (map, key, &at))
        plv_mp_i64 (&at, &number);
    return number;
}

static void look_at_route (doctor_t *doctor, plv_view_t route)
{
    plv_view_t name = plv_mp_find_str (route, "name"), service = plv_mp_find_str (route, "service");
    plv_view_t breaker = plv_mp_find_str (route, "breaker"), why = plv_mp_find_str (route, "why");
    plv_view_t by = plv_mp_find_str (route, "paused_by");
    int64_t waiting = number_of (route, "ready"), workers = number_of (route, "workers");
    if (by.size && !plv_view_is (by, "breaker"))
        doctor_say (doctor, FINDING_WARNING, "palaver routes resume lets it go on",
                    PLV_VIEW_FMT " is paused by " PLV_VIEW_FMT "%s" PLV_VIEW_FMT,
                    PLV_VIEW_ARG (name), PLV_VIEW_ARG (by), why.size ? ": " : "",
                    PLV_VIEW_ARG (why));
    else if (breaker.size && !plv_view_is (breaker, "closed"))
        doctor_say (
            doctor, FINDING_PROBLEM,
            "repair what fails; it resumes by itself when a probe succeeds, or by palaver routes resume",
            PLV_VIEW_FMT " is paused: " PLV_VIEW_FMT, PLV_VIEW_ARG (name), PLV_VIEW_ARG (why));
    else if (workers == 0)
        doctor_say (doctor, waiting ? FINDING_PROBLEM : FINDING_WARNING,
                    "start a worker that serves it",
                    PLV_VIEW_FMT ": no worker serves " PLV_VIEW_FMT ", and %" PRId64 " event%s %s",
                    PLV_VIEW_ARG (name), PLV_VIEW_ARG (service), waiting,
                    text_s ((uint64_t) waiting), waiting == 1 ? "waits" : "wait");
    else
        doctor_say (doctor, FINDING_OK, "",
                    PLV_VIEW_FMT ": %" PRId64 " worker%s, %" PRId64 " event%s %s",
                    PLV_VIEW_ARG (name), workers, text_s ((uint64_t) workers), waiting,
                    text_s ((uint64_t) waiting), waiting == 1 ? "waits" : "wait");
}

void check_routes (doctor_t *doctor)
{
    plv_mp_t routes;
    plv_view_t route;
    uint32_t count;
    if (!plv_mp_find (plv_buf_view (&doctor->status), "routes", &routes)
        || !plv_mp_array (&routes, &count)) {
        doctor_say (doctor, FINDING_SKIPPED, "", "the broker was not asked");
        return;
    }
    while (count-- && plv_mp_skip (&routes, &route))
        look_at_route (doctor, route);
}

void check_letters (doctor_t *doctor)
{
    plv_mp_t counts;
    plv_view_t map;
    if (!plv_mp_find (plv_buf_view (&doctor->status), "counts", &counts)
        || !plv_mp_skip (&counts, &map)) {
        doctor_say (doctor, FINDING_SKIPPED, "", "the broker was not asked");
        return;
    }
    int64_t dead = number_of (map, "dead"), expiring = number_of (map, "dead_expiring");
    if (expiring)
        doctor_say (doctor, FINDING_WARNING, "palaver dead export saves them",
                    "%" PRId64
                    " dead letter%s will be thrown away soon, by dead.max_age_d or dead.max",
                    expiring, text_s ((uint64_t) expiring));
    if (dead)
        doctor_say (doctor, FINDING_WARNING, "palaver dead list says why they are there",
                    "%" PRId64 " dead letter%s", dead, text_s ((uint64_t) dead));
    else
        doctor_say (doctor, FINDING_OK, "", "none");
}

/*  A plugin's process in the words of the supervisor, or an adapter that others run in those of the broker.  */
static void look_at_adapter (doctor_t *doctor, plv_view_t adapter)
{
    plv_view_t name = plv_mp_find_str (adapter, "name"), state = plv_mp_find_str (adapter, "state");
    plv_view_t why = plv_mp_find_str (adapter, "why");
    bool refused = plv_view_is (state, "refused");
    if (!why.size && !plv_view_is (state, "stopped"))
        why = plv_mp_find_str (adapter, "last");
    if (plv_view_is (state, "running") || plv_view_is (state, "ready"))
        doctor_say (doctor, FINDING_OK, "", PLV_VIEW_FMT ": " PLV_VIEW_FMT, PLV_VIEW_ARG (name),
                    PLV_VIEW_ARG (state));
    else
        doctor_say (doctor, refused ? FINDING_PROBLEM : FINDING_WARNING,
                    refused ? "mend the file or its conf: it is then started by itself"
                            : "its log lines say more",
                    PLV_VIEW_FMT ": " PLV_VIEW_FMT "%s" PLV_VIEW_FMT, PLV_VIEW_ARG (name),
                    PLV_VIEW_ARG (state), why.size ? ": " : "", PLV_VIEW_ARG (why));
}

static void look_at_folder (doctor_t *doctor)
{
    struct stat info;
    char *its = doctor_broker_path (doctor, "plugins");
    const char *folder = its ? its : doctor->conf->plugins_dir;
    if (!folder[0])
        folder = plv_build_plugin_dir;
    if (stat (folder, &info))
        doctor_say (doctor, FINDING_WARNING, "make it, or set plugins.dir", "%s: %s", folder,
                    strerror (errno));
    else if (info.st_mode & 022)
        doctor_say (doctor, FINDING_PROBLEM, "chmod go-w it: whoever writes there runs code here",
                    "%s: others may write in it", folder);
    else
        doctor_say (doctor, FINDING_OK, "", "%s", folder);
    free (its);
}

void check_adapters (doctor_t *doctor)
{
    plv_buf_t body = {0};
    plv_view_t adapter;
    plv_mp_t items;
    uint32_t count = 0;
    look_at_folder (doctor);
    if (doctor->answers && hosts_ask (&doctor->asker, &body) == END_OK
        && plv_mp_find (plv_buf_view (&body), "items", &items))
        plv_mp_array (&items, &count);
    while (count-- && plv_mp_skip (&items, &adapter))
        look_at_adapter (doctor, adapter);
    plv_buf_free (&body);
}
