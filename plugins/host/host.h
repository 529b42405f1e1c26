/*  host -- one plugin, one loop, one line to the broker
    OWNS    everything that the plugin gets: loop, link, timers, listener, conf
    THREAD  one
    FAILS   host_run returns an exit code of exit.def; the reason has been logged and told to the supervisor
    COST    about 6 MB of memory before the plugin takes its own

    To the supervisor it writes lines on `status_fd`: OPEN (loaded and open), UP and DOWN (the broker), BEAT
    every second from the loop, DRAIN and how many milliseconds it may take to leave, FAIL and why; for the plugin
    METRIC, ILL and WELL (services_kit.h).  */

#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "base/list.h"
#include "base/log/log.h"
#include "base/log/log_gate.h"
#include "base/map.h"
#include "base/proof.h"
#include "host/exit.h"
#include "host/isolation/renewal.h"
#include "host/isolation/signals.h"
#include "host/kit/services_kit.h"
#include "host/link/broker_link.h"
#include "host/link/claim.h"
#include "host/link/translate.h"
#include "host/link/will.h"
#include "host/net/client.h"
#include "host/net/http.h"
#include "host/net/socket_client.h"
#include "host/settings.h"
#include "host/wakeups.h"

typedef struct {
    const char *plugin;
    const char *name;   /* of the adapter */
    const char *broker; /* ipc://PATH */
    const char *conf;   /* NULL: defaults */
    const char
        *conf_name;   /* what messages call it, and where its relative paths begin; NULL: `conf` */
    const char *user; /* to become when started by root; NULL: none */
    const char
        *dir; /* the adapter's own: it works there, and relative paths begin there; NULL: none */
    int status_fd; /* -1: no supervisor */
    int log_fd;
    int proof_fd;                   /* -1: none */
    uint8_t proof[PLV_PROOF_BYTES]; /* that the broker started this process */
    bool has_proof;
    bool beside;   /* an older host of the same adapter is still there */
    char stem[80]; /* of the file, when no name is given */
    bool check;    /* only look at the plugin and its configuration */
    bool print;
    plv_log_level_t log_level; /* unless the adapter's own log_level says otherwise */
    plv_log_format_t log_format;
} host_options_t;

/*  "debug", "info", "warn", "error"; false for another word.  */
bool host_log_level (const char *word, plv_log_level_t *ret_level);

host_exit_t host_run (const host_options_t *options, plv_log_t *log);

/*  The kernel sends it when the supervisor dies. Not SIGTERM, which asks for less; and while the other threads
    of a process that is killed are still dying, its children have not yet got another parent to tell by.  */
#define HOST_PARENT_DIED SIGUSR2

/* ------------------------------------------------------------------ shared by host.c and services.c */

typedef struct host {
    pal_host_t table; /* first: what the plugin holds */
    host_options_t options;
    plv_log_t *log;
    uv_loop_t loop;
    plugin_t *plugin;
    section_t *section;
    settings_t *settings;
    broker_link_t *link;
    claim_t *claim;
    will_t *will;            /* of a predecessor; NULL: not looked for yet */
    bool alone;              /* nobody reads what we tell */
    plv_log_gate_t gates[2]; /* for what a plugin writes: news, and troubles */
    wakeups_t *wakeups;      /* the plugin's; NULL after its close () */
    wakeups_t *own_wakeups;  /* the host's */
    http_t *http;
    client_t *client;         /* NULL until it is asked for */
    socket_client_t *sockets; /* the same */
    services_kit_t *kit;
    translate_t translate;
    void *self; /* the plugin's; NULL before open and after close */
    bool is_open;
    plv_map_u64_t publishes; /* by the link's number: publish_t */
    plv_map_u64_t asks;      /* by request: ask_t */
    uint64_t last_ask;
    plv_node_t later; /* publish_t and ask_t that are answered when the loop turns */
    uv_idle_t later_idle;
    uv_timer_t beat;
    uv_timer_t drain_timer;
    uv_signal_t signals[4];
    signals_t answers; /* how they, and others, are answered */
    bool in_trouble;   /* said since the broker was last there */
    renewal_t renewal;
    bool too_large;      /* it uses more memory than it may */
    bool sent_away;      /* the broker will not have us */
    bool was_up;         /* the broker knows us */
    bool orphaned;       /* the broker that started us is gone: its successor hears what we know */
    int64_t drain_until; /* 0: does not drain */
    bool was_asked;      /* to stop; it may drain for a reason of its own */
    bool takes_nothing;  /* the broker was told to give us no more replies */
    plv_fail_t fail;     /* what the plugin's open () said */
} host_t;

/*  tell.c: a line to the supervisor, if there is one.  */
void host_tell (host_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  Fills in the table.  */
void services_init (host_t *self);
/*  Callbacks that are still to come are dropped.  */
void services_free (host_t *self);
/*  Questions that would be answered for as long as somebody listens.  */
void services_broker_gone (host_t *self);
/*  What the link calls.  */
broker_link_handler_t services_handler (host_t *self);

#endif
