#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/wait.h"
#include "store/rocksdb.h"

#include <stdlib.h>

/*  What may take long and must not hold up a commit: scans, checkpoints, flushes of the views,
    and once a second, when there is something to do, the sync of what was committed without one
    and the removal of forgotten files.  */

enum { ANSWER_BYTES_MAX = 8 * 1024 * 1024, CHORES_US = 1000000 };

typedef enum { JOB_SCAN, JOB_SCAN_JOURNAL, JOB_CHECKPOINT } job_type_t;

struct job {
    plv_node_t node;
    job_type_t type;
    uint64_t token;
    plv_row_view_t view;
    uint64_t from_seq, to_seq;
    plv_buf_t from, to;
    uint32_t limit;
    char *dir;
};

static void job_destroy (job_t **self_p)
{
    job_t *self = *self_p;
    plv_buf_free (&self->from);
    plv_buf_free (&self->to);
    free (self->dir);
    free (self);
    *self_p = NULL;
}

static void enqueue (rdb_t *self, const job_t *wanted)
{
    job_t *job = plv_alloc (sizeof *job);
    *job = *wanted;
    pthread_mutex_lock (&self->lock);
    plv_list_push (&self->jobs, &job->node);
    pthread_cond_signal (&self->helper_wake);
    pthread_mutex_unlock (&self->lock);
}

static plv_buf_t copy_of (plv_view_t view)
{
    plv_buf_t copy = {.data = NULL};
    plv_buf_add_view (&copy, view);
    plv_buf_check (&copy);
    return copy;
}

void rdb_scan (store_t *base, uint64_t token, plv_row_view_t view, plv_view_t from, plv_view_t to,
               uint32_t limit)
{
    enqueue ((rdb_t *) base, &(job_t){.type = JOB_SCAN,
                                      .token = token,
                                      .view = view,
                                      .from = copy_of (from),
                                      .to = copy_of (to),
                                      .limit = limit});
}

void rdb_scan_journal (store_t *base, uint64_t token, uint64_t from, uint64_t to, uint32_t limit)
{
    enqueue ((rdb_t *) base, &(job_t){.type = JOB_SCAN_JOURNAL,
                                      .token = token,
                                      .from_seq = from,
                                      .to_seq = to,
                                      .limit = limit});
}

void rdb_checkpoint (store_t *base, uint64_t token, const char *dir)
{
    enqueue ((rdb_t *) base,
             &(job_t){.type = JOB_CHECKPOINT, .token = token, .dir = plv_strdup (dir)});
}

/*  True: the answer is full.  */
static bool is_full (const job_t *job, const store_done_t *done, uint32_t count)
{
    return (job->limit && count == job->limit) || done->rows.size >= ANSWER_BYTES_MAX;
}

static void run_scan (rdb_t *self, const job_t *job)
{
    store_done_t done = {.type = STORE_ROWS, .token = job->token};
    plv_view_t key, value;
    uint32_t count = 0;
    rdb_range_t range =
        rdb_range (self, (int) job->view, plv_buf_view (&job->from), plv_buf_view (&job->to));
    while (!done.more && rdb_range_next (&range, &key, &value)) {
        done.more = is_full (job, &done, count);
        if (!done.more)
            plv_row_put (&done.rows, job->view, key, value);
        count++;
    }
    plv_buf_check (&done.rows);
    plv_fail_t fail;
    if (rdb_range_end (&range, self, &fail))
        done.fail = fail;
    store_queue_push (&self->done, &done);
}

/*  To find a place in a file of the journal is to walk there; who reads on where he stopped need not.  */
void rdb_helper_forget_place (rdb_t *self)
{
    journal_cursor_end (&self->place);
    self->place_from = 0;
}

static void go_there (rdb_t *self, const job_t *job)
{
    uint64_t first = atomic_load (&self->first), last = atomic_load (&self->written);
    if (job->to_seq <= last)
        last = job->to_seq ? job->to_seq - 1 : 0;
    if (self->place_from && self->place_from == job->from_seq && job->from_seq >= first) {
        journal_go_on (&self->place, last);
        return;
    }
    rdb_helper_forget_place (self);
    journal_cursor (self->journal, job->from_seq > first ? job->from_seq : first, last,
                    &self->place);
}

static void run_scan_journal (rdb_t *self, const job_t *job)
{
    store_done_t done = {.type = STORE_ROWS, .token = job->token};
    uint8_t key[8];
    uint32_t count = 0;
    uint64_t next = 0;
    journal_record_t record;
    go_there (self, job);
    while (!done.more && journal_next (&self->place, &record)) {
        if (record.journal.size == 0)
            continue;
        done.more = is_full (job, &done, count++);
        plv_put_u64 (key, record.seq);
        if (!done.more) {
            plv_row_put (&done.rows, VIEW_META, plv_view (key, sizeof key), record.journal);
            next = record.seq + 1;
        }
    }
    plv_buf_check (&done.rows);
    done.fail = self->place.fail;
    if (done.more && next) {
        journal_step_back (&self->place);
        self->place_from = next;
    } else {
        rdb_helper_forget_place (self);
    }
    store_queue_push (&self->done, &done);
}

