#include "store/rocksdb.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "store/journal.h"

/*  Two ways to commit. The commit thread lets the loop gather the next batch while this one is
    synced: worth most when the disk is slow or the batch large. But waking a thread, and being
    woken by it, costs about as much as the sync of a fast disk, and a lone message pays it
    twice. So a small batch is committed at once, inside append, as long as the disk has lately
    been quick.  */
enum { INLINE_BYTES_MAX = 16 * 1024, INLINE_US_MAX = 250, EWMA_SHARE = 8 };

static void put (rdb_t *self, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    rocksdb_writebatch_put_cf (self->write_batch, self->families[view], (const char *) key.data,
                               key.size, (const char *) value.data, value.size);
}

static void put_journal (rdb_t *self, const store_batch_t *batch)
{
    uint8_t key[JOURNAL_KEY_BYTES], header[JOURNAL_HEADER_BYTES];
    plv_put_u64 (key, batch->seq);
    journal_header (header, atomic_load (&self->synced));
    const char *keys[] = {(const char *) key};
    const size_t key_sizes[] = {sizeof key};
    const char *values[] = {(const char *) header, (const char *) batch->journal.data};
    const size_t value_sizes[] = {sizeof header, batch->journal.size};
    rocksdb_writebatch_putv_cf (self->write_batch, self->families[FAMILY_JOURNAL], 1, keys,
                                key_sizes, batch->journal.size ? 2 : 1, values, value_sizes);
}

static void apply_row (rdb_t *self, const plv_row_t *row)
{
    if (row->op == ROW_DELETE) {
        rocksdb_writebatch_delete_cf (self->write_batch, self->families[row->view],
                                      (const char *) row->key.data, row->key.size);
        return;
    }
    put (self, row->view, row->key, row->value);
    if (row->view == VIEW_META && plv_view_is (row->key, STORE_META_REFLECTED)
        && row->value.size == 8)
        atomic_store (&self->reflected, plv_get_u64 (row->value.data));
}

/*  Never beyond what the views hold, and never the newest value: it says where the journal
    ends.  */
static void put_first (rdb_t *self, const store_batch_t *batch)
{
    uint64_t reflected = atomic_load (&self->reflected);
    uint64_t first = batch->drop_below;
    if (first > reflected + 1)
        first = reflected + 1;
    if (first > batch->seq)
        first = batch->seq;
    if (first <= atomic_load (&self->first))
        return;
    uint8_t value[8];
    plv_put_u64 (value, first);
    put (self, VIEW_META, plv_view_str (STORE_META_FIRST), plv_view (value, sizeof value));
    atomic_store (&self->first, first);
}

/*  The journal value comes first: wal.c looks for it there.  */
static void fill (rdb_t *self, const store_batch_t *batch)
{
    rocksdb_writebatch_clear (self->write_batch);
    put_journal (self, batch);
    plv_row_t row;
    size_t at = 0;
    while (plv_row_next (batch->ops, &at, &row))
        apply_row (self, &row);
    CHECK (at == batch->ops.size, "batch %ju: the row operations end at byte %zu of %zu",
           (uintmax_t) batch->seq, at, batch->ops.size);
    put_first (self, batch);
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

static void report_stored (rdb_t *self, uint64_t seq, int64_t commit_us)
{
    store_done_t done = {
        .type = STORE_STORED, .seq = seq, .batches = 1, .commit_us = (uint32_t) commit_us};
    pthread_mutex_lock (&self->lock);
    if (!self->failed)
        store_queue_push (&self->done, &done);
    pthread_mutex_unlock (&self->lock);
}

/*  RocksDB says nothing when a flush behind our back has failed: it counts, and tells the next
    write why.  */
static plv_err_t check_background (rdb_t *self, plv_fail_t *ret_fail)
{
    uint64_t errors = 0;
    char *text = NULL;
    if (rocksdb_property_int (self->db, "rocksdb.background-errors", &errors) != 0 || errors == 0)
        return ERR_OK;
    rocksdb_writebatch_clear (self->write_batch);
    rocksdb_write (self->db, self->write_unsynced, self->write_batch, &text);
    if (text)
        return rdb_error (ret_fail, self->dir, "moving data behind the commits in", text);
    return plv_fail (
        ret_fail, ERR_IO,
        "a write behind the commits in %s failed: look at the free space and the disk, then "
        "start again: nothing acknowledged is lost",
        self->dir);
}

static void commit (rdb_t *self, const store_batch_t *batch)
{
    int64_t begun_us = plv_clock_mono_us ();
    uint64_t first_before = atomic_load (&self->first);
    bool sync = batch->sync && self->sync;
    char *text = NULL;
    plv_fail_t fail = {.code = ERR_OK};

    fill (self, batch);
    rocksdb_write (self->db, sync ? self->write_synced : self->write_unsynced, self->write_batch,
                   &text);
    if (text)
        rdb_error (&fail, self->dir, "writing to", text);
    else
        check_background (self, &fail);
    if (fail.code) {
        rdb_report_failure (self, batch->seq, &fail);
        return;
    }
    atomic_store (&self->written, batch->seq);
    int64_t commit_us = plv_clock_mono_us () - begun_us;
    if (sync) {
        atomic_store (&self->synced, batch->seq);
        self->commit_ewma_us += ((int32_t) commit_us - (int32_t) self->commit_ewma_us) / EWMA_SHARE;
    }
    if (!sync || atomic_load (&self->first) != first_before)
        rdb_helper_ask (self);
    report_stored (self, batch->seq, commit_us);
}

static bool is_quick (const rdb_t *self, const store_batch_t *batch)
{
    bool sync = batch->sync && self->sync;
    return batch->journal.size + batch->ops.size < INLINE_BYTES_MAX
           && (!sync || self->commit_ewma_us < INLINE_US_MAX);
}

void rdb_append (store_t *base, const store_batch_t *batch)
{
    rdb_t *self = (rdb_t *) base;
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
    pthread_mutex_lock (&self->lock);
    bool failed = self->failed;
    pthread_mutex_unlock (&self->lock);
    if (failed)
        return;
    self->next_seq++;
    self->under_way = true;
    if (is_quick (self, batch)) {
        commit (self, batch);
        return;
    }
    pthread_mutex_lock (&self->lock);
    self->batch = *batch;
    self->batch_ready = true;
    pthread_cond_signal (&self->commit_wake);
    pthread_mutex_unlock (&self->lock);
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
        commit (self, &batch);
        pthread_mutex_lock (&self->lock);
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}
