#include "shell/adapters/supervisor.h"

#include "base/alloc.h"
#include "shell/adapters/supervised.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

/*  A file of one piece is copied by two steps, at once.  */
enum { LOOK_AGAIN_MS = 1000, METRICS_ADAPTERS_MAX = 256, COPY_STEPS_A_TURN = 2 };
static_assert (SUPERVISED_NAME_BYTES == PLUGIN_STEM_MAX + 1, "a good name fits");

struct supervisor {
    char *dir, *copies, *program, *broker;
    char *conf_file, *conf_adapters, *conf_user;
    plv_buf_t off; /* names, each ended by NUL */
    supervision_t all;
    int inotify;
    int watch;       /* -1: the directory is not there */
    int64_t scan_us; /* INT64_MAX: nothing has changed */
    plv_node_t adapters;
    bool stopping;
};

/* ------------------------------------------------------------------ the directory */

/*  The adapter that a file is. What a tool hides while it writes is none yet. One whose name will not do is refused,
    under what of it can be shown.  */
static bool is_plugin (const char *file, char ret_name[SUPERVISED_NAME_BYTES])
{
    const char *dot = strrchr (file, '.');
    if (*file == '.' || !dot || strcmp (dot, ".so") != 0)
        return false;
    plugin_file_visible (file, ret_name, SUPERVISED_NAME_BYTES);
    if (dot - file < SUPERVISED_NAME_BYTES)
        ret_name[dot - file] = 0;
    return true;
}

static supervised_t *find (const supervisor_t *self, const char *name)
{
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next) {
        supervised_t *adapter = PLV_OF (at, supervised_t, node);
        if (strcmp (adapter->name, name) == 0)
            return adapter;
    }
    return NULL;
}

static supervised_t *add (supervisor_t *self, const char *name, int64_t now_us)
{
    supervised_t *adapter = supervised_new (&self->all, name, now_us);
    plv_list_push (&self->adapters, &adapter->node);
    return adapter;
}

/*  Nothing of the adapter changes unless the content of its file has.  */
static void take_copy (supervised_t *adapter, const char *path, int64_t now_us)
{
    bool same = strcmp (path, adapter->copy) == 0;
    bool tried = adapter->state == SUPERVISED_REFUSED || adapter->removed;
    adapter->removed = false;
    if (!same || tried)
        supervised_take (adapter, path, now_us);
}

/*  A part a turn: a large file holds nobody up.  */
static void go_on_copying (supervised_t *adapter, int64_t now_us)
{
    char path[PLUGIN_PATH_BYTES] = "";
    plv_fail_t fail;
    plv_err_t err = ERR_OK;
    for (int step = 0; step < COPY_STEPS_A_TURN && !err && !path[0]; step++)
        err = plugin_copy_step (adapter->copying, path, &fail);
    if (!err && !path[0])
        return;
    plugin_copy_destroy (&adapter->copying);
    if (err)
        supervised_refuse (adapter, fail.text, now_us);
    else
        take_copy (adapter, path, now_us);
}

/*  The file is new, or was touched.  */
static void take_file (supervisor_t *self, supervised_t *adapter, int dir, const char *file,
                       int64_t now_us)
{
    plv_fail_t fail;
    plugin_copy_destroy (&adapter->copying);
    if (plugin_copy_new (dir, file, self->copies, &adapter->copying, &fail))
        supervised_refuse (adapter, fail.text, now_us);
    else
        go_on_copying (adapter, now_us);
}

static void look_at (supervisor_t *self, int dir, const char *file, int64_t now_us)
{
    plugin_stamp_t stamp;
    char name[SUPERVISED_NAME_BYTES];
    if (!is_plugin (file, name) || supervisor_is_off (self, name)
        || !plugin_file_stamp (dir, file, &stamp))
        return;
    supervised_t *adapter = find (self, name);
    if (!adapter)
        adapter = add (self, name, now_us);
    adapter->present = true;
    bool is_taken = !adapter->removed || adapter->copying;
    if ((is_taken && plugin_stamp_equal (&stamp, &adapter->stamp)) || plugin_file_busy (dir, file))
        return;
    adapter->stamp = stamp;
    take_file (self, adapter, dir, file, now_us);
}

