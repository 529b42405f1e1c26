#include "shell/internal.h"

#include "base/alloc.h"
#include "base/build.h"
#include "base/clock.h"
#include "shell/room.h"
#include "wire/mp.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*  What the store gives back, on its way into a core that can only be made when its secret has come; the
    rows of META that come before it wait.  */
typedef struct {
    broker_t *broker;
    policy_t *policy;
    plv_buf_t early;
    uint64_t replayed;
    plv_err_t err;
    plv_fail_t fail;
} reading_t;

static void load_row (reading_t *reading, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    if (!reading->err)
        reading->err = core_load_row (reading->broker->core, view, key, value, &reading->fail);
}

static void make_core (reading_t *reading, plv_view_t secret)
{
    core_options_t options = {.version = plv_build_version,
                              .read_only = reading->broker->options->inspect != NULL};
    plv_row_t row;
    if (secret.size != sizeof options.secret) {
        reading->err = plv_fail (&reading->fail, ERR_CORRUPT, "meta/%s has %zu bytes",
                                 STORE_META_SECRET, secret.size);
        return;
    }
    memcpy (options.secret, secret.data, secret.size);
    randombytes_buf (&options.seed, sizeof options.seed);
    randombytes_buf (reading->broker->proof_key, sizeof reading->broker->proof_key);
    memcpy (options.proof_key, reading->broker->proof_key, sizeof options.proof_key);
    reading->broker->core = core_new (&options, &reading->policy);
    sodium_memzero (&options, sizeof options);
    for (size_t at = 0; plv_row_next (plv_buf_view (&reading->early), &at, &row);)
        load_row (reading, row.view, row.key, row.value);
}

static void read_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    reading_t *reading = arg;
    if (reading->err)
        return;
    if (view == VIEW_META && plv_view_is (key, STORE_META_SECRET))
        make_core (reading, value);
    else if (!reading->broker->core && view == VIEW_META)
        plv_row_put (&reading->early, view, key, value);
    else if (!reading->broker->core)
        reading->err =
            plv_fail (&reading->fail, ERR_CORRUPT, "meta/%s is missing", STORE_META_SECRET);
    else
        load_row (reading, view, key, value);
}

static void read_journal (void *arg, uint64_t seq, plv_view_t value)
{
    reading_t *reading = arg;
    if (!reading->err)
        reading->err = core_replay (reading->broker->core, seq, value, &reading->fail);
    reading->replayed++;
}

static void say_torn (void *arg, const char *place, uint64_t last)
{
    reading_t *reading = arg;
    plv_log (reading->broker->log, LOG_JOURNAL_TORN, F_STR ("place", place),
             F_INT ("last", (int64_t) last));
}

static plv_err_t read_back (broker_t *self, policy_t **policy_p, plv_fail_t *ret_fail)
{
    reading_t reading = {.broker = self, .policy = *policy_p};
    store_recovery_t recovery = {
        .row = read_row, .journal = read_journal, .torn = say_torn, .arg = &reading};
    core_now_t began = broker_now ();
    uint64_t next_seq = 0;
    *policy_p = NULL;
    plv_err_t err = self->store->vtable->recover (self->store, &recovery, &next_seq, ret_fail);
    if (!err && reading.err) {
        *ret_fail = reading.fail;
        err = plv_fail_context (ret_fail, "data directory %s", self->paths.data);
    }
    if (!err && !self->core)
        err = plv_fail (ret_fail, ERR_CORRUPT, "data directory %s: meta/%s is missing",
                        self->paths.data, STORE_META_SECRET);
    plv_buf_free (&reading.early);
    policy_destroy (&reading.policy);
    if (err)
        return err;
    core_now_t now = broker_now ();
    core_start (self->core, now, next_seq);
    const int64_t *gauge = core_metrics (self->core)->gauge;
    plv_log (self->log, LOG_BROKER_READ, F_INT ("pending", gauge[GAUGE_PENDING_EVENTS]),
             F_INT ("outbox", gauge[GAUGE_OUTBOX]), F_INT ("sessions", gauge[GAUGE_SESSIONS]),
             F_INT ("dead", gauge[GAUGE_DEAD]), F_INT ("replayed", (int64_t) reading.replayed),
             F_INT ("ms", (now.mono_us - began.mono_us) / 1000));
    return ERR_OK;
}

static plv_err_t bind_local (broker_t *self, const char *name, unsigned allowed,
                             plv_fail_t *ret_fail)
{
    char endpoint[160];
    snprintf (endpoint, sizeof endpoint, "ipc://%s/%s.ipc", self->paths.run, name);
    plv_err_t err = links_bind (self->links, endpoint, allowed, NULL, ret_fail);
    if (!err && chmod (endpoint + strlen ("ipc://"), 0600))
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", endpoint, strerror (errno));
    return err;
}

static plv_err_t open_sockets (broker_t *self, const plv_conf_t *conf, plv_fail_t *ret_fail)
{
    uint8_t seed[16];
    void *context = zsys_init ();
    if (!context)
        return plv_fail (ret_fail, ERR_IO, "no ZeroMQ context: %s", strerror (errno));
    zsys_handler_set (NULL); /* signals are ours: see signals.c */
    randombytes_buf (seed, sizeof seed);
    self->links = links_new (context, seed);
    plv_err_t err = bind_local (self, "control", FROM_TOOL, ret_fail);
    if (self->options->inspect)
        return err;
    if (!err)
        err = bind_local (self, "adapters", FROM_ADAPTER, ret_fail);
    if (!err)
        err = bind_local (self, "agents", FROM_WORKER, ret_fail);
    if (!err)
        err = remote_open (self, conf, ret_fail);
    return err;
}

