#include "host/host.h"

#include "host/isolation/environment.h"
#include "host/isolation/isolation.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log/log_line.h"
#include "host/net/services_net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BEAT_MS = 1000,
    DRAIN_CHECK_MS = 20,
    CLOSE_MS_MOST = 5000, /* to close, and to say the last words */
    BESIDE_TRIES = 20,
    BESIDE_MS = 100,
    LAST_WORDS_MS = 500,
    STUCK_S = 60, /* a loop that stands still for so long ends by SIGALRM, supervised or not */
};

/* ------------------------------------------------------------------ to the supervisor */

static host_exit_t refused (host_t *self, host_exit_t code, const char *why)
{
    plv_log (self->log, LOG_HOST_REFUSED, F_STR ("adapter", self->options.name), F_STR ("why", why),
             F_INT ("code", code));
    host_tell (self, "FAIL %s", why);
    return code;
}

static void on_beat (uv_timer_t *timer)
{
    host_t *self = timer->data;
    if (self->options.status_fd >= 0)
        alarm (STUCK_S);
    host_tell (self, "BEAT");
    services_kit_beat (self->kit);
}

/* ------------------------------------------------------------------ the broker came or went */

static void on_up (void *arg, bool up)
{
    host_t *self = arg;
    const pal_adapter_t *adapter = plugin_adapter (self->plugin);
    self->in_trouble = false;
    self->was_up = self->was_up || up;
    if (up)
        plv_log (self->log, LOG_HOST_UP, F_STR ("adapter", self->options.name));
    else
        plv_log (self->log, LOG_HOST_DOWN, F_STR ("adapter", self->options.name),
                 F_INT ("kept", (int64_t) broker_link_kept (self->link)));
    host_tell (self, up ? "UP" : "DOWN");
    services_kit_up (self->kit, up);
    if (!up)
        services_broker_gone (self);
    if (self->is_open && adapter->link)
        adapter->link (self->self, up);
}

/*  The same trouble again and again is one line in the log.  */
static void on_trouble (void *arg, const char *code, const char *text, bool final)
{
    host_t *self = arg;
    if (!self->in_trouble || final)
        plv_log (self->log, LOG_HOST_TROUBLE, F_STR ("adapter", self->options.name),
                 F_STR ("code", code), F_STR ("text", text));
    self->in_trouble = true;
    if (!final)
        return;
    host_tell (self, "FAIL %s: %s", code, text);
    self->sent_away = true;
    uv_stop (&self->loop);
}

/* ------------------------------------------------------------------ stopping */

/*  When the broker has died, only the platform is waited for: what it says is left to our successor, who gets
    the answers too that somebody awaits on a connection of ours.  */
static bool is_drained (const host_t *self)
{
    if (self->orphaned)
        return broker_link_held (self->link) == 0;
    return self->takes_nothing && broker_link_kept (self->link) == 0
           && broker_link_held (self->link) == 0 && broker_link_unsettled (self->link) == 0
           && services_kit_pending (self->kit) == 0
           && (!self->http || http_pending (self->http) == 0);
}

/*  Who waits on a connection of ours has the answer from us; all else is delivered by our successor. One who asks
    in the last moment is waited for as well.  */
static void leave_the_rest (host_t *self)
{
    bool awaited = !self->orphaned && self->http && http_pending (self->http);
    if (awaited != self->takes_nothing)
        return;
    self->takes_nothing = !awaited;
    broker_link_quiesce (self->link, self->takes_nothing);
}

static void on_drain_check (uv_timer_t *timer)
{
    host_t *self = timer->data;
    if (is_drained (self) || plv_clock_mono_us () >= self->drain_until)
        uv_stop (&self->loop);
    else
        leave_the_rest (self);
}

static void drain (host_t *self)
{
    const pal_adapter_t *adapter = plugin_adapter (self->plugin);
    int64_t drain_s = settings_int (self->settings, "drain_s");
    self->drain_until = plv_clock_mono_us () + drain_s * 1000000;
    host_tell (self, "DRAIN %lld", (long long) drain_s * 1000 + CLOSE_MS_MOST);
    if (self->http)
        http_close (self->http);
    if (self->is_open && adapter->drain)
        adapter->drain (self->self);
    leave_the_rest (self);
    uv_timer_start (&self->drain_timer, on_drain_check, DRAIN_CHECK_MS, DRAIN_CHECK_MS);
}