static void drop_absent (supervisor_t *self, int64_t now_us)
{
    for (plv_node_t *at = self->adapters.next, *next; at != &self->adapters; at = next) {
        supervised_t *adapter = PLV_OF (at, supervised_t, node);
        next = at->next;
        if (adapter->present)
            continue;
        plugin_copy_destroy (&adapter->copying);
        if (adapter->removed)
            continue;
        adapter->removed = true;
        adapter->unwanted = false;
        memset (&adapter->stamp, 0, sizeof adapter->stamp);
        supervised_stop (adapter, now_us);
        if (supervised_empty (adapter))
            supervised_destroy (&adapter);
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
        PLV_OF (at, supervised_t, node)->present = false;
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
            self->scan_us = now_us + (int64_t) self->all.options.settle_ms * 1000;
    }
}

/* ------------------------------------------------------------------ the loop */

void supervisor_step (supervisor_t *self, int64_t now_us)
{
    read_inotify (self, now_us);
    for (plv_node_t *at = self->adapters.next, *next; at != &self->adapters; at = next) {
        supervised_t *adapter = PLV_OF (at, supervised_t, node);
        next = at->next;
        if (adapter->copying)
            go_on_copying (adapter, now_us);
        supervised_step (adapter, now_us);
        if (adapter->removed && !adapter->copying && supervised_empty (adapter))
            supervised_destroy (&adapter);
    }
    if (now_us >= self->scan_us)
        scan (self, now_us);
}

void supervisor_stalled (supervisor_t *self, int64_t now_us)
{
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next)
        supervised_stalled (PLV_OF (at, supervised_t, node), now_us);
}

int64_t supervisor_deadline (const supervisor_t *self)
{
    int64_t due = self->scan_us;
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next) {
        int64_t its = supervised_deadline (PLV_OF (at, supervised_t, node));
        due = its < due ? its : due;
    }
    return due;
}

int supervisor_fd (const supervisor_t *self)
{
    return self->all.epoll;
}

/* ------------------------------------------------------------------ life */

static uint32_t or_standard (uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

static void take_text (char **own, const char *text)
{
    char *copy = plv_strdup (text ? text : "");
    free (*own);
    *own = copy;
}

void supervisor_configure (supervisor_t *self, const supervisor_conf_t *conf)
{
    take_text (&self->conf_file, conf->file);
    take_text (&self->conf_adapters, conf->adapters);
    take_text (&self->conf_user, geteuid () == 0 ? conf->user : "");
    self->all.options.conf = (supervisor_conf_t){
        .file = self->conf_file,
        .adapters = self->conf_adapters,
        .user = self->conf_user,
        .hang_ms = or_standard (conf->hang_ms, 10000),
    };
}

static void take_off (supervisor_t *self, const supervisor_conf_t *conf)
{
    plv_buf_clear (&self->off);
    for (size_t i = 0; i < conf->off_count; i++)
        plv_buf_add (&self->off, conf->off[i], strlen (conf->off[i]) + 1);
    plv_buf_check (&self->off);
}

static void take_options (supervisor_t *self, const supervisor_options_t *options)
{
    supervisor_options_t *set = &self->all.options;
    *set = *options;
    set->settle_ms = or_standard (options->settle_ms, 50);
    set->backoff_ms = or_standard (options->backoff_ms, 250);
    set->backoff_max_ms = or_standard (options->backoff_max_ms, 30000);
    set->steady_ms = or_standard (options->steady_ms, 60000);
    set->open_ms = or_standard (options->open_ms, 30000);
    set->drain_ms = or_standard (options->drain_ms, 15000);
    set->dir = self->dir = plv_strdup (options->dir);
    set->copies = self->copies = plv_strdup (options->copies);
    set->program = self->program = plv_strdup (options->program);
    set->broker = self->broker = plv_strdup (options->broker);
    supervisor_configure (self, &options->conf);
    take_off (self, &options->conf);
    self->all.rng = plv_rng_seed (options->seed);
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
    self->all.epoll = epoll_create1 (EPOLL_CLOEXEC);
    self->inotify = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
    self->watch = -1;
    if (self->all.epoll < 0 || self->inotify < 0
        || epoll_ctl (self->all.epoll, EPOLL_CTL_ADD, self->inotify, &event) < 0)
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

void supervisor_let_go (supervisor_t *self)
{
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next)
        supervised_let_go (PLV_OF (at, supervised_t, node));
}

void supervisor_destroy (supervisor_t **self_p)
{
    supervisor_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    for (plv_node_t *at; (at = plv_list_first (&self->adapters));)
        supervised_destroy (&(supervised_t *){PLV_OF (at, supervised_t, node)});
    if (self->all.epoll > 0)
        close (self->all.epoll);
    if (self->inotify > 0)
        close (self->inotify);
    free (self->dir);
    free (self->copies);
    free (self->program);
    free (self->broker);
    free (self->conf_file);
    free (self->conf_adapters);
    free (self->conf_user);
    plv_buf_free (&self->off);
    free (self);
    *self_p = NULL;
}

void supervisor_stop (supervisor_t *self, int64_t now_us)
{
    self->stopping = true;
    self->scan_us = INT64_MAX;
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next) {
        supervised_t *adapter = PLV_OF (at, supervised_t, node);
        plugin_copy_destroy (&adapter->copying);
        supervised_stop (adapter, now_us);
    }
}

