/*  host_process -- one running palaver-adapter, as its parent sees it
    OWNS    the child, its pidfd, the pipe on which it says how it goes, and the one for what its plugin writes
    THREAD  that of the supervisor
    FAILS   host_process_start with ERR_IO and what posix_spawn said
    COST    three descriptors

    Started with posix_spawn, in a process group of its own, with nothing of ours open but the pipes, the log, and
    another pipe that holds the proof of its name.  */

#ifndef SHELL_HOST_PROCESS_H
#define SHELL_HOST_PROCESS_H

#include "base/err.h"
#include "base/list.h"
#include "base/log/log.h"
#include "shell/adapters/adapter_metrics.h"
#include "shell/adapters/host_output.h"
#include "shell/adapters/plugin_file.h"
#include "shell/adapters/supervisor.h"

#include <stdint.h>
#include <sys/types.h>

/*  Exit codes of palaver-adapter from the first to the last of these mean: not this file, not this conf.  */
enum { HOST_CODE_FIRST = 64, HOST_REFUSED_FIRST = 80, HOST_REFUSED_LAST = 99 };

typedef struct {
    plv_node_t node;
    pid_t pid;
    int pidfd;
    int pipe;
    host_output_t output;
    bool is_open; /* loaded and open */
    bool is_up;   /* the broker welcomed it */
    bool is_leaving;
    bool is_killed;               /* for its silence */
    char file[PLUGIN_PATH_BYTES]; /* the copy that it runs from */
    char *adapters;               /* the configuration that it was given its part of */
    char why[512];                /* its last words: why it is refused or fails */
    char version[65];
    char platform[33];
    char renew[128];   /* why another process should take over; "": none needs to */
    char trouble[256]; /* what it says does not work; "": all does */
    adapter_metrics_t metrics;
    int64_t started_us;
    int64_t beat_us;  /* when it was last heard from */
    int64_t leave_us; /* when it was asked to */
    int64_t drain_ms; /* what it says that leaving may take; 0: nothing yet */
    char line[768];
    size_t line_size;
} host_process_t;

typedef struct {
    const char *program; /* palaver-adapter */
    const char *plugin;
    const char *name;
    const char *broker;
    const char *copies;   /* the adapter's own directory is COPIES/NAME */
    const char *adapters; /* instead of those of `conf` */
    const supervisor_conf_t *conf;
    bool beside;
    plv_log_t *log; /* it writes to the same place: in the same form, from the same level on */
    int epoll;      /* gets the pidfd and the pipe */
    const uint8_t *proof_key; /* what its proof is made with: see base/proof.h */
} host_process_options_t;

plv_err_t host_process_start (const host_process_options_t *options, int64_t now_us,
                              host_process_t **ret_process, plv_fail_t *ret_fail);

/*  Kills the child when it still runs, and waits for it.  */
void host_process_destroy (host_process_t **self_p);

/*  Reads what it said. True when it has become open since the last call.  */
bool host_process_listen (host_process_t *self, int64_t now_us);

/*  True when it has ended, and its last words are heard; `ret_status` as from waitpid.  */
bool host_process_ended (host_process_t *self, int *ret_status);

void host_process_signal (host_process_t *self, int number);

/*  Has it said that it is not to be started again as it is? The code alone says nothing: a plugin may call exit ().  */
bool host_process_refused (const host_process_t *self, int status);

/*  "exit 69", "SIGSEGV (Segmentation fault)".  */
void host_status_text (int status, char *ret_text, size_t size);

#endif
