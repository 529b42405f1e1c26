#include "shell/adapters/supervised.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAVE_UNOPENED_MS = 500 };

static const char *const state_names[] = {
#define SUPERVISED(name, word, meaning) [SUPERVISED_##name] = (word),
#include "shell/adapters/supervised.def"
#undef SUPERVISED
};

const char *supervised_state_name (supervised_state_t state)
{
    return (size_t) state < sizeof state_names / sizeof *state_names ? state_names[state] : "?";
}

static const char *const asked_names[] = {
#define ASKED(name, word, meaning) [ASKED_##name] = (word),
#include "shell/adapters/asked.def"
#undef ASKED
};

const char *supervised_asked_name (supervised_asked_t asked)
{
    return (size_t) asked < sizeof asked_names / sizeof *asked_names ? asked_names[asked] : "?";
}

/* ------------------------------------------------------------------ life */

static void set_state (supervised_t *self, supervised_state_t state, int64_t now_us)
{
    if (self->state != state)
        self->since_us = now_us;
    self->state = state;
}

supervised_t *supervised_new (supervision_t *all, const char *name, int64_t now_us)
{
    supervised_t *self = plv_alloc_zero (1, sizeof *self);
    self->all = all;
    snprintf (self->name, sizeof self->name, "%s", name);
    plv_list_init (&self->leaving);
    self->restart_us = INT64_MAX;
    self->state = SUPERVISED_STOPPED;
    self->since_us = now_us;
    return self;
}

void supervised_destroy (supervised_t **self_p)
{
    supervised_t *self = *self_p;
    plv_node_t *node;
    if (!self)
        return;
    plugin_copy_destroy (&self->copying);
    host_process_destroy (&self->current);
    host_process_destroy (&self->fresh);
    while ((node = plv_list_first (&self->leaving))) {
        host_process_t *process = PLV_OF (node, host_process_t, node);
        host_process_destroy (&process);
    }
    if (self->removed) {
        unlink (self->copy);
        unlink (self->good);
    }
    plv_node_remove (&self->node);
    free (self->adapters);
    free (self->good_adapters);
    free (self);
    *self_p = NULL;
}

/* ------------------------------------------------------------------ what an operator asked for */

void supervised_ask (supervised_t *self)
{
    self->asked = ASKED_UNDER_WAY;
}

static void ask_ends (supervised_t *self, supervised_asked_t how)
{
    if (self->asked == ASKED_UNDER_WAY)
        self->asked = how;
}

/* ------------------------------------------------------------------ copies */

static bool runs_from (const host_process_t *process, const char *copy)
{
    return process && strcmp (process->file, copy) == 0;
}

/*  Removes a copy that nobody runs from, nor will: each change of the file makes one.  */
static void drop_copy (const supervised_t *self, const char *copy)
{
    bool used = strcmp (self->copy, copy) == 0 || strcmp (self->good, copy) == 0
                || runs_from (self->current, copy) || runs_from (self->fresh, copy);
    for (const plv_node_t *at = self->leaving.next; at != &self->leaving; at = at->next)
        used = used || runs_from (PLV_OF (at, host_process_t, node), copy);
    if (!used)
        unlink (copy);
}

static void set_copy (supervised_t *self, char which[PLUGIN_PATH_BYTES], const char *copy)
{
    char before[PLUGIN_PATH_BYTES];
    snprintf (before, sizeof before, "%s", which);
    snprintf (which, PLUGIN_PATH_BYTES, "%s", copy);
    drop_copy (self, before);
}

static void set_adapters (char **own_p, const char *adapters)
{
    char *copy = plv_strdup (adapters);
    free (*own_p);
    *own_p = copy;
}

/*  It has ended.  */
static void bury (supervised_t *self, host_process_t **process_p)
{
    char copy[PLUGIN_PATH_BYTES];
    snprintf (copy, sizeof copy, "%s", (*process_p)->file);
    host_process_destroy (process_p);
    drop_copy (self, copy);
}