bool supervisor_stopped (const supervisor_t *self)
{
    for (plv_node_t *at = self->adapters.next; at != &self->adapters; at = at->next) {
        if (!supervised_empty (PLV_OF (at, supervised_t, node)))
            return false;
    }
    return true;
}

/*  The next scan takes its file for one that was touched: its file may not be why it was refused.  */
static void look_again (supervised_t *adapter)
{
    memset (&adapter->stamp, 0, sizeof adapter->stamp);
}

bool supervisor_adapter_restart (supervisor_t *self, const char *name, int64_t now_us)
{
    supervised_t *adapter = find (self, name);
    if (!adapter || adapter->removed || self->stopping)
        return false;
    adapter->unwanted = false;
    adapter->failures = 0;
    supervised_ask (adapter);
    supervised_replace (adapter, now_us);
    look_again (adapter);
    self->scan_us = now_us;
    return true;
}

bool supervisor_adapter_start (supervisor_t *self, const char *name, int64_t now_us)
{
    supervised_t *adapter = find (self, name);
    if (!adapter || !adapter->current)
        return supervisor_adapter_restart (self, name, now_us);
    supervised_ask (adapter);
    return true;
}

bool supervisor_adapter_stop (supervisor_t *self, const char *name, int64_t now_us)
{
    supervised_t *adapter = find (self, name);
    if (!adapter || adapter->removed)
        return false;
    adapter->unwanted = true;
    supervised_stop (adapter, now_us);
    return true;
}

void supervisor_reload (supervisor_t *self, const supervisor_conf_t *conf, int64_t now_us)
{
    supervisor_configure (self, conf);
    take_off (self, conf);
    if (!self->stopping)
        self->scan_us = now_us;
    for (plv_node_t *at = self->adapters.next; !self->stopping && at != &self->adapters;
         at = at->next) {
        supervised_t *adapter = PLV_OF (at, supervised_t, node);
        if (supervisor_is_off (self, adapter->name))
            continue; /* the scan that follows takes it away */
        look_again (adapter);
        if (adapter->unwanted)
            plv_log (self->all.options.log, LOG_ADAPTER_UNWANTED, F_STR ("adapter", adapter->name));
        else if (!adapter->removed && adapter->copy[0])
            supervised_replace (adapter, now_us);
    }
}

bool supervisor_is_off (const supervisor_t *self, const char *name)
{
    for (size_t at = 0; at < self->off.size;) {
        const char *one = (const char *) self->off.data + at;
        if (strcmp (one, name) == 0)
            return true;
        at += strlen (one) + 1;
    }
    return false;
}

bool supervisor_next (const supervisor_t *self, size_t *at, supervisor_status_t *ret_status)
{
    const plv_node_t *node = self->adapters.next;
    for (size_t skip = *at; skip && node != &self->adapters; skip--)
        node = node->next;
    if (node == &self->adapters)
        return false;
    ++*at;
    supervised_status (PLV_OF (node, supervised_t, node), ret_status);
    return true;
}

void supervisor_metrics (const supervisor_t *self, plv_buf_t *out)
{
    adapter_metrics_of_t adapters[METRICS_ADAPTERS_MAX];
    size_t count = 0;
    for (const plv_node_t *node = self->adapters.next;
         node != &self->adapters && count < METRICS_ADAPTERS_MAX; node = node->next) {
        const supervised_t *adapter = PLV_OF (node, supervised_t, node);
        if (adapter->current)
            adapters[count++] = (adapter_metrics_of_t){adapter->name, &adapter->current->metrics};
    }
    adapter_metrics_render (adapters, count, out);
}