/*  The core has not heard yet that the host before has died. It looks now, so that the name is free when this one has
    opened its plugin and says HELLO.  */
static void look_for_the_one_before (void *arg, const char *name)
{
    broker_t *self = arg;
    input_t input = {.type = INPUT_LOOK, .now = broker_now (), .bytes = plv_view_str (name)};
    core_step (self->core, &input, self->turn.gather);
}

static plv_err_t start_supervisor (broker_t *self, const plv_conf_t *conf, plv_fail_t *ret_fail)
{
    char *copies = NULL, *endpoint = NULL;
    if (asprintf (&copies, "%s/plugins", self->paths.run) < 0
        || asprintf (&endpoint, "ipc://%s/adapters.ipc", self->paths.run) < 0)
        plv_out_of_memory (strlen (self->paths.run));
    supervisor_options_t options = {
        .dir = broker_plugin_dir (self, conf),
        .copies = copies,
        .program = conf->plugins_host[0] ? conf->plugins_host : plv_build_host_path,
        .broker = endpoint,
        .conf = broker_adapters_conf (conf),
        .log = self->log,
        .starts = look_for_the_one_before,
        .starts_arg = self,
        .proof_key = self->proof_key,
    };
    randombytes_buf (&options.seed, sizeof options.seed);
    plv_err_t err = ERR_OK;
    /* the installed place may be empty; one that was asked for must be there */
    if (self->options->plugins || conf->plugins_dir[0] || access (options.dir, F_OK) == 0)
        err = supervisor_new (&options, broker_now ().mono_us, &self->supervisor, ret_fail);
    free (copies);
    free (endpoint);
    return err;
}

static plv_err_t open_parts (broker_t *self, policy_t **policy_p, plv_fail_t *ret_fail)
{
    const plv_conf_t *conf = (*policy_p)->conf;
    const char *inspect = self->options->inspect;
    plv_err_t err = paths_find (conf, inspect ? inspect : self->options->data, self->options->run,
                                &self->paths, ret_fail);
    if (err)
        return err;
    plv_log (self->log, LOG_BROKER_STARTING, F_STR ("version", plv_build_version),
             F_STR ("data", self->paths.data),
             F_STR ("conf", conf->file[0] ? conf->file : "defaults"));
    const store_rocksdb_options_t options = {
        .dir = self->paths.data, .sync = conf->data_sync, .read_only = inspect != NULL};
    err = signals_open (self, ret_fail);
    if (!err)
        err = letters_writer_new (&self->letters, ret_fail);
    if (!err)
        err = store_rocksdb_open (&options, &self->store, ret_fail);
    if (!err)
        err = paths_lock_run (&self->paths, ret_fail);
    if (!err)
        err = read_back (self, policy_p, ret_fail);
    if (!err)
        err = open_sockets (self, core_conf (self->core), ret_fail);
    if (!err && !inspect)
        err = start_supervisor (self, core_conf (self->core), ret_fail);
    return err;
}

/*  Hosts work elsewhere: what they are told of the file names it from the root.  */
static void name_from_root (plv_conf_t *conf)
{
    if (!conf->file[0])
        return;
    char *whole = paths_absolute (conf->file);
    free (conf->file);
    conf->file = whole;
}

plv_err_t broker_new (const options_t *options, plv_conf_t **conf_p, plv_log_t *log,
                      broker_t **ret_broker, plv_fail_t *ret_fail)
{
    policy_t *policy = NULL;
    name_from_root (*conf_p);
    plv_err_t err = policy_new (conf_p, &policy, ret_fail);
    if (err)
        return err;
    broker_t *self = plv_alloc_zero (1, sizeof *self);
    self->log = log;
    self->options = options;
    self->signals = -1;
    self->paths.run_lock = -1;
    for (int i = 0; i < 2; i++) {
        effects_init (&self->effects[i]);
        self->effects[i].log_least = (plv_log_level_t) policy->conf->log_level;
    }
    busy_poll_init (&self->busy_poll);
    self->turn.gather = &self->effects[0];
    self->turn.flying = &self->effects[1];
    err = room_check (ret_fail);
    if (!err)
        err = open_parts (self, &policy, ret_fail);
    policy_destroy (&policy);
    if (err) {
        broker_destroy (&self);
        return err;
    }
    broker_describe (self);
    plv_log (self->log, LOG_BROKER_READY, F_STR ("run", self->paths.run));
    *ret_broker = self;
    return ERR_OK;
}

void broker_destroy (broker_t **self_p)
{
    broker_t *self = *self_p;
    if (!self)
        return;
    if (self->supervisor && self->failed)
        supervisor_let_go (self->supervisor);
    supervisor_destroy (&self->supervisor);
    letters_writer_destroy (&self->letters);
    store_destroy (&self->store);
    links_destroy (&self->links);
    remote_close (self);
    core_destroy (&self->core);
    for (int i = 0; i < 2; i++)
        effects_free (&self->effects[i]);
    plv_buf_free (&self->lost);
    if (self->signals >= 0)
        close (self->signals);
    paths_free (&self->paths);
    free (self);
    *self_p = NULL;
    zsys_shutdown ();
}
