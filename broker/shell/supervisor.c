#include "shell/supervisor.h"

#include "base/alloc.h"
#include "core/backoff.h"
#include "shell/host_process.h"
#include "shell/plugin_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { NAME_BYTES = 65, LOOK_AGAIN_MS = 1000 };

typedef struct {
    plv_node_t node;
    char name[NAME_BYTES];
    plugin_stamp_t stamp; /* of the file when it was last looked at */
    bool present;         /* seen by the scan under way */
    char copy[PLUGIN_PATH_BYTES];
    host_process_t *current; /* serves */
    host_process_t *fresh;   /* started beside it */
    plv_node_t leaving;      /* processes that drain */
    supervised_state_t state;
    int64_t since_us;
    int64_t restart_us;
    bool unwanted;     /* stopped by hand */
    bool removed;      /* its file is gone */
    uint32_t failures; /* one after the other: what the backoff counts */
    uint32_t restarts;
    char last[600];
} adapter_t;

struct supervisor {
    char *dir, *copies, *program, *broker, *conf;
    supervisor_options_t options;
    plv_log_t *log;
    plv_rng_t rng;
    int epoll;
    int inotify;
    int watch;       /* -1: the directory is not there */
    int64_t scan_us; /* INT64_MAX: nothing has changed */
    plv_node_t adapters;
    bool stopping;
};

static const char *const state_names[] = {"starting", "ready",    "backoff",
                                          "refused",  "stopping", "stopped"};

const char *supervised_state_name (supervised_state_t state)
{
    return state <= SUPERVISED_STOPPED ? state_names[state] : "?";
}

/* ------------------------------------------------------------------ one adapter */

static void set_state (adapter_t *adapter, supervised_state_t state, int64_t now_us)
{
    if (adapter->state != state)
        adapter->since_us = now_us;
    adapter->state = state;
}

static adapter_t *adapter_new (supervisor_t *self, const char *name, size_t size, int64_t now_us)
{
    adapter_t *adapter = plv_alloc_zero (1, sizeof *adapter);
    memcpy (adapter->name, name, size);
    plv_list_init (&adapter->leaving);
    adapter->restart_us = INT64_MAX;
    adapter->state = SUPERVISED_STOPPED;
    adapter->since_us = now_us;
    plv_list_push (&self->adapters, &adapter->node);
    return adapter;
}

static void adapter_destroy (adapter_t *adapter)
{
    plv_node_t *node;
    host_process_destroy (&adapter->current);
    host_process_destroy (&adapter->fresh);
    while ((node = plv_list_first (&adapter->leaving))) {
        host_process_t *process = PLV_OF (node, host_process_t, node);
        host_process_destroy (&process);
    }
    plv_node_remove (&adapter->node);
    free (adapter);
}

static void refuse (supervisor_t *self, adapter_t *adapter, const char *why, int64_t now_us)
{
    snprintf (adapter->last, sizeof adapter->last, "%s", why);
    adapter->restart_us = INT64_MAX;
    if (!adapter->current)
        set_state (adapter, SUPERVISED_REFUSED, now_us);
    plv_log (self->log, LOG_ADAPTER_REFUSED, F_STR ("file", adapter->name), F_STR ("why", why));
}

static host_process_t *start (supervisor_t *self, adapter_t *adapter, bool beside, int64_t now_us)
{
    host_process_options_t options = {
        .program = self->program,
        .plugin = adapter->copy,
        .name = adapter->name,
        .broker = self->broker,
        .conf = self->conf,
        .beside = beside,
        .log = self->log,
        .epoll = self->epoll,
    };
    host_process_t *process = NULL;
    plv_fail_t fail;
    if (host_process_start (&options, now_us, &process, &fail)) {
        refuse (self, adapter, fail.text, now_us);
        return NULL;
    }
    plv_log (self->log, LOG_ADAPTER_STARTED, F_STR ("adapter", adapter->name),
             F_INT ("pid", process->pid));
    return process;
}

static void leave (supervisor_t *self, adapter_t *adapter, host_process_t **process_p,
                   int64_t now_us)
{
    host_process_t *process = *process_p;
    if (!process)
        return;
    *process_p = NULL;
    process->is_leaving = true;
    process->kill_us = now_us + (int64_t) self->options.drain_ms * 1000;
    plv_list_push (&adapter->leaving, &process->node);
    host_process_signal (process, SIGTERM);
}

