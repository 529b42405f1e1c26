#include "sim/actors.h"

#include "base/alloc.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CREDIT_MOST = 3,
    JOBS_MAX = 64,
    DEPTH_MOST = 2,
    PATIENCE_US = 2500000,
    THINK_MOST_US = 400000,
    RESTART_MOST_US = 3000000,
    FREEZE_MOST_US = 5000000,
    CHANGES_ITS_MIND_IN = 20 /* beats */
};

typedef struct {
    uint64_t lease;
    unsigned depth;  /* of calls inside calls */
    bool asked;      /* it has called its own service */
    bool asking;     /* and the answer is awaited */
    bool stepped;    /* the step was done before */
    bool saving;     /* STEP is on its way */
    bool silent;     /* the answer is an empty text */
    bool answered;   /* REPLY or NACK is on its way: kept until COMMITTED or CANCEL */
    unsigned answer; /* 0 reply, 1 nack, 2 nack for good, 3 a reply that is none */
} job_t;

struct worker {
    sim_t *sim;
    unsigned number;
    char name[16];
    unsigned credit;
    unsigned offered; /* of that, what it takes for now */
    bool batches;
    uint64_t life;
    bool up;
    bool known;
    bool renewed; /* it has connected anew when calm came */
    int64_t frozen_until_us;
    plv_id_t incarnation;
    sim_conn_t *conn;
    job_t jobs[JOBS_MAX];
    unsigned job_count;
};

static void receive (void *actor, plv_view_t packet);

static job_t *find (worker_t *self, uint64_t lease)
{
    for (unsigned i = 0; i < self->job_count; i++)
        if (self->jobs[i].lease == lease)
            return &self->jobs[i];
    return NULL;
}

static void drop (worker_t *self, uint64_t lease)
{
    job_t *job = find (self, lease);
    if (job)
        *job = self->jobs[--self->job_count];
}

static void send_answer (worker_t *self, const job_t *job)
{
    letter_t letter = letter_begin (job->answer == 0 || job->answer == 3 ? VERB_REPLY : VERB_NACK);
    plv_buf_t body = {0};
    if (!self->known) {
        plv_buf_free (&letter.bytes);
        return;
    }
    plv_mp_put_u64 (&letter.bytes, job->lease);
    if (job->answer == 1 || job->answer == 2) {
        plv_mp_put_bool (&letter.bytes, job->answer == 2);
        plv_mp_put_nil (&letter.bytes);
        plv_mp_put_text (&letter.bytes, "general_error");
        plv_mp_put_text (&letter.bytes, "as chance has it");
    } else {
        plv_mp_put_map (&body, 1);
        plv_mp_put_text (&body, job->answer == 0 ? "response_text" : "nonsense");
        plv_mp_put_text (&body, job->silent ? "" : "an answer");
        plv_mp_put_bin (&letter.bytes, plv_buf_view (&body));
        plv_buf_clear (&body);
        plv_mp_put_map (&body, 1);
        plv_mp_put_text (&body, "last");
        plv_mp_put_u64 (&body, job->lease);
        plv_mp_put_map (&letter.bytes, 1);
        plv_mp_put_text (&letter.bytes, "state");
        plv_mp_put_bin (&letter.bytes, plv_buf_view (&body));
    }
    letter_send (&letter, self->conn);
    plv_buf_free (&body);
}

static void say_hello (worker_t *self)
{
    letter_t letter;
    hello_begin (&letter, "agent", self->name, self->batches ? 5 : 4);
    plv_mp_put_text (&letter.bytes, "services");
    plv_mp_put_array (&letter.bytes, self->number % 2 ? 1 : 2);
    plv_mp_put_text (&letter.bytes, "advisor");
    if (self->number % 2 == 0)
        plv_mp_put_text (&letter.bytes, "clerk");
    plv_mp_put_text (&letter.bytes, "credit");
    plv_mp_put_u64 (&letter.bytes, self->credit);
    plv_mp_put_text (&letter.bytes, "incarnation");
    plv_mp_put_bin (&letter.bytes, plv_view (self->incarnation.bytes, PLV_ID_BYTES));
    plv_mp_put_text (&letter.bytes, "holding");
    plv_mp_put_array (&letter.bytes, self->job_count);
    for (unsigned i = 0; i < self->job_count; i++)
        plv_mp_put_u64 (&letter.bytes, self->jobs[i].lease);
    if (self->batches) {
        plv_mp_put_text (&letter.bytes, "batch");
        plv_mp_put_map (&letter.bytes, 2);
        plv_mp_put_text (&letter.bytes, "size");
        plv_mp_put_u64 (&letter.bytes, 2);
        plv_mp_put_text (&letter.bytes, "wait_ms");
        plv_mp_put_u64 (&letter.bytes, 100);
    }
    letter_send (&letter, self->conn);
    self->offered = self->credit;
}