/* ------------------------------------------------------------------ failures */

static void note (supervised_t *self, const char *why, int64_t now_us)
{
    if (why != self->last)
        snprintf (self->last, sizeof self->last, "%s", why);
    self->last_us = now_us;
}

void supervised_refuse (supervised_t *self, const char *why, int64_t now_us)
{
    note (self, why, now_us);
    ask_ends (self, ASKED_FAILED);
    self->restart_us = INT64_MAX;
    if (!self->current)
        set_state (self, SUPERVISED_REFUSED, now_us);
    plv_log (self->all->options.log, LOG_ADAPTER_REFUSED, F_STR ("file", self->name),
             F_STR ("why", self->last));
}

/*  What it said of its end, without the path of the copy that it ran; what it did not say is ours to tell.  */
static const char *end_why (const host_process_t *process, int status)
{
    size_t size = strlen (process->file);
    if (process->why[0])
        return strncmp (process->why, process->file, size) == 0
                       && strncmp (process->why + size, ": ", 2) == 0
                   ? process->why + size + 2
                   : process->why;
    if (!WIFEXITED (status) || process->is_leaving)
        return "";
    if (WEXITSTATUS (status) == 0)
        return "the broker did not ask for it: somebody else did, or the plugin called exit ()";
    return WEXITSTATUS (status) < HOST_CODE_FIRST || WEXITSTATUS (status) >= HOST_REFUSED_FIRST
               ? "the plugin ended its process, which is not for it to do"
               : "";
}

static void describe_end (const host_process_t *process, int status,
                          char ret_text[SUPERVISED_WHY_BYTES])
{
    char how[128];
    host_status_text (status, how, sizeof how);
    const char *why = end_why (process, status);
    snprintf (ret_text, SUPERVISED_WHY_BYTES, "%s%s%s", how, *why ? ": " : "", why);
}

/* ------------------------------------------------------------------ starting and leaving */

static host_process_t *start (supervised_t *self, bool beside, int64_t now_us)
{
    const supervisor_options_t *set = &self->all->options;
    host_process_options_t options = {
        .program = set->program,
        .plugin = self->copy,
        .name = self->name,
        .broker = set->broker,
        .copies = set->copies,
        .adapters = self->adapters,
        .conf = &set->conf,
        .beside = beside,
        .log = set->log,
        .epoll = self->all->epoll,
        .proof_key = set->proof_key,
    };
    host_process_t *process = NULL;
    plv_fail_t fail;
    if (host_process_start (&options, now_us, &process, &fail)) {
        supervised_refuse (self, fail.text, now_us);
        return NULL;
    }
    plv_log (set->log, LOG_ADAPTER_STARTED, F_STR ("adapter", self->name),
             F_INT ("pid", process->pid));
    if (set->starts)
        set->starts (set->starts_arg, self->name);
    return process;
}

static void leave (supervised_t *self, host_process_t **process_p, int64_t now_us)
{
    host_process_t *process = *process_p;
    if (!process)
        return;
    *process_p = NULL;
    process->is_leaving = true;
    process->leave_us = now_us;
    plv_list_push (&self->leaving, &process->node);
    host_process_signal (process, SIGTERM);
}

static void start_current (supervised_t *self, int64_t now_us)
{
    self->restart_us = INT64_MAX;
    if (!self->copy[0])
        return;
    self->current = start (self, !plv_list_empty (&self->leaving), now_us);
    if (self->current)
        set_state (self, SUPERVISED_STARTING, now_us);
}

static void replace (supervised_t *self, int64_t now_us)
{
    leave (self, &self->fresh, now_us);
    if (self->current && !self->current->is_open)
        leave (self, &self->current, now_us);
    if (!self->current) {
        start_current (self, now_us);
        return;
    }
    host_process_signal (self->current, SIGUSR1); /* it shares its port from now on */
    self->fresh = start (self, true, now_us);
}