static void start_current (supervisor_t *self, adapter_t *adapter, int64_t now_us)
{
    adapter->restart_us = INT64_MAX;
    if (!adapter->copy[0])
        return;
    adapter->current = start (self, adapter, !plv_list_empty (&adapter->leaving), now_us);
    if (adapter->current)
        set_state (adapter, SUPERVISED_STARTING, now_us);
}

/*  The new one beside the old one, which may be in any state.  */
static void replace (supervisor_t *self, adapter_t *adapter, int64_t now_us)
{
    leave (self, adapter, &adapter->fresh, now_us);
    if (adapter->current && !adapter->current->is_open)
        leave (self, adapter, &adapter->current, now_us);
    if (!adapter->current) {
        start_current (self, adapter, now_us);
        return;
    }
    host_process_signal (adapter->current, SIGUSR1); /* it shares its port from now on */
    adapter->fresh = start (self, adapter, true, now_us);
}

static void stop_adapter (supervisor_t *self, adapter_t *adapter, int64_t now_us)
{
    leave (self, adapter, &adapter->fresh, now_us);
    leave (self, adapter, &adapter->current, now_us);
    adapter->restart_us = INT64_MAX;
    set_state (adapter,
               plv_list_empty (&adapter->leaving) ? SUPERVISED_STOPPED : SUPERVISED_STOPPING,
               now_us);
}

/* ------------------------------------------------------------------ the directory */

static bool is_plugin (const char *file, size_t *ret_stem)
{
    const char *dot = strrchr (file, '.');
    size_t stem = dot ? (size_t) (dot - file) : 0;
    if (stem == 0 || stem >= NAME_BYTES || strcmp (dot, ".so") != 0)
        return false;
    *ret_stem = stem;
    return strspn (file, "abcdefghijklmnopqrstuvwxyz0123456789_-") == stem;
}

static adapter_t *find (const supervisor_t *self, const char *name, size_t size)
{
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next) {
        adapter_t *adapter = PLV_OF (at, adapter_t, node);
        if (strlen (adapter->name) == size && memcmp (adapter->name, name, size) == 0)
            return adapter;
    }
    return NULL;
}

/*  The file is new, or was touched. Nothing of the adapter changes unless its content has.  */
static void take_file (supervisor_t *self, adapter_t *adapter, int dir, const char *file,
                       int64_t now_us)
{
    char path[PLUGIN_PATH_BYTES];
    plv_fail_t fail;
    if (plugin_file_copy (dir, file, self->copies, path, &fail)) {
        refuse (self, adapter, fail.text, now_us);
        return;
    }
    bool same = strcmp (path, adapter->copy) == 0;
    bool tried = adapter->state == SUPERVISED_REFUSED || adapter->removed;
    adapter->removed = false;
    if (same && !tried)
        return;
    snprintf (adapter->copy, sizeof adapter->copy, "%s", path);
    adapter->failures = 0;
    adapter->last[0] = 0;
    if (!adapter->unwanted)
        replace (self, adapter, now_us);
}

static void look_at (supervisor_t *self, int dir, const char *file, int64_t now_us)
{
    plugin_stamp_t stamp;
    size_t stem;
    if (!is_plugin (file, &stem) || !plugin_file_stamp (dir, file, &stamp))
        return;
    adapter_t *adapter = find (self, file, stem);
    if (!adapter)
        adapter = adapter_new (self, file, stem, now_us);
    adapter->present = true;
    if ((!adapter->removed && plugin_stamp_equal (&stamp, &adapter->stamp))
        || plugin_file_busy (dir, file))
        return;
    adapter->stamp = stamp;
    take_file (self, adapter, dir, file, now_us);
}

static void drop_absent (supervisor_t *self, int64_t now_us)
{
    for (plv_node_t *at = self->adapters.next, *next; at != &self->adapters; at = next) {
        adapter_t *adapter = PLV_OF (at, adapter_t, node);
        next = at->next;
        if (adapter->present || adapter->removed)
            continue;
        adapter->removed = true;
        adapter->unwanted = false;
        memset (&adapter->stamp, 0, sizeof adapter->stamp);
        stop_adapter (self, adapter, now_us);
        if (plv_list_empty (&adapter->leaving))
            adapter_destroy (adapter);
    }
}

/*  A directory that is not there at the moment (an upgrade) changes nothing.  */
static void scan (supervisor_t *self, int64_t now_us)
{
    struct dirent *entry;
    self->scan_us = INT64_MAX;
    if (self->watch < 0)
        self->watch = inotify_add_watch (self->inotify, self->dir,
                                         IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE
                                             | IN_ATTRIB | IN_CREATE | IN_ONLYDIR);
    DIR *dir = self->watch >= 0 ? opendir (self->dir) : NULL;
    if (!dir) {
        self->scan_us = now_us + LOOK_AGAIN_MS * 1000;
        return;
    }
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next)
        PLV_OF (at, adapter_t, node)->present = false;
    while ((entry = readdir (dir)))
        look_at (self, dirfd (dir), entry->d_name, now_us);
    closedir (dir);
    drop_absent (self, now_us);
}