/*  It takes less for a while, or nothing; in the end all that it can, and says so again where that may have been lost
    or overtaken.  */
static void change_credit (worker_t *self)
{
    sim_t *sim = self->sim;
    const sim_faults_t *faults = &sim->faults;
    bool again = sim->calm && (faults->lose || faults->reorder || faults->duplicate);
    unsigned offer = sim->calm ? self->credit : self->offered;
    if (!sim->calm && sim_below (sim, CHANGES_ITS_MIND_IN) == 0)
        offer = (unsigned) sim_below (sim, self->credit + 1);
    if (offer == self->offered && !again)
        return;
    letter_t letter = letter_begin (VERB_CREDIT);
    plv_mp_put_u64 (&letter.bytes, offer);
    letter_send (&letter, self->conn);
    self->offered = offer;
}

static void connect (worker_t *self)
{
    net_close (self->conn);
    self->known = false;
    self->conn = net_open (self->sim, FROM_WORKER, self, self->life, receive);
    say_hello (self);
}

static void repeat_all (worker_t *self)
{
    for (unsigned i = 0; i < self->job_count; i++)
        if (self->jobs[i].answered)
            send_answer (self, &self->jobs[i]);
}

static bool frozen (const worker_t *self)
{
    return self->sim->now_us < self->frozen_until_us;
}

/*  That it is to leave, it is told once: on a real network that gets lost with the connection only. Said once.  */
static bool has_missed_word (worker_t *self)
{
    bool missed = self->sim->calm && self->sim->faults.lose && !self->renewed;
    self->renewed |= missed;
    return missed;
}

static void beat (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    worker_t *self = arg;
    (void) bytes;
    if (!self->up || token != self->life)
        return;
    if (!frozen (self)) {
        if (!self->conn->open || !self->known || has_missed_word (self)) {
            connect (self);
        } else {
            letter_t letter = letter_begin (VERB_PING);
            letter_send (&letter, self->conn);
            change_credit (self);
            if (sim_below (sim, 5) == 0)
                repeat_all (self);
        }
    }
    sim_at (sim, HEARTBEAT_US, beat, self, self->life, plv_view (NULL, 0));
}

static void start (worker_t *self)
{
    self->life++;
    self->up = true;
    self->job_count = 0;
    self->frozen_until_us = 0;
    self->incarnation = plv_id_make (self->sim->now_us, plv_rng_next (&self->sim->rng));
    connect (self);
    sim_at (self->sim, HEARTBEAT_US, beat, self, self->life, plv_view (NULL, 0));
}

static void restart (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    worker_t *self = arg;
    (void) sim;
    (void) bytes;
    if (!self->up && token == self->life)
        start (self);
}

static void end (worker_t *self, bool in_order)
{
    if (in_order) {
        letter_t letter = letter_begin (VERB_BYE);
        plv_mp_put_text (&letter.bytes, "asked to stop");
        letter_send (&letter, self->conn);
    } else {
        net_close (self->conn);
    }
    sim_say (self->sim, "worker %s %s with %u jobs", self->name, in_order ? "leaves" : "dies",
             self->job_count);
    self->up = false;
    sim_at (self->sim, sim_between (self->sim, 1000, RESTART_MOST_US), restart, self, self->life,
            plv_view (NULL, 0));
}