void supervised_replace (supervised_t *self, int64_t now_us)
{
    set_adapters (&self->adapters, self->all->options.conf.adapters);
    replace (self, now_us);
}

void supervised_stop (supervised_t *self, int64_t now_us)
{
    leave (self, &self->fresh, now_us);
    leave (self, &self->current, now_us);
    ask_ends (self, ASKED_FAILED);
    self->restart_us = INT64_MAX;
    set_state (self, plv_list_empty (&self->leaving) ? SUPERVISED_STOPPED : SUPERVISED_DRAINING,
               now_us);
}

void supervised_take (supervised_t *self, const char *copy, int64_t now_us)
{
    set_copy (self, self->copy, copy);
    self->failures = 0;
    self->last[0] = 0;
    if (!self->unwanted)
        supervised_replace (self, now_us);
    else if (supervised_empty (self))
        set_state (self, SUPERVISED_STOPPED, now_us);
}

/* ------------------------------------------------------------------ how a process goes */

static void log_end (const supervised_t *self, int64_t restart_ms)
{
    plv_log (self->all->options.log, LOG_ADAPTER_EXITED, F_STR ("adapter", self->name),
             F_STR ("status", self->last), F_INT ("restart_ms", restart_ms));
}

static void back_off (supervised_t *self, bool steady, int64_t now_us)
{
    const supervisor_options_t *set = &self->all->options;
    self->failures = steady ? 1 : self->failures + 1;
    int64_t wait =
        backoff_us ((int64_t) set->backoff_ms * 1000, (int64_t) set->backoff_max_ms * 1000,
                    self->failures, &self->all->rng);
    self->restart_us = now_us + wait;
    ask_ends (self, ASKED_FAILED);
    set_state (self, SUPERVISED_RESTARTING, now_us);
    log_end (self, wait / 1000);
}

/*  As the last one that was open.  */
static bool runs_as_good (const supervised_t *self, const host_process_t *process)
{
    return runs_from (process, self->good) && strcmp (process->adapters, self->good_adapters) == 0;
}

/*  Is it the file or the conf that will not do, when there is one that did? What the world around it does not let open
    may be another matter in a moment.  */
static bool gives_way (const supervised_t *self, const host_process_t *process, int status)
{
    return !process->is_open && self->good[0] && !runs_as_good (self, process)
           && (WIFSIGNALED (status) || host_process_refused (process, status));
}

static void current_ended (supervised_t *self, int status, int64_t now_us)
{
    int64_t steady_us = (int64_t) self->all->options.steady_ms * 1000;
    bool steady = self->current->is_open && now_us - self->current->started_us >= steady_us;
    bool refused = host_process_refused (self->current, status);
    bool back = gives_way (self, self->current, status);
    describe_end (self->current, status, self->last);
    note (self, self->last, now_us);
    bury (self, &self->current);
    if (self->fresh) { /* what was to replace it does so now */
        log_end (self, 0);
        self->current = self->fresh;
        self->fresh = NULL;
        set_state (self, SUPERVISED_STARTING, now_us);
    } else if (back) {
        supervised_refuse (self, self->last, now_us);
        set_copy (self, self->copy, self->good);
        set_adapters (&self->adapters, self->good_adapters);
        back_off (self, false, now_us);
    } else if (refused) {
        supervised_refuse (self, self->last, now_us);
    } else {
        back_off (self, steady, now_us);
    }
}

/*  The old one stays, and is what is started again when it crashes.  */
static void fresh_ended (supervised_t *self, int status, int64_t now_us)
{
    char why[SUPERVISED_WHY_BYTES];
    describe_end (self->fresh, status, why);
    if (self->current) {
        set_copy (self, self->copy, self->current->file);
        set_adapters (&self->adapters, self->current->adapters);
    }
    bury (self, &self->fresh);
    supervised_refuse (self, why, now_us);
}

/* ------------------------------------------------------------------ patience */