static void read_inotify (supervisor_t *self, int64_t now_us)
{
    _Alignas(struct inotify_event) char bytes[4096];
    ssize_t got;
    while ((got = read (self->inotify, bytes, sizeof bytes)) > 0) {
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *event =
                (const struct inotify_event *) (const void *) (bytes + at);
            if (event->mask & IN_IGNORED && event->wd == self->watch)
                self->watch = -1;
            at += (ssize_t) sizeof *event + event->len;
        }
        if (!self->stopping && self->scan_us == INT64_MAX)
            self->scan_us = now_us + (int64_t) self->options.settle_ms * 1000;
    }
}

/* ------------------------------------------------------------------ how a process goes */

static void describe_end (const host_process_t *process, int status, char *ret_text, size_t size)
{
    char how[128];
    host_status_text (status, how, sizeof how);
    if (process->why[0])
        snprintf (ret_text, size, "%s: %s", how, process->why);
    else
        snprintf (ret_text, size, "%s", how);
}

static void log_end (supervisor_t *self, const adapter_t *adapter, const char *how,
                     int64_t restart_ms)
{
    plv_log (self->log, LOG_ADAPTER_EXITED, F_STR ("adapter", adapter->name), F_STR ("status", how),
             F_INT ("restart_ms", restart_ms));
}

static void current_ended (supervisor_t *self, adapter_t *adapter, int status, int64_t now_us)
{
    host_process_t *process = adapter->current;
    bool steady = process->is_open
                  && now_us - process->started_us >= (int64_t) self->options.steady_ms * 1000;
    describe_end (process, status, adapter->last, sizeof adapter->last);
    host_process_destroy (&adapter->current);
    if (adapter->fresh) { /* what was to replace it does so now */
        log_end (self, adapter, adapter->last, 0);
        adapter->current = adapter->fresh;
        adapter->fresh = NULL;
        set_state (adapter, SUPERVISED_STARTING, now_us);
        return;
    }
    if (host_status_refused (status)) {
        char why[sizeof adapter->last];
        memcpy (why, adapter->last, sizeof why);
        refuse (self, adapter, why, now_us);
        return;
    }
    adapter->failures = steady ? 1 : adapter->failures + 1;
    int64_t wait =
        backoff_us ((int64_t) self->options.backoff_ms * 1000,
                    (int64_t) self->options.backoff_max_ms * 1000, adapter->failures, &self->rng);
    adapter->restart_us = now_us + wait;
    set_state (adapter, SUPERVISED_BACKOFF, now_us);
    log_end (self, adapter, adapter->last, wait / 1000);
}

static void fresh_ended (supervisor_t *self, adapter_t *adapter, int status, int64_t now_us)
{
    char why[sizeof adapter->last];
    describe_end (adapter->fresh, status, why, sizeof why);
    host_process_destroy (&adapter->fresh);
    refuse (self, adapter, why, now_us); /* the old one stays */
}

/*  Kills what does not answer: then it ends like any other crash, and its last words say why.  */
static void check_pulse (supervisor_t *self, host_process_t *process, int64_t now_us)
{
    int64_t most = process->is_open ? self->options.hang_ms : self->options.open_ms;
    if (process->is_leaving || now_us - process->beat_us < most * 1000 || process->why[0])
        return;
    snprintf (process->why, sizeof process->why, "its loop said nothing for %lld ms: killed",
              (long long) most);
    host_process_signal (process, SIGKILL);
}

static void step_leaving (supervisor_t *self, adapter_t *adapter, int64_t now_us)
{
    for (plv_node_t *at = adapter->leaving.next, *next; at != &adapter->leaving; at = next) {
        host_process_t *process = PLV_OF (at, host_process_t, node);
        int status;
        next = at->next;
        host_process_listen (process, now_us);
        if (host_process_ended (process, &status)) {
            char how[600];
            describe_end (process, status, how, sizeof how);
            plv_log (self->log, LOG_ADAPTER_LEFT, F_STR ("adapter", adapter->name),
                     F_STR ("status", how));
            host_process_destroy (&process);
        } else if (now_us >= process->kill_us) {
            process->kill_us = INT64_MAX;
            snprintf (process->why, sizeof process->why, "did not leave in time: killed");
            host_process_signal (process, SIGKILL);
        }
    }
    if (adapter->state == SUPERVISED_STOPPING && plv_list_empty (&adapter->leaving))
        set_state (adapter, SUPERVISED_STOPPED, now_us);
}

