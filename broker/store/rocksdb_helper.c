#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "store/journal.h"
#include "store/rocksdb.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/*  What may take long and must not hold up a commit: scans, checkpoints, and once a second,
    when there is something to do, the sync of what was committed without one and the removal of
    forgotten files.  */

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

static plv_err_t add_row (const rdb_t *self, const job_t *job, plv_buf_t *rows, plv_view_t key,
                          plv_view_t value, uint32_t *count, plv_fail_t *ret_fail)
{
    uint64_t synced;
    if (job->type == JOB_SCAN_JOURNAL) {
        plv_view_t stored = value;
        if (!journal_parse (stored, &synced, &value))
            return plv_fail (ret_fail, ERR_CORRUPT,
                             "a journal value in %s is damaged: restore it from a backup",
                             self->dir);
        if (value.size == 0)
            return ERR_OK;
    }
    plv_row_put (rows, job->view, key, value);
    (*count)++;
    return ERR_OK;
}

static void answer_scan (rdb_t *self, const job_t *job, int family, plv_view_t from, plv_view_t to)
{
    store_done_t done = {.type = STORE_ROWS, .token = job->token};
    plv_view_t key, value;
    uint32_t count = 0;
    plv_err_t err = ERR_OK;
    rdb_range_t range = rdb_range (self, family, from, to);
    while (!err && rdb_range_next (&range, &key, &value)) {
        if ((job->limit && count == job->limit) || done.rows.size >= ANSWER_BYTES_MAX) {
            done.more = true;
            break;
        }
        err = add_row (self, job, &done.rows, key, value, &count, &done.fail);
    }
    plv_buf_check (&done.rows);
    plv_fail_t fail;
    if (rdb_range_end (&range, self, &fail))
        done.fail = fail;
    store_queue_push (&self->done, &done);
}

static void run_scan_journal (rdb_t *self, const job_t *job)
{
    uint8_t from[JOURNAL_KEY_BYTES], to[JOURNAL_KEY_BYTES];
    uint64_t first = atomic_load (&self->first);
    plv_put_u64 (from, job->from_seq > first ? job->from_seq : first);
    plv_put_u64 (to, job->to_seq);
    answer_scan (self, job, FAMILY_JOURNAL, plv_view (from, sizeof from), plv_view (to, sizeof to));
}

static void run_job (rdb_t *self, const job_t *job)
{
    store_done_t done = {.type = STORE_CHECKPOINTED, .token = job->token};
    switch (job->type) {
    case JOB_SCAN:
        answer_scan (self, job, (int) job->view, plv_buf_view (&job->from),
                     plv_buf_view (&job->to));
        break;
    case JOB_SCAN_JOURNAL:
        run_scan_journal (self, job);
        break;
    case JOB_CHECKPOINT:
        rdb_checkpoint_to (self, job->dir, &done.fail);
        store_queue_push (&self->done, &done);
        break;
    }
}

/*  Files of forgotten values go only when the position that hides them is on disk: else a power
    cut could bring the old position back and leave a hole behind it.  */
static plv_err_t run_chores (rdb_t *self, plv_fail_t *ret_fail)
{
    char *text = NULL;
    uint64_t written = atomic_load (&self->written);
    uint64_t first = atomic_load (&self->first);
    rocksdb_flush_wal (self->db, 1, &text);
    if (text)
        return rdb_error (ret_fail, self->dir, "syncing", text);
    /*  A commit may have moved it on already.  */
    uint64_t synced = atomic_load (&self->synced);
    while (synced < written && !atomic_compare_exchange_weak (&self->synced, &synced, written))
        ;
    if (first == 0)
        return ERR_OK;
    uint8_t from[JOURNAL_KEY_BYTES] = {0}, last[JOURNAL_KEY_BYTES];
    plv_put_u64 (last, first - 1);
    rocksdb_delete_file_in_range_cf (self->db, self->families[FAMILY_JOURNAL], (const char *) from,
                                     sizeof from, (const char *) last, sizeof last, &text);
    return text ? rdb_error (ret_fail, self->dir, "removing old files from", text) : ERR_OK;
}

static struct timespec timespec_of (int64_t us)
{
    return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

typedef enum { WORK_STOP, WORK_CHORES, WORK_JOB } work_t;

/*  Chores go first when their time has come, so that no row of scans can put them off.  */
static work_t wait_for_work (rdb_t *self)
{
    for (;;) {
        if (self->stopping)
            return WORK_STOP;
        if (self->chores_at_us && plv_clock_mono_us () >= self->chores_at_us)
            return WORK_CHORES;
        if (!plv_list_empty (&self->jobs))
            return WORK_JOB;
        struct timespec until = timespec_of (self->chores_at_us);
        if (self->chores_at_us)
            pthread_cond_timedwait (&self->helper_wake, &self->lock, &until);
        else
            pthread_cond_wait (&self->helper_wake, &self->lock);
    }
}

static void do_chores (rdb_t *self)
{
    plv_fail_t fail;
    self->chores_at_us = 0;
    pthread_mutex_unlock (&self->lock);
    if (run_chores (self, &fail))
        rdb_report_failure (self, atomic_load (&self->written), &fail);
    pthread_mutex_lock (&self->lock);
}

static void do_job (rdb_t *self)
{
    job_t *job = PLV_OF (plv_list_pop (&self->jobs), job_t, node);
    pthread_mutex_unlock (&self->lock);
    run_job (self, job);
    job_destroy (&job);
    pthread_mutex_lock (&self->lock);
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

void *rdb_helper_main (void *arg)
{
    rdb_t *self = arg;
    work_t work;
    pthread_mutex_lock (&self->lock);
    while ((work = wait_for_work (self)) != WORK_STOP) {
        if (work == WORK_CHORES)
            do_chores (self);
        else
            do_job (self);
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}

void rdb_helper_drop_jobs (rdb_t *self)
{
    for (plv_node_t *node; (node = plv_list_pop (&self->jobs));) {
        job_t *job = PLV_OF (node, job_t, node);
        job_destroy (&job);
    }
}
