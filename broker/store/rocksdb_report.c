#include "store/rocksdb.h"

bool rdb_has_failed (rdb_t *self)
{
    pthread_mutex_lock (&self->lock);
    bool failed = self->failed;
    pthread_mutex_unlock (&self->lock);
    return failed;
}

void rdb_report_failure (rdb_t *self, uint64_t seq, const plv_fail_t *fail)
{
    store_done_t done = {.type = STORE_FAILED, .seq = seq, .fail = *fail};
    pthread_mutex_lock (&self->lock);
    if (!self->failed)
        store_queue_push (&self->done, &done);
    self->failed = true;
    pthread_mutex_unlock (&self->lock);
}

void rdb_report_stored (rdb_t *self, uint64_t seq, int64_t commit_us)
{
    store_done_t done = {
        .type = STORE_STORED, .seq = seq, .batches = 1, .commit_us = (uint32_t) commit_us};
    pthread_mutex_lock (&self->lock);
    if (!self->failed)
        store_queue_push (&self->done, &done);
    pthread_mutex_unlock (&self->lock);
}

/*  Not while a batch is being written: who hears of the failure takes its buffers back.  */
void rdb_report_outside (rdb_t *self, const plv_fail_t *fail)
{
    pthread_mutex_lock (&self->commit_lock);
    rdb_report_failure (self, atomic_load (&self->written), fail);
    pthread_mutex_unlock (&self->commit_lock);
}