static void step_fresh (supervisor_t *self, adapter_t *adapter, int64_t now_us)
{
    int status;
    if (!adapter->fresh)
        return;
    bool opened = host_process_listen (adapter->fresh, now_us);
    check_pulse (self, adapter->fresh, now_us);
    if (opened) {
        leave (self, adapter, &adapter->current, now_us);
        adapter->current = adapter->fresh;
        adapter->fresh = NULL;
        adapter->restarts++;
        set_state (adapter, SUPERVISED_STARTING, now_us);
    } else if (host_process_ended (adapter->fresh, &status)) {
        fresh_ended (self, adapter, status, now_us);
    }
}

static void step_current (supervisor_t *self, adapter_t *adapter, int64_t now_us)
{
    int status;
    if (!adapter->current)
        return;
    host_process_listen (adapter->current, now_us);
    check_pulse (self, adapter->current, now_us);
    if (host_process_ended (adapter->current, &status))
        current_ended (self, adapter, status, now_us);
    else
        set_state (adapter, adapter->current->is_up ? SUPERVISED_READY : SUPERVISED_STARTING,
                   now_us);
}

static void step_adapter (supervisor_t *self, adapter_t *adapter, int64_t now_us)
{
    step_leaving (self, adapter, now_us);
    step_fresh (self, adapter, now_us);
    step_current (self, adapter, now_us);
    if (now_us >= adapter->restart_us) {
        adapter->restarts++;
        start_current (self, adapter, now_us);
    }
    if (adapter->removed && plv_list_empty (&adapter->leaving))
        adapter_destroy (adapter);
}

void supervisor_step (supervisor_t *self, int64_t now_us)
{
    read_inotify (self, now_us);
    for (plv_node_t *at = self->adapters.next, *next; at != &self->adapters; at = next) {
        next = at->next;
        step_adapter (self, PLV_OF (at, adapter_t, node), now_us);
    }
    if (now_us >= self->scan_us)
        scan (self, now_us);
}

/* ------------------------------------------------------------------ deadlines */

static int64_t sooner (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t pulse_deadline (const supervisor_t *self, const host_process_t *process)
{
    if (!process || process->why[0])
        return INT64_MAX;
    return process->beat_us
           + (int64_t) (process->is_open ? self->options.hang_ms : self->options.open_ms) * 1000;
}

int64_t supervisor_deadline (const supervisor_t *self)
{
    int64_t due = self->scan_us;
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next) {
        const adapter_t *adapter = PLV_OF (at, adapter_t, node);
        due = sooner (due, adapter->restart_us);
        due = sooner (due, pulse_deadline (self, adapter->current));
        due = sooner (due, pulse_deadline (self, adapter->fresh));
        for (plv_node_t *old = adapter->leaving.next; old != &adapter->leaving; old = old->next)
            due = sooner (due, PLV_OF (old, host_process_t, node)->kill_us);
    }
    return due;
}

int supervisor_fd (const supervisor_t *self)
{
    return self->epoll;
}

/* ------------------------------------------------------------------ life */

static uint32_t or_standard (uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

static void take_options (supervisor_t *self, const supervisor_options_t *options)
{
    self->options = *options;
    self->options.settle_ms = or_standard (options->settle_ms, 50);
    self->options.backoff_ms = or_standard (options->backoff_ms, 250);
    self->options.backoff_max_ms = or_standard (options->backoff_max_ms, 30000);
    self->options.steady_ms = or_standard (options->steady_ms, 60000);
    self->options.open_ms = or_standard (options->open_ms, 30000);
    self->options.hang_ms = or_standard (options->hang_ms, 10000);
    self->options.drain_ms = or_standard (options->drain_ms, 15000);
    self->dir = plv_strdup (options->dir);
    self->copies = plv_strdup (options->copies);
    self->program = plv_strdup (options->program);
    self->broker = plv_strdup (options->broker);
    self->conf = plv_strdup (options->conf ? options->conf : "");
    self->log = options->log;
    self->rng = plv_rng_seed (options->seed);
}

static plv_err_t check_dir (const char *dir, plv_fail_t *ret_fail)
{
    int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "the plugin directory %s: %s", dir,
                         strerror (errno));
    close (fd);
    return ERR_OK;
}