/*  A leak is no crash: what is in hand is finished, and another process takes over.  */
static void check_memory (host_t *self)
{
    struct rusage usage;
    int64_t most = settings_int (self->settings, "memory_mb");
    if (isolation_sanitized () || getrusage (RUSAGE_SELF, &usage) < 0
        || usage.ru_maxrss / 1024 <= most)
        return;
    host_tell (
        self,
        "FAIL it uses %ld MB of memory, more than adapters.%s.memory_mb = %lld: it leaks, or needs more",
        usage.ru_maxrss / 1024, self->options.name, (long long) most);
    self->too_large = true;
    drain (self);
}

static void on_second (uv_timer_t *timer)
{
    host_t *self = timer->data;
    on_beat (timer);
    signals_restore (&self->answers);
    if (self->drain_until)
        return;
    check_memory (self);
    const char *replaced = renewal_look (&self->renewal);
    if (replaced)
        host_tell (self, "RENEW %s was replaced", replaced);
}

/*  The broker died without a word: what was in our hands only we can tell, and only to the next one.  */
static void become_orphan (host_t *self)
{
    self->orphaned = true;
    plv_log (self->log, LOG_HOST_ORPHANED, F_STR ("adapter", self->options.name),
             F_INT ("kept", (int64_t) broker_link_kept (self->link)),
             F_INT ("held", (int64_t) broker_link_held (self->link)),
             F_INT ("unsettled", (int64_t) broker_link_unsettled (self->link)));
    broker_link_hurry (self->link);
}

static void on_signal (uv_signal_t *handle, int number)
{
    host_t *self = handle->data;
    if (number == SIGUSR1) {
        if (self->http)
            http_share (self->http);
        return;
    }
    bool orphaned = number == HOST_PARENT_DIED, again = self->was_asked && !orphaned;
    self->was_asked = true;
    if (orphaned && !self->orphaned)
        become_orphan (self);
    if (!self->drain_until)
        drain (self);
    else if (again)
        uv_stop (&self->loop); /* asked twice: at once */
}

/* ------------------------------------------------------------------ starting */

/*  Nobody speaks for a plugin that has not opened yet. Then comes whoever had the name before us, then those who cannot
    speak any more.  */
static bool may_speak (void *arg)
{
    host_t *self = arg;
    bool has_opened = self->is_open || self->drain_until;
    return has_opened && claim_take (self->claim) && (!self->will || will_done (self->will));
}

static host_exit_t link_open (host_t *self)
{
    const pal_adapter_t *adapter = plugin_adapter (self->plugin);
    const char *platform = settings_text (self->settings, "platform");
    int64_t credit = settings_int (self->settings, "credit");
    credit = credit ? credit : adapter->credit ? adapter->credit : 64;
    self->translate.platform = *platform ? platform : adapter->platform;
    self->translate.adapter = self->options.name;
    broker_link_options_t options = {
        .loop = &self->loop,
        .endpoint = self->options.broker,
        .name = self->options.name,
        .build = adapter->version,
        .platform = self->translate.platform,
        .credit = credit < BROKER_LINK_CREDIT_MAX ? (uint32_t) credit : BROKER_LINK_CREDIT_MAX,
        .deduplicates = adapter->can & PAL_DEDUPLICATES,
        .proof = plv_view (self->options.proof,
                           self->options.has_proof ? sizeof self->options.proof : 0),
        .may_speak = may_speak,
        .may_speak_arg = self,
        .kept_max = (size_t) settings_int (self->settings, "kept_max"),
        .kept_bytes_max = (size_t) settings_int (self->settings, "kept_mb") << 20,
    };
    broker_link_handler_t handler = services_handler (self);
    handler.up = on_up;
    handler.trouble = on_trouble;
    plv_fail_t fail;
    if (self->options.dir) {
        if (claim_new (".", &self->claim, &fail))
            return refused (self, HOST_EXIT_HOST, fail.text);
        self->will = will_new (".", &options, self->log);
    }
    if (!claim_take (self->claim)) {
        plv_log (self->log, LOG_HOST_WAITS, F_STR ("adapter", self->options.name));
        self->options.beside = true;
    }
    if (broker_link_open (&options, &handler, &self->link, &fail))
        return refused (self, HOST_EXIT_HOST, fail.text);
    return HOST_EXIT_OK;
}

bool host_log_level (const char *word, plv_log_level_t *ret_level)
{
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        if (strcmp (word, plv_log_level_text ((plv_log_level_t) level)) == 0) {
            *ret_level = (plv_log_level_t) level;
            return true;
        }
    }
    return false;
}