static void answer (worker_t *self, job_t *job)
{
    sim_t *sim = self->sim;
    uint64_t chance = sim->calm ? 99 : sim_below (sim, 100);
    if (sim_chance (sim, sim->faults.worker_crash)) {
        end (self, sim_below (sim, 4) == 0);
        return;
    }
    if (sim_chance (sim, sim->faults.worker_freeze)) {
        self->frozen_until_us = sim->now_us + sim_between (sim, 100000, FREEZE_MOST_US);
        sim_say (sim, "worker %s freezes", self->name);
    }
    job->answered = true;
    job->answer = chance < 6 ? 1 : chance < 8 ? 2 : chance < 9 ? 3 : 0;
    if (!frozen (self))
        send_answer (self, job); /* else it goes out with a later beat, perhaps too late */
}

static void think (worker_t *self, uint64_t lease, int64_t least_us);

/*  Its own service: so that credit may run out in a circle.  */
static void ask (worker_t *self, job_t *job)
{
    letter_t letter = letter_begin (VERB_CALL);
    plv_buf_t body = {0};
    job->asked = job->asking = true;
    plv_mp_put_u64 (&letter.bytes, job->lease);
    plv_mp_put_u64 (&letter.bytes, 1);
    plv_mp_put_text (&letter.bytes, "advisor");
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "message_text");
    plv_mp_put_text (&body, "a question of an agent");
    plv_mp_put_bin (&letter.bytes, plv_buf_view (&body));
    plv_mp_put_nil (&letter.bytes);
    plv_buf_free (&body);
    if (self->known)
        letter_send (&letter, self->conn);
    else
        plv_buf_free (&letter.bytes);
    /* it may be lost; and some do not wait for it */
    think (self, job->lease, sim_below (self->sim, 3) ? PATIENCE_US : 1000);
}

/*  A call ends with the job that made it: where packets keep their order no answer comes behind that.  */
static void take_answer (worker_t *self, const plv_frame_t *frame)
{
    job_t *job = find (self, frame->arg[0].number);
    if (!job && !self->sim->faults.duplicate && !self->sim->faults.reorder)
        sim_fail (self->sim, "calls: worker %s gets an answer for a job that is over", self->name);
    if (!job || !job->asking)
        return;
    job->asking = false;
    think (self, job->lease, 100);
}

/*  The answer did not come. Some say so, and some let the call end with the job.  */
static void hang_up (worker_t *self, job_t *job)
{
    job->asking = false;
    if (!self->known || sim_below (self->sim, 2))
        return;
    letter_t letter = letter_begin (VERB_CALL_CANCEL);
    plv_mp_put_u64 (&letter.bytes, job->lease);
    plv_mp_put_u64 (&letter.bytes, 1);
    letter_send (&letter, self->conn);
}

static void thought (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    worker_t *self = arg;
    uint64_t lease;
    memcpy (&lease, bytes.data, sizeof lease);
    job_t *job = find (self, lease);
    if (!self->up || token != self->life || !job || job->answered || job->saving)
        return;
    if (!job->asked && job->depth < DEPTH_MOST && sim_below (sim, 4) == 0) {
        ask (self, job);
        return;
    }
    if (job->asking)
        hang_up (self, job);
    if (job->stepped || sim_below (sim, 2)) {
        answer (self, job);
        return;
    }
    job->saving = true;
    oracle_step_done (sim->oracle, lease);
    letter_t letter = letter_begin (VERB_STEP);
    plv_mp_put_u64 (&letter.bytes, lease);
    plv_mp_put_text (&letter.bytes, "research");
    plv_mp_put_bin (&letter.bytes, plv_view_str ("found"));
    letter_send (&letter, self->conn);
}

static void think (worker_t *self, uint64_t lease, int64_t least_us)
{
    sim_at (self->sim, least_us + sim_between (self->sim, 0, THINK_MOST_US), thought, self,
            self->life, plv_view (&lease, sizeof lease));
}

