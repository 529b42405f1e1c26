/*  internal -- what the files of the SDK share: the agent, its link to the broker, its jobs
    OWNS    see the structs
    THREAD  everything with the lock held, but what is marked and what is set before the threads start
    FAILS   -
    COST    -

    One lock guards everything that is shared, the socket too. One thread at a time leads: it waits for the
    socket. A handler's thread that has nothing to do leads, so that in a busy worker a job passes
    through one thread only; when all of them are at work the keeper, a thread that does nothing else, leads
    and keeps the heartbeats going. See lead.c.  */

#ifndef PLV_SDK_INTERNAL_H
#define PLV_SDK_INTERNAL_H

#include "base/list.h"
#include "sdk/agent.h"
#include "wire/frame.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    KEY_TEXT_BYTES = 41,    /* a CURVE key in Z85, and a NUL */
    WELCOME_WAIT_MS = 1000, /* doubles: a HELLO may have gone to a broker that died with it */
    WELCOME_WAIT_MS_MAX = 8000,
    LIVE_BACKLOG_BYTES = 1024 * 1024, /* live frames are dropped beyond this */
    QUICK_US = 100, /* a handler below this may wait for others to answer with it */
};

/*  What the options came to.  */
typedef struct {
    char *endpoint;
    char *name;
    char *build;
    char public_key[KEY_TEXT_BYTES]; /* "": no CURVE */
    char secret_key[KEY_TEXT_BYTES];
    char broker_key[KEY_TEXT_BYTES];
    unsigned threads;
    unsigned batch_size; /* 1: no batches */
    bool keep_signals;
    uint32_t pairs; /* the option map of HELLO, encoded, without its head and without `holding` */
    plv_buf_t encoded;
    void (*log) (void *log_arg, const char *line);
    void *log_arg;
} settings_t;

plv_err_t plv_settings_make (const plv_agent_options_t *options, settings_t *ret_settings,
                             plv_fail_t *ret_fail);
void plv_settings_free (settings_t *self);

/*  Reads `public-key` and, when `ret_secret` is not NULL, `secret-key` from a key file.  */
plv_err_t plv_cert_read (const char *path, char ret_public[KEY_TEXT_BYTES],
                         char ret_secret[KEY_TEXT_BYTES], plv_fail_t *ret_fail);

/*  A step that this attempt has saved; its views point into `bytes`.  */
typedef struct step {
    struct step *next;
    plv_view_t name;
    plv_view_t result;
    uint8_t bytes[];
} step_t;

struct plv_job {
    plv_agent_t *agent;
    plv_node_t held;
    plv_node_t queue; /* in `waiting`, or in no list */
    uint64_t lease;
    uint64_t attempt;
    int64_t arrived_us;
    int64_t deadline_us;
    plv_envelope_t envelope;
    plv_view_t body;
    plv_view_t history;
    plv_view_t state;
    plv_view_t steps;
    plv_view_t service;
    bool trial;
    uint64_t batch_id;
    uint64_t batch_size; /* 1: in no batch */
    uint64_t deltas;
    uint32_t changes; /* of the state: pairs in `changed` */
    plv_buf_t changed;
    step_t *saved;    /* steps of this attempt, newest first */
    int64_t begun_us; /* when the handler was called */
    bool running;     /* a handler has it; from here on with the lock held */
    bool answered;
    plv_buf_t kept;   /* the frame of the answer: REPLY or NACK, until COMMITTED or CANCEL */
    plv_buf_t step;   /* the frame of a step that is not saved yet; empty: none */
    plv_buf_t call;   /* the frame of a call that is not answered yet; empty: none */
    uint64_t calls;   /* made so far: the number of the last one */
    plv_buf_t ended;  /* frames that end calls; the broker may not have them */
    plv_buf_t answer; /* to the last call: its body */
    char answer_outcome[16];
    char answer_code[NAME_BYTES_MAX + 1];
    char answer_why[256];
    atomic_bool cancelled;
    char cancel_code[32];
    uint8_t frame[]; /* the JOB's bytes, which the views point into */
};

typedef enum { PHASE_WORK, PHASE_DRAIN, PHASE_OVER } phase_t;
typedef enum { LINK_NEW, LINK_INTRODUCED, LINK_READY } link_state_t;

