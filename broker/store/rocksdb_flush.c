#include "base/bytes.h"
#include "store/rocksdb.h"

/*  Under `commit_lock`.  */
static plv_err_t sync_journal (rdb_t *self, plv_fail_t *ret_fail)
{
    plv_err_t err = journal_sync (self->journal, ret_fail);
    if (err)
        return err;
    atomic_store (&self->synced, atomic_load (&self->written));
    atomic_store (&self->synced_first, atomic_load (&self->first));
    return ERR_OK;
}

plv_err_t rdb_sync (rdb_t *self, plv_fail_t *ret_fail)
{
    pthread_mutex_lock (&self->commit_lock);
    plv_err_t err = sync_journal (self, ret_fail);
    pthread_mutex_unlock (&self->commit_lock);
    return err;
}

/*  `applied` goes to disk when all that it speaks of is there.  */
static plv_err_t flush_families (rdb_t *self, uint64_t applied, plv_fail_t *ret_fail)
{
    uint8_t value[8];
    char *text = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create ();
    rocksdb_flushoptions_set_wait (options, 1);
    for (int i = 0; !text && i < VIEW_COUNT_; i++)
        rocksdb_flush_cf (self->db, options, self->families[i], &text);
    plv_put_u64 (value, applied);
    if (!text)
        rocksdb_put_cf (self->db, self->no_log, self->families[FAMILY_OWN], RDB_APPLIED,
                        strlen (RDB_APPLIED), (const char *) value, sizeof value, &text);
    if (!text)
        rocksdb_flush_cf (self->db, options, self->families[FAMILY_OWN], &text);
    rocksdb_flushoptions_destroy (options);
    return text ? rdb_error (ret_fail, self->dir, "moving the views to disk in", text) : ERR_OK;
}

plv_err_t rdb_flush (rdb_t *self, plv_fail_t *ret_fail)
{
    pthread_mutex_lock (&self->commit_lock);
    plv_err_t err = sync_journal (self, ret_fail);
    uint64_t applied = atomic_load (&self->written);
    uint64_t memtable_bytes = self->memtable_bytes, unflushed_bytes = self->unflushed_bytes;
    self->flushing = !err;
    pthread_mutex_unlock (&self->commit_lock);
    if (err)
        return err;
    err = flush_families (self, applied, ret_fail);
    pthread_mutex_lock (&self->commit_lock);
    self->flushing = false;
    if (!err) {
        self->memtable_bytes -= memtable_bytes;
        self->unflushed_bytes -= unflushed_bytes;
        atomic_store (&self->flushed, applied);
    }
    pthread_mutex_unlock (&self->commit_lock);
    return err;
}

plv_err_t rdb_forget (rdb_t *self, plv_fail_t *ret_fail)
{
    uint64_t first = atomic_load (&self->synced_first), flushed = atomic_load (&self->flushed);
    return journal_forget (self->journal, first < flushed + 1 ? first : flushed + 1, ret_fail);
}