/*  What it works on: where packets are never lost or late, that is never more than it has credit for.  */
static void check_credit (worker_t *self)
{
    const sim_faults_t *faults = &self->sim->faults;
    unsigned busy = 0;
    for (unsigned i = 0; i < self->job_count; i++)
        busy += !self->jobs[i].answered;
    if (busy > self->credit && !faults->lose && !faults->duplicate && !faults->reorder
        && !faults->worker_freeze)
        sim_fail (self->sim, "credit: worker %s has %u jobs and asked for %u", self->name, busy,
                  self->credit);
}

static unsigned depth_of (const plv_frame_t *job)
{
    plv_mp_t value;
    uint64_t depth = 0;
    if (!job->arg[9].nil && plv_mp_find (job->arg[9].bytes, "depth", &value))
        plv_mp_u64 (&value, &depth);
    return (unsigned) depth;
}

static void take_job (worker_t *self, const plv_frame_t *frame)
{
    plv_mp_t step;
    uint64_t lease = frame->arg[0].number;
    if (find (self, lease))
        return;
    if (self->job_count == JOBS_MAX) {
        sim_fail (self->sim, "credit: worker %s gets more jobs than it can count", self->name);
        return;
    }
    self->jobs[self->job_count++] = (job_t){
        .lease = lease,
        .depth = depth_of (frame),
        .stepped = plv_mp_find (frame->arg[7].bytes, "research", &step),
        .silent = lease >> 16 & 1,
    };
    check_credit (self);
    sim_at (self->sim, sim_between (self->sim, 100, THINK_MOST_US), thought, self, self->life,
            plv_view (&lease, sizeof lease));
}

static void take_step_saved (worker_t *self, uint64_t lease)
{
    job_t *job = find (self, lease);
    if (!job || !job->saving)
        return;
    job->saving = false;
    job->stepped = true;
    sim_at (self->sim, sim_between (self->sim, 100, THINK_MOST_US), thought, self, self->life,
            plv_view (&lease, sizeof lease));
}

static void take_committed (worker_t *self, plv_view_t leases)
{
    plv_mp_t value = plv_mp (leases);
    uint32_t count = 0;
    uint64_t lease;
    plv_mp_array (&value, &count);
    while (count-- && plv_mp_u64 (&value, &lease))
        drop (self, lease);
}

/*  Who was drained leaves and is started again, or takes no notice and comes back.  */
static void take_error (worker_t *self, const plv_frame_t *frame)
{
    self->known = false;
    if (plv_view_is (frame->arg[0].bytes, "DRAINED") && sim_below (self->sim, 2))
        end (self, true);
    else
        net_close (self->conn);
}

static void take_frame (worker_t *self, const plv_frame_t *frame)
{
    switch ((int) frame->verb) {
    case VERB_WELCOME:
        self->known = true;
        repeat_all (self);
        break;
    case VERB_WHO:
        self->known = false;
        say_hello (self);
        break;
    case VERB_ERROR:
        take_error (self, frame);
        break;
    case VERB_JOB:
        take_job (self, frame);
        break;
    case VERB_COMMITTED:
        take_committed (self, frame->arg[0].bytes);
        break;
    case VERB_STEP_SAVED:
        take_step_saved (self, frame->arg[0].number);
        break;
    case VERB_ANSWER:
        take_answer (self, frame);
        break;
    case VERB_CANCEL:
        drop (self, frame->arg[0].number);
        break;
    default:
        break;
    }
}

static void receive (void *actor, plv_view_t packet)
{
    worker_t *self = actor;
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    if (!self->up)
        return;
    plv_err_t err = plv_packet_open (packet, &reader, &fail);
    while (!err && !(err = plv_packet_next (&reader, &frame, &fail)))
        take_frame (self, &frame);
    if (err != ERR_NOENT)
        sim_fail (self->sim, "the broker sends a worker a bad packet: %s", fail.text);
}

worker_t *worker_new (sim_t *sim, unsigned number)
{
    worker_t *self = plv_alloc_zero (1, sizeof *self);
    self->sim = sim;
    self->number = number;
    self->credit = 1 + (unsigned) sim_below (sim, CREDIT_MOST);
    self->batches = sim_below (sim, 4) == 0;
    snprintf (self->name, sizeof self->name, "w%u", number);
    start (self);
    return self;
}

void worker_destroy (worker_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}