/*  All times monotonic, in microseconds.  */
typedef struct {
    void *context;
    void *socket;
    link_state_t state;
    uint8_t minor;   /* of the broker's wire version */
    uint64_t hellos; /* said so far: the first has no `holding` */
    int fd;          /* readable when the socket may have changed */
    bool drain_said;
    int signals; /* a signalfd, or -1 */
    int64_t heartbeat_us;
    int64_t timeout_us;
    int64_t heard_us;
    int64_t said_us;
    int64_t pinged_us;
    int64_t hello_us;
    int64_t welcome_us; /* patience with that HELLO */
    int64_t reopen_us;  /* 0: the socket is open */
    int64_t pause_us;   /* before the next reopening */
    int64_t drained_us; /* when the last handler was done while draining; 0: not yet */
    plv_buf_t packet;
} link_t;

struct plv_agent {
    settings_t set;
    link_t link;
    uint8_t incarnation[16];
    int wake;         /* an eventfd: whoever leads shall look again */
    atomic_bool stop; /* any thread, and signal handlers */
    plv_agent_batch_handler_t *handler;
    void *handler_arg;
    bool ran;

    pthread_mutex_t lock;
    pthread_cond_t work;   /* for handlers: a job waits, nobody leads, or it is over */
    pthread_cond_t saved;  /* for steps: one was saved, a job was cancelled, or nobody leads */
    pthread_cond_t keeper; /* for the keeper: all handlers are at work, or it is over */
    plv_node_t waiting;
    plv_node_t held;
    unsigned idle;     /* handlers that wait for `work` */
    unsigned stepping; /* handlers that wait for `saved` */
    unsigned running;  /* handlers at work */
    uint64_t begun;    /* jobs that were begun, ever */
    bool leading;
    bool keeper_leads;
    bool keeper_far; /* the keeper sleeps until it is called */
    plv_buf_t out;   /* frames, without a packet's head */
    bool ready;      /* what is put into `out` goes out; else it is kept with its job */
    phase_t phase;
    plv_fail_t fail; /* why it ended; code ERR_OK: it was drained */
};

/*  What of a packet is done when all of it is read.  */
typedef struct {
    bool hello; /* WHO: introduce us again */
    bool pong;
    int64_t reopen_us; /* > 0: a new connection after this pause */
} reaction_t;

/*  From here on callees stand above their callers, and everything is called with the lock held, but what is
    marked.

    job.c: a JOB frame as a job, not yet in any list. ERR_NOMEM, or ERR_PROTOCOL when it is none.  */
plv_err_t plv_job_new (plv_agent_t *agent, const plv_frame_t *frame, plv_job_t **ret_job,
                       plv_fail_t *ret_fail);
void plv_job_release (plv_job_t *job);
void plv_job_cancel (plv_job_t *job, plv_view_t code);
plv_job_t *plv_job_find (plv_agent_t *self, uint64_t lease);
void plv_job_put (plv_job_t *job, const plv_buf_t *frame);

/*  stop.c: how whoever leads is rung, and how it ends. A note is a line through options.log.  */
void plv_agent_note (plv_agent_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3))); /* any thread */
void plv_agent_ring (plv_agent_t *self);     /* any thread */
void plv_agent_fail (plv_agent_t *self, const plv_fail_t *fail);

/*  link_out.c: what we say to the broker.  */
void plv_link_hello (plv_agent_t *self);
void plv_link_say (plv_agent_t *self, plv_verb_t verb, const char *text);
void plv_link_flush (plv_agent_t *self);
void plv_link_put_ends (plv_job_t *job, size_t from);
void plv_link_welcomed (plv_agent_t *self);

/*  link_in.c: what the broker says.  */
plv_err_t plv_link_packet (plv_agent_t *self, plv_view_t packet, reaction_t *ret_reaction,
                           plv_fail_t *ret_fail);

/*  link.c: the connection.  */
void plv_link_open (plv_agent_t *self);
void plv_link_close (plv_agent_t *self, int linger_ms);
bool plv_link_pump (
    plv_agent_t *self); /* sends and reads what there is; true when something came */
void plv_link_keep_time (plv_agent_t *self);
int64_t plv_link_next_us (const plv_agent_t *self); /* when plv_link_keep_time is due */

/*  lead.c: waits for the socket, at most until `until_us`, and does what came. Releases the lock meanwhile.
    Only when nobody leads.  */
void plv_lead (plv_agent_t *self, int64_t until_us);
/*  Whoever stops leading calls this before it works or waits for something else.  */
void plv_lead_pass_on (plv_agent_t *self);
/*  For a handler's thread that waits for the broker: until something may have changed. It leads, if nobody does.  */
void plv_lead_or_wait (plv_agent_t *self, int64_t until_us);
void *plv_keeper_thread (void *agent); /* without the lock */

#endif