/*  While nothing foreign is loaded yet, and we are the only thread.  */
static host_exit_t isolate (host_t *self)
{
    isolation_words_t words;
    plv_fail_t fail;
    if (self->options.dir && chdir (self->options.dir) < 0) {
        plv_fail (&fail, ERR_IO, "%s: %s", self->options.dir, strerror (errno));
        return refused (self, HOST_EXIT_HOST, fail.text);
    }
    if (section_load (self->options.conf, self->options.conf_name, self->options.name,
                      &self->section, &fail))
        return refused (self, HOST_EXIT_REFUSED_CONF, fail.text);
    environment_clean ();
    const isolation_t isolation = {.user = self->options.user,
                                   .dir = self->options.dir ? "." : NULL,
                                   .plugin = self->options.plugin,
                                   .section = self->section};
    if (isolation_enter (&isolation, &words, &fail))
        return refused (self, HOST_EXIT_HOST, fail.text);
    if (strncmp (words.files, "on", 2) == 0) {
        renewal_add (&self->renewal, "/etc/resolv.conf", false);
        renewal_add (&self->renewal, "/etc/hosts", false);
    }
    plv_log (self->log, LOG_HOST_ISOLATED, F_STR ("adapter", self->options.name),
             F_STR ("user", words.user), F_STR ("files", words.files), F_STR ("calls", words.calls),
             F_INT ("memory_mb", words.memory_mb));
    return HOST_EXIT_OK;
}

/*  It may well run: a plugin asks for newer calls with PAL_HAS. One that does not ask would crash.  */
static void warn_of_newer_abi (host_t *self)
{
    const pal_adapter_t *adapter = plugin_adapter (self->plugin);
    char abi[16], host_abi[16];
    if ((adapter->abi & 0xffff) <= PAL_ABI_MINOR)
        return;
    snprintf (abi, sizeof abi, "%u.%u", adapter->abi >> 16, adapter->abi & 0xffff);
    snprintf (host_abi, sizeof host_abi, "%d.%d", PAL_ABI_MAJOR, PAL_ABI_MINOR);
    plv_log (self->log, LOG_HOST_OLDER, F_STR ("adapter", self->options.name),
             F_STR ("plugin", adapter->name), F_STR ("abi", abi), F_STR ("host_abi", host_abi));
}

static host_exit_t load (host_t *self)
{
    plv_fail_t fail;
    host_exit_t code = plugin_load (self->options.plugin, &self->plugin, &fail);
    if (code)
        return refused (self, code, fail.text);
    if (settings_load (self->section, self->plugin, &self->settings, &fail))
        return refused (self, HOST_EXIT_REFUSED_CONF, fail.text);
    section_destroy (&self->section); /* secrets that no key has */
    const char *wanted = settings_text (self->settings, "log_level");
    plv_log_level_t level = self->options.log_level;
    if (*wanted && !host_log_level (wanted, &level))
        return refused (self, HOST_EXIT_REFUSED_CONF, "log_level takes debug, info, warn or error");
    plv_log_set (self->log, level, self->options.log_format);
    warn_of_newer_abi (self);
    return HOST_EXIT_OK;
}

/*  What one that failed has left open is nothing to the next one.  */
static void forget_open (host_t *self)
{
    wakeups_destroy (&self->wakeups);
    services_net_free (self);
    self->wakeups = wakeups_new (&self->loop);
}

/*  A predecessor may need a moment to make room.  */
static host_exit_t plugin_open (host_t *self)
{
    const pal_adapter_t *adapter = plugin_adapter (self->plugin);
    int tries = self->options.beside ? BESIDE_TRIES : 1;
    for (int at = 0; at < tries; at++) {
        if (at) {
            forget_open (self);
            usleep (BESIDE_MS * 1000);
        }
        snprintf (self->fail.text, sizeof self->fail.text, "open () gave no reason");
        if (adapter->open (&self->table, &self->self) == 0) {
            self->is_open = true;
            signals_restore (&self->answers);
            plv_log (self->log, LOG_HOST_OPEN, F_STR ("adapter", self->options.name),
                     F_STR ("plugin", adapter->name), F_STR ("version", adapter->version),
                     F_STR ("file", self->options.plugin));
            host_tell (self, "OPEN %s %s", self->translate.platform, adapter->version);
            return HOST_EXIT_OK;
        }
    }
    return refused (self, HOST_EXIT_OPEN, self->fail.text);
}

static void watch_signals (host_t *self)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, HOST_PARENT_DIED};
    signal (SIGPIPE, SIG_IGN);
    for (size_t at = 0; at < sizeof numbers / sizeof *numbers; at++) {
        uv_signal_init (&self->loop, &self->signals[at]);
        self->signals[at].data = self;
        uv_signal_start (&self->signals[at], on_signal, numbers[at]);
        signals_add (&self->answers, numbers[at]);
    }
    signals_add (&self->answers, SIGPIPE);
    signals_add (&self->answers, SIGHUP);
    signals_add (&self->answers, SIGALRM);
}