/*  Files of forgotten values go only when the position that hides them is on disk.  */
static plv_err_t run_chores (rdb_t *self, plv_fail_t *ret_fail)
{
    rdb_helper_forget_place (self);
    plv_err_t err = rdb_sync (self, ret_fail);
    return err ? err : rdb_forget (self, ret_fail);
}

static plv_err_t run_flush (rdb_t *self, plv_fail_t *ret_fail)
{
    rdb_helper_forget_place (self);
    plv_err_t err = rdb_flush (self, ret_fail);
    return err ? err : rdb_forget (self, ret_fail);
}

typedef enum { WORK_STOP, WORK_CHORES, WORK_FLUSH, WORK_JOB } work_t;

/*  Chores and flushes go first when their time has come, so that no row of scans can put them off.  */
static work_t wait_for_work (rdb_t *self)
{
    for (;;) {
        if (self->stopping)
            return WORK_STOP;
        if (self->chores_at_us && plv_clock_mono_us () >= self->chores_at_us)
            return WORK_CHORES;
        if (self->flush_due)
            return WORK_FLUSH;
        if (!plv_list_empty (&self->jobs))
            return WORK_JOB;
        plv_wait_until (&self->helper_wake, &self->lock,
                        self->chores_at_us ? self->chores_at_us : INT64_MAX);
    }
}

static void do_chores (rdb_t *self, work_t work)
{
    plv_fail_t fail;
    if (work == WORK_CHORES)
        self->chores_at_us = 0;
    else
        self->flush_due = false;
    pthread_mutex_unlock (&self->lock);
    if (work == WORK_CHORES ? run_chores (self, &fail) : run_flush (self, &fail))
        rdb_report_outside (self, &fail);
    pthread_mutex_lock (&self->lock);
}

typedef void (*job_fn) (rdb_t *self, const job_t *job);

/*  The first one, without `lock` while it runs.  */
static void do_job (rdb_t *self, job_fn run)
{
    job_t *job = PLV_OF (plv_list_pop (&self->jobs), job_t, node);
    pthread_mutex_unlock (&self->lock);
    run (self, job);
    job_destroy (&job);
    pthread_mutex_lock (&self->lock);
}

static job_type_t first_type (rdb_t *self)
{
    return PLV_OF (self->jobs.next, job_t, node)->type;
}

static bool is_job_quick (rdb_t *self)
{
    return !plv_list_empty (&self->jobs) && first_type (self) != JOB_CHECKPOINT;
}

static void do_quick_job (rdb_t *self)
{
    do_job (self, first_type (self) == JOB_SCAN ? run_scan : run_scan_journal);
}

/*  A backup reads the files of the journal: it must find them, so nothing is forgotten here. The
    chores stay due for that.  */
static bool meanwhile (void *arg)
{
    rdb_t *self = arg;
    plv_fail_t fail;
    pthread_mutex_lock (&self->lock);
    bool sync = self->chores_at_us && plv_clock_mono_us () >= self->chores_at_us;
    bool flush = self->flush_due;
    if (sync || flush) {
        self->chores_at_us = plv_clock_mono_us () + CHORES_US;
        self->flush_due = false;
        pthread_mutex_unlock (&self->lock);
        if (flush ? rdb_flush (self, &fail) : rdb_sync (self, &fail))
            rdb_report_outside (self, &fail);
        pthread_mutex_lock (&self->lock);
    }
    if (is_job_quick (self) && !self->stopping)
        do_quick_job (self); /* one a piece: no row of scans can put the backup off */
    bool go_on = !self->stopping;
    pthread_mutex_unlock (&self->lock);
    return go_on;
}

static void run_checkpoint (rdb_t *self, const job_t *job)
{
    const journal_meanwhile_t between = {meanwhile, self};
    store_done_t done = {.type = STORE_CHECKPOINTED, .token = job->token};
    rdb_checkpoint_to (self, job->dir, &between, &done.fail);
    store_queue_push (&self->done, &done);
}

void rdb_helper_ask (rdb_t *self)
{
    pthread_mutex_lock (&self->lock);
    if (!self->chores_at_us) {
        self->chores_at_us = plv_clock_mono_us () + CHORES_US;
        pthread_cond_signal (&self->helper_wake);
    }
    pthread_mutex_unlock (&self->lock);
}

void rdb_helper_ask_flush (rdb_t *self)
{
    pthread_mutex_lock (&self->lock);
    if (!self->flush_due) {
        self->flush_due = true;
        pthread_cond_signal (&self->helper_wake);
    }
    pthread_mutex_unlock (&self->lock);
}

void *rdb_helper_main (void *arg)
{
    rdb_t *self = arg;
    work_t work;
    pthread_mutex_lock (&self->lock);
    while ((work = wait_for_work (self)) != WORK_STOP) {
        if (work != WORK_JOB)
            do_chores (self, work);
        else if (is_job_quick (self))
            do_quick_job (self);
        else
            do_job (self, run_checkpoint);
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}

void rdb_helper_drop_jobs (rdb_t *self)
{
    rdb_helper_forget_place (self);
    for (plv_node_t *node; (node = plv_list_pop (&self->jobs));) {
        job_t *job = PLV_OF (node, job_t, node);
        job_destroy (&job);
    }
}