static plv_err_t open_watches (supervisor_t *self, plv_fail_t *ret_fail)
{
    struct epoll_event event = {.events = EPOLLIN};
    self->epoll = epoll_create1 (EPOLL_CLOEXEC);
    self->inotify = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
    self->watch = -1;
    if (self->epoll < 0 || self->inotify < 0
        || epoll_ctl (self->epoll, EPOLL_CTL_ADD, self->inotify, &event) < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno),
                         "the plugin directory cannot be watched: %s", strerror (errno));
    return ERR_OK;
}

plv_err_t supervisor_new (const supervisor_options_t *options, int64_t now_us,
                          supervisor_t **ret_supervisor, plv_fail_t *ret_fail)
{
    supervisor_t *self = plv_alloc_zero (1, sizeof *self);
    plv_list_init (&self->adapters);
    take_options (self, options);
    self->scan_us = INT64_MAX;
    plv_err_t err = check_dir (self->dir, ret_fail);
    if (!err)
        err = plugin_file_prepare (self->copies, ret_fail);
    if (!err)
        err = open_watches (self, ret_fail);
    if (err) {
        supervisor_destroy (&self);
        return err;
    }
    scan (self, now_us);
    *ret_supervisor = self;
    return ERR_OK;
}

void supervisor_destroy (supervisor_t **self_p)
{
    supervisor_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    for (plv_node_t *at; (at = plv_list_first (&self->adapters));)
        adapter_destroy (PLV_OF (at, adapter_t, node));
    if (self->epoll > 0)
        close (self->epoll);
    if (self->inotify > 0)
        close (self->inotify);
    free (self->dir);
    free (self->copies);
    free (self->program);
    free (self->broker);
    free (self->conf);
    free (self);
    *self_p = NULL;
}

void supervisor_stop (supervisor_t *self, int64_t now_us)
{
    self->stopping = true;
    self->scan_us = INT64_MAX;
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next)
        stop_adapter (self, PLV_OF (at, adapter_t, node), now_us);
}

bool supervisor_stopped (const supervisor_t *self)
{
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next) {
        const adapter_t *adapter = PLV_OF (at, adapter_t, node);
        if (adapter->current || adapter->fresh || !plv_list_empty (&adapter->leaving))
            return false;
    }
    return true;
}

bool supervisor_adapter_restart (supervisor_t *self, const char *name, int64_t now_us)
{
    adapter_t *adapter = find (self, name, strlen (name));
    if (!adapter || adapter->removed || self->stopping)
        return false;
    adapter->unwanted = false;
    adapter->failures = 0;
    replace (self, adapter, now_us);
    return true;
}

bool supervisor_adapter_start (supervisor_t *self, const char *name, int64_t now_us)
{
    adapter_t *adapter = find (self, name, strlen (name));
    if (adapter && adapter->current)
        return true;
    return supervisor_adapter_restart (self, name, now_us);
}

bool supervisor_adapter_stop (supervisor_t *self, const char *name, int64_t now_us)
{
    adapter_t *adapter = find (self, name, strlen (name));
    if (!adapter || adapter->removed)
        return false;
    adapter->unwanted = true;
    stop_adapter (self, adapter, now_us);
    return true;
}

void supervisor_reload (supervisor_t *self, int64_t now_us)
{
    for (plv_node_t *at = self->adapters.next; !self->stopping && at != &self->adapters;
         at = at->next) {
        adapter_t *adapter = PLV_OF (at, adapter_t, node);
        if (!adapter->unwanted && !adapter->removed && adapter->copy[0])
            replace (self, adapter, now_us);
    }
}

static const host_process_t *process_of (const adapter_t *adapter)
{
    if (adapter->current)
        return adapter->current;
    const plv_node_t *first = plv_list_first (&adapter->leaving);
    return first ? PLV_OF (first, host_process_t, node) : NULL;
}

bool supervisor_next (const supervisor_t *self, size_t *at, supervisor_status_t *ret_status)
{
    const plv_node_t *node = self->adapters.next;
    for (size_t skip = *at; skip && node != &self->adapters; skip--)
        node = node->next;
    if (node == &self->adapters)
        return false;
    const adapter_t *adapter = PLV_OF (node, adapter_t, node);
    const host_process_t *process = process_of (adapter);
    ++*at;
    *ret_status = (supervisor_status_t){
        .name = adapter->name,
        .state = adapter->state,
        .pid = process ? process->pid : 0,
        .version = process ? process->version : "",
        .file = adapter->copy,
        .restarts = adapter->restarts,
        .last = adapter->last,
        .since_us = adapter->since_us,
        .next_us = adapter->restart_us,
    };
    return true;
}