static void start_timers (host_t *self)
{
    uv_timer_init (&self->loop, &self->beat);
    uv_timer_init (&self->loop, &self->drain_timer);
    self->beat.data = self;
    self->drain_timer.data = self;
    uv_timer_start (&self->beat, on_second, BEAT_MS, BEAT_MS);
}

/* ------------------------------------------------------------------ ending */

/*  Nothing of the plugin is called after its close ().  */
static void plugin_close (host_t *self)
{
    if (!self->is_open)
        return;
    plugin_adapter (self->plugin)->close (self->self);
    wakeups_destroy (&self->wakeups);
    self->is_open = false;
    self->self = NULL;
    services_kit_mute (self->kit);
    services_net_mute (self);
}

/*  Answers that the plugin gave at the very end are still written.  */
static void last_words (host_t *self)
{
    int64_t until = plv_clock_mono_us () + LAST_WORDS_MS * 1000;
    while (!self->orphaned
           && (services_net_pending (self) || broker_link_unsettled (self->link)
               || services_kit_pending (self->kit))
           && plv_clock_mono_us () < until) {
        uv_run (&self->loop, UV_RUN_NOWAIT);
        usleep (1000);
    }
}

static void close_handle (uv_handle_t *handle)
{
    if (handle->data && !uv_is_closing (handle))
        uv_close (handle, NULL);
}

static void tear_down (host_t *self)
{
    wakeups_destroy (&self->wakeups); /* those of an open () that failed */
    services_net_free (self);
    will_destroy (&self->will);
    broker_link_destroy (&self->link);
    claim_destroy (&self->claim);
    services_free (self);
    wakeups_destroy (&self->own_wakeups);
    close_handle ((uv_handle_t *) &self->later_idle);
    close_handle ((uv_handle_t *) &self->beat);
    close_handle ((uv_handle_t *) &self->drain_timer);
    for (size_t at = 0; at < sizeof self->signals / sizeof *self->signals; at++)
        close_handle ((uv_handle_t *) &self->signals[at]);
    for (int turns = 0; turns < 100 && uv_run (&self->loop, UV_RUN_NOWAIT); turns++)
        ;
    uv_loop_close (&self->loop);
    translate_free (&self->translate);
    section_destroy (&self->section);
    settings_destroy (&self->settings);
    plugin_destroy (&self->plugin);
}

/*  That nothing was in our hands is news as well: what the broker had just sent us never came.  */
static void leave_will (host_t *self)
{
    plv_fail_t fail;
    bool told = broker_link_up (self->link) && broker_link_unsettled (self->link) == 0;
    if (told || !self->was_up || !self->options.dir)
        return;
    if (will_write (".", self->link, &fail))
        plv_log (self->log, LOG_HOST_TROUBLE, F_STR ("adapter", self->options.name),
                 F_STR ("code", plv_err_name (fail.code)), F_STR ("text", fail.text));
}

static host_exit_t stop (host_t *self)
{
    plugin_close (self);
    broker_link_abandon (self->link, "the adapter stopped before the platform had answered");
    last_words (self);
    leave_will (self);
    size_t kept = broker_link_kept (self->link), unsettled = broker_link_unsettled (self->link);
    plv_log (self->log, LOG_HOST_STOPPED, F_STR ("adapter", self->options.name),
             F_INT ("kept", (int64_t) kept), F_INT ("unsettled", (int64_t) unsettled));
    if (self->sent_away)
        return HOST_EXIT_BROKER;
    if (self->too_large)
        return HOST_EXIT_MEMORY;
    return kept || unsettled ? HOST_EXIT_DRAIN : HOST_EXIT_OK;
}

host_exit_t host_run (const host_options_t *options, plv_log_t *log)
{
    host_t *self = plv_alloc_zero (1, sizeof *self);
    self->options = *options;
    self->log = log;
    host_exit_t code = isolate (self);
    int wrong = uv_loop_init (&self->loop);
    if (wrong) {
        code = code ? code : refused (self, HOST_EXIT_HOST, uv_strerror (wrong));
        section_destroy (&self->section);
        free (self);
        return code;
    }
    services_init (self);
    self->wakeups = wakeups_new (&self->loop);
    self->own_wakeups = wakeups_new (&self->loop);
    watch_signals (self);
    start_timers (self);
    if (!code)
        code = load (self);
    if (!code)
        code = link_open (self);
    if (!code)
        code = plugin_open (self);
    if (!code) {
        uv_run (&self->loop, UV_RUN_DEFAULT);
        code = stop (self);
    }
    tear_down (self);
    free (self);
    return code;
}
