#include "base/bytes.h"
#include "store/rocksdb.h"

/*  What RocksDB takes for a row in a memtable, beside its bytes: more than it does.  */
enum { ROW_COST_BYTES = 160 };

static void note_reflected (rdb_t *self, const plv_row_t *row)
{
    if (row->view == VIEW_META && plv_view_is (row->key, STORE_META_REFLECTED)
        && row->value.size == 8)
        atomic_store (&self->reflected, plv_get_u64 (row->value.data));
}

static void add (rdb_t *self, const plv_row_t *row)
{
    rocksdb_column_family_handle_t *family = self->families[row->view];
    const char *key = (const char *) row->key.data, *value = (const char *) row->value.data;
    if (self->read_only && row->op == ROW_DELETE)
        rocksdb_writebatch_wi_delete_cf (self->overlay, family, key, row->key.size);
    else if (self->read_only)
        rocksdb_writebatch_wi_put_cf (self->overlay, family, key, row->key.size, value,
                                      row->value.size);
    else if (row->op == ROW_DELETE)
        rocksdb_writebatch_delete_cf (self->write_batch, family, key, row->key.size);
    else
        rocksdb_writebatch_put_cf (self->write_batch, family, key, row->key.size, value,
                                   row->value.size);
}

bool rdb_fill (rdb_t *self, plv_view_t ops)
{
    plv_row_t row;
    size_t at = 0;
    rocksdb_writebatch_clear (self->write_batch);
    while (plv_row_next (ops, &at, &row)) {
        add (self, &row);
        note_reflected (self, &row);
    }
    return at == ops.size;
}

uint64_t rdb_memtable_cost (const rdb_t *self, plv_view_t ops)
{
    uint64_t rows = (uint64_t) rocksdb_writebatch_count (self->write_batch);
    return ops.size + rows * ROW_COST_BYTES;
}

/*  RocksDB says nothing when a flush behind our back has failed: it counts, and tells the next
    write why, unless that writes no log.  */
static plv_err_t check_background (rdb_t *self, plv_fail_t *ret_fail)
{
    uint64_t errors = 0;
    if (rocksdb_property_int (self->db, "rocksdb.background-errors", &errors) != 0 || errors == 0)
        return ERR_OK;
    return plv_fail (
        ret_fail, ERR_IO,
        "a write behind the commits in %s failed: look at the free space and the disk, then "
        "start again: nothing acknowledged is lost",
        self->dir);
}

plv_err_t rdb_apply (rdb_t *self, plv_fail_t *ret_fail)
{
    char *text = NULL;
    if (self->read_only)
        return ERR_OK;
    rocksdb_write (self->db, self->no_log, self->write_batch, &text);
    return text ? rdb_error (ret_fail, self->dir, "writing to", text)
                : check_background (self, ret_fail);
}
