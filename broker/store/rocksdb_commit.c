#include "store/rocksdb.h"

#include "base/check.h"
#include "base/clock.h"

/*  Two ways to commit. The commit thread lets the loop gather the next batch while this one is
    synced: worth most when the disk is slow or the batch large. But waking a thread, and being
    woken by it, costs about as much as the sync of a fast disk, and a lone message pays it
    twice. So a small batch is committed at once, inside append, as long as the disk has lately
    been quick; and one for which a single peer waits, with nobody behind it, also when the disk
    is slower, as long as it does not hang. Where batches are not synced at once, as long as it
    waits for no sync at all; and nowhere while the helper has the journal, which may be for a
    sync.  */
enum { INLINE_BYTES_MAX = 16 * 1024, INLINE_US_MAX = 250, ALONE_US_MAX = 20000, EWMA_SHARE = 8 };

/*  Never beyond what the views hold, and never the newest value: it says where the journal
    ends.  */
static uint64_t first_after (const rdb_t *self, const store_batch_t *batch)
{
    uint64_t reflected = atomic_load (&self->reflected), before = atomic_load (&self->first);
    uint64_t first = batch->drop_below;
    if (first > reflected + 1)
        first = reflected + 1;
    if (first > batch->seq)
        first = batch->seq;
    return first > before ? first : before;
}

/*  What is applied must be on disk in the journal before it can be in the views: these are the
    times when RocksDB may write them.  */
static bool must_sync (const rdb_t *self, const store_batch_t *batch)
{
    return (batch->sync && self->sync)
           || (batch->ops.size && (self->flushing || self->memtable_bytes > self->memtable_bound));
}

/*  The journal, then the views, so that these are never ahead of it. Under `commit_lock`.  */
static plv_err_t write_batch (rdb_t *self, const store_batch_t *batch, bool *ret_synced,
                              plv_fail_t *ret_fail)
{
    bool good = rdb_fill (self, batch->ops);
    CHECK (good, "batch %ju: the row operations are no row operations", (uintmax_t) batch->seq);
    uint64_t first = first_after (self, batch);
    journal_record_t record = {.seq = batch->seq,
                               .synced = atomic_load (&self->synced),
                               .first = first,
                               .journal = batch->journal,
                               .ops = batch->ops};
    self->memtable_bytes += rdb_memtable_cost (self, batch->ops);
    self->unflushed_bytes += record_bytes (&record);
    bool sync = must_sync (self, batch);
    plv_err_t err = journal_append (self->journal, &record, ret_fail);
    if (!err && sync)
        err = journal_sync (self->journal, ret_fail);
    if (!err && batch->ops.size)
        err = rdb_apply (self, ret_fail);
    if (err)
        return err;
    atomic_store (&self->first, first);
    atomic_store (&self->written, batch->seq);
    if (sync)
        atomic_store (&self->synced, batch->seq);
    *ret_synced = sync;
    return ERR_OK;
}

/*  Under `commit_lock`, which it gives back.  */
static void commit (rdb_t *self, const store_batch_t *batch, int64_t begun_us)
{
    uint64_t first_before = atomic_load (&self->first);
    bool synced = false;
    plv_fail_t fail;
    if (rdb_has_failed (self)) { /* the helper has: the batch may be gone */
        pthread_mutex_unlock (&self->commit_lock);
        return;
    }
    plv_err_t err = write_batch (self, batch, &synced, &fail);
    bool flush_due = !self->flushing
                     && (self->memtable_bytes > self->memtable_bound
                         || self->unflushed_bytes > self->unflushed_bound);
    pthread_mutex_unlock (&self->commit_lock);
    if (err) {
        rdb_report_failure (self, batch->seq, &fail);
        return;
    }
    int64_t commit_us = plv_clock_mono_us () - begun_us;
    if (synced)
        self->commit_ewma_us += ((int32_t) commit_us - (int32_t) self->commit_ewma_us) / EWMA_SHARE;
    if (!synced || atomic_load (&self->first) != first_before)
        rdb_helper_ask (self);
    if (flush_due)
        rdb_helper_ask_flush (self);
    rdb_report_stored (self, batch->seq, commit_us);
}

/*  Under `commit_lock`. Where batches are synced, those that are not wait for the disk, too: for their write (see
    journal_options_t).  */
static bool is_disk_quick (const rdb_t *self, const store_batch_t *batch)
{
    const journal_record_t record = {.journal = batch->journal, .ops = batch->ops};
    uint32_t bound_us = batch->alone ? ALONE_US_MAX : INLINE_US_MAX;
    if (self->sync)
        return self->commit_ewma_us < bound_us;
    return !must_sync (self, batch) && journal_has_room (self->journal, record_bytes (&record));
}

/*  True: in hand, and so is `commit_lock`.  */
static bool begin_at_once (rdb_t *self, const store_batch_t *batch)
{
    if (batch->journal.size + batch->ops.size >= INLINE_BYTES_MAX
        || pthread_mutex_trylock (&self->commit_lock) != 0)
        return false;
    bool quick = is_disk_quick (self, batch);
    if (!quick)
        pthread_mutex_unlock (&self->commit_lock);
    return quick;
}

void rdb_append (store_t *base, const store_batch_t *batch)
{
    rdb_t *self = (rdb_t *) base;
    if (rdb_has_failed (self))
        return;
    CHECK (!self->under_way, "batch %ju is appended before the one ahead was reported",
           (uintmax_t) batch->seq);
    CHECK (batch->seq == self->next_seq, "batch %ju is appended where %ju is due",
           (uintmax_t) batch->seq, (uintmax_t) self->next_seq);
    if (self->read_only) {
        plv_fail_t fail;
        plv_fail (&fail, ERR_PERM, "%s is open for reading only: nothing can be written",
                  self->dir);
        rdb_report_failure (self, batch->seq, &fail);
        return;
    }
    self->next_seq++;
    self->under_way = true;
    int64_t begun_us = plv_clock_mono_us ();
    if (begin_at_once (self, batch)) {
        commit (self, batch, begun_us);
        return;
    }
    pthread_mutex_lock (&self->lock);
    self->batch = *batch;
    self->batch_ready = true;
    pthread_mutex_unlock (&self->lock);
    /* not before: it would wake up to a lock that is held */
    pthread_cond_signal (&self->commit_wake);
}

void *rdb_commit_main (void *arg)
{
    rdb_t *self = arg;
    pthread_mutex_lock (&self->lock);
    for (;;) {
        while (!self->batch_ready && !self->stopping)
            pthread_cond_wait (&self->commit_wake, &self->lock);
        if (!self->batch_ready)
            break;
        store_batch_t batch = self->batch;
        self->batch_ready = false;
        pthread_mutex_unlock (&self->lock);
        int64_t begun_us = plv_clock_mono_us ();
        pthread_mutex_lock (&self->commit_lock);
        commit (self, &batch, begun_us);
        pthread_mutex_lock (&self->lock);
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}