static int64_t sooner (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*  How long its loop may be silent.  */
static int64_t silence_us (const supervised_t *self, const host_process_t *process)
{
    const supervisor_options_t *set = &self->all->options;
    return (int64_t) (process->is_open ? set->conf.hang_ms : set->open_ms) * 1000;
}

/*  How long it may take to leave. One that is not open has said nothing to the broker yet: nothing is in its hands.  */
static int64_t leaving_ms (const supervised_t *self, const host_process_t *process)
{
    if (!process->is_open)
        return LEAVE_UNOPENED_MS;
    return process->drain_ms ? process->drain_ms : self->all->options.drain_ms;
}

/*  When patience with its silence ends, or with its leaving.  */
static int64_t patience_ends (const supervised_t *self, const host_process_t *process)
{
    if (!process || process->is_killed)
        return INT64_MAX;
    int64_t silent = process->beat_us + silence_us (self, process);
    if (!process->is_leaving)
        return silent;
    return sooner (silent, process->leave_us + leaving_ms (self, process) * 1000);
}

static void blame (host_process_t *process, bool is_silent, long long silence_ms)
{
    char *why = process->why;
    size_t size = sizeof process->why;
    if (!is_silent)
        snprintf (why, size, "did not leave in time: killed");
    else if (process->is_open)
        snprintf (
            why, size,
            "its loop said nothing for %lld ms: killed; a callback of the plugin does not return",
            silence_ms);
    else
        snprintf (why, size,
                  "was not open after %lld ms: killed; open () or a constructor of the plugin does "
                  "not return",
                  silence_ms);
}

/*  Kills what does not answer or does not leave: then it ends like any other crash, and its last words say why.  */
static void check_patience (const supervised_t *self, host_process_t *process, int64_t now_us)
{
    if (now_us < patience_ends (self, process))
        return;
    int64_t silence = silence_us (self, process);
    blame (process, now_us - process->beat_us >= silence, silence / 1000);
    process->is_killed = true;
    host_process_signal (process, SIGKILL);
}

/* ------------------------------------------------------------------ steps */

static void leaving_ended (supervised_t *self, host_process_t *process, int status)
{
    char how[SUPERVISED_WHY_BYTES];
    describe_end (process, status, how);
    plv_log (self->all->options.log, LOG_ADAPTER_LEFT, F_STR ("adapter", self->name),
             F_STR ("status", how));
    bury (self, &process);
}

static void step_leaving (supervised_t *self, int64_t now_us)
{
    for (plv_node_t *at = self->leaving.next, *next; at != &self->leaving; at = next) {
        host_process_t *process = PLV_OF (at, host_process_t, node);
        int status;
        next = at->next;
        host_process_listen (process, now_us);
        check_patience (self, process, now_us);
        if (host_process_ended (process, &status))
            leaving_ended (self, process, status);
    }
    if (self->state == SUPERVISED_DRAINING && plv_list_empty (&self->leaving))
        set_state (self, SUPERVISED_STOPPED, now_us);
}

/*  True when it has become open.  */
static bool listen_to (supervised_t *self, host_process_t *process, int64_t now_us)
{
    bool opened = host_process_listen (process, now_us);
    if (opened) {
        set_copy (self, self->good, process->file);
        set_adapters (&self->good_adapters, process->adapters);
    }
    check_patience (self, process, now_us);
    return opened;
}

static void step_fresh (supervised_t *self, int64_t now_us)
{
    int status;
    if (!self->fresh)
        return;
    if (listen_to (self, self->fresh, now_us)) {
        leave (self, &self->current, now_us);
        self->current = self->fresh;
        self->fresh = NULL;
        set_state (self, SUPERVISED_STARTING, now_us);
    } else if (host_process_ended (self->fresh, &status)) {
        fresh_ended (self, status, now_us);
    }
}

static supervised_state_t how_it_serves (const host_process_t *process)
{
    if (!process->is_up)
        return SUPERVISED_STARTING;
    return process->trouble[0] ? SUPERVISED_DEGRADED : SUPERVISED_RUNNING;
}

/*  It asks for a successor that may read what it may not.  */
static void renew (supervised_t *self, int64_t now_us)
{
    if (!self->current || !self->current->renew[0] || self->fresh)
        return;
    plv_log (self->all->options.log, LOG_ADAPTER_RENEWED, F_STR ("adapter", self->name),
             F_STR ("why", self->current->renew));
    self->current->renew[0] = 0;
    self->restarts++;
    replace (self, now_us);
}

static void step_current (supervised_t *self, int64_t now_us)
{
    int status;
    if (!self->current)
        return;
    listen_to (self, self->current, now_us);
    if (host_process_ended (self->current, &status))
        current_ended (self, status, now_us);
    else
        set_state (self, how_it_serves (self->current), now_us);
    if (self->current && self->current->is_up && !self->fresh && !self->copying)
        ask_ends (self, ASKED_DONE);
}

void supervised_step (supervised_t *self, int64_t now_us)
{
    step_leaving (self, now_us);
    step_fresh (self, now_us);
    step_current (self, now_us);
    renew (self, now_us);
    if (now_us >= self->restart_us) {
        self->restarts++;
        start_current (self, now_us);
    }
}

void supervised_let_go (supervised_t *self)
{
    leave (self, &self->fresh, 0);
    leave (self, &self->current, 0);
    for (plv_node_t *at = self->leaving.next; at != &self->leaving; at = at->next)
        PLV_OF (at, host_process_t, node)->pid = 0;
}

/* ------------------------------------------------------------------ looking */

void supervised_stalled (supervised_t *self, int64_t now_us)
{
    if (self->current)
        self->current->beat_us = now_us;
    if (self->fresh)
        self->fresh->beat_us = now_us;
    for (plv_node_t *at = self->leaving.next; at != &self->leaving; at = at->next)
        PLV_OF (at, host_process_t, node)->beat_us = now_us;
}

int64_t supervised_deadline (const supervised_t *self)
{
    int64_t due = self->copying ? 0 : self->restart_us;
    due = sooner (due, patience_ends (self, self->current));
    due = sooner (due, patience_ends (self, self->fresh));
    for (const plv_node_t *at = self->leaving.next; at != &self->leaving; at = at->next)
        due = sooner (due, patience_ends (self, PLV_OF (at, host_process_t, node)));
    return due;
}

bool supervised_empty (const supervised_t *self)
{
    return !self->current && !self->fresh && plv_list_empty (&self->leaving);
}

/*  Why one that is open does not serve yet: an earlier one has the name, and finishes what it has in hand.  */
static const host_process_t *awaited (const supervised_t *self)
{
    const plv_node_t *first = plv_list_first (&self->leaving);
    bool waits = self->current && self->current->is_open && !self->current->is_up;
    return waits && first ? PLV_OF (first, host_process_t, node) : NULL;
}

static const host_process_t *process_of (const supervised_t *self)
{
    if (self->current)
        return self->current;
    const plv_node_t *first = plv_list_first (&self->leaving);
    return first ? PLV_OF (first, host_process_t, node) : NULL;
}

void supervised_status (const supervised_t *self, supervisor_status_t *ret_status)
{
    const host_process_t *process = process_of (self), *earlier = awaited (self);
    *ret_status = (supervisor_status_t){
        .name = self->name,
        .state = self->state,
        .pid = process ? process->pid : 0,
        .version = process ? process->version : "",
        .platform = process ? process->platform : "",
        .file = self->copy,
        .restarts = self->restarts,
        .asked = self->asked,
        .last = self->last,
        .last_us = self->last_us,
        .trouble = process && self->state == SUPERVISED_DEGRADED ? process->trouble : "",
        .started_us = process ? process->started_us : 0,
        .since_us = self->since_us,
        .next_us = self->restart_us,
        .awaits = earlier ? earlier->pid : 0,
        .awaits_us = earlier ? earlier->leave_us + leaving_ms (self, earlier) * 1000 : 0,
    };
}
