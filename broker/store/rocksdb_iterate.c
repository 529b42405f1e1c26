#include "store/rocksdb.h"
#include "store/table.h"

rdb_range_t rdb_range (rdb_t *self, int family, plv_view_t from, plv_view_t to)
{
    rdb_range_t range = {.options = rocksdb_readoptions_create (), .to = to};
    rocksdb_readoptions_set_fill_cache (range.options, 0);
    if (from.size)
        rocksdb_readoptions_set_iterate_lower_bound (range.options, (const char *) from.data,
                                                     from.size);
    if (to.size)
        rocksdb_readoptions_set_iterate_upper_bound (range.options, (const char *) to.data,
                                                     to.size);
    range.cursor = rocksdb_create_iterator_cf (self->db, range.options, self->families[family]);
    if (self->read_only)
        range.cursor = rocksdb_writebatch_wi_create_iterator_with_base_cf (
            self->overlay, range.cursor, self->families[family]);
    if (from.size)
        rocksdb_iter_seek (range.cursor, (const char *) from.data, from.size);
    else
        rocksdb_iter_seek_to_first (range.cursor);
    return range;
}

bool rdb_range_next (rdb_range_t *self, plv_view_t *ret_key, plv_view_t *ret_value)
{
    if (self->started)
        rocksdb_iter_next (self->cursor);
    self->started = true;
    if (!rocksdb_iter_valid (self->cursor))
        return false;
    size_t key_size, value_size;
    const char *key = rocksdb_iter_key (self->cursor, &key_size);
    const char *value = rocksdb_iter_value (self->cursor, &value_size);
    *ret_key = plv_view (key, key_size);
    /*  What lies over the database knows no bound.  */
    if (self->to.size && table_compare (*ret_key, self->to) >= 0)
        return false;
    *ret_value = plv_view (value, value_size);
    return true;
}

plv_err_t rdb_range_end (rdb_range_t *self, const rdb_t *store, plv_fail_t *ret_fail)
{
    char *text = NULL;
    rocksdb_iter_get_error (self->cursor, &text);
    rocksdb_iter_destroy (self->cursor);
    rocksdb_readoptions_destroy (self->options);
    *self = (rdb_range_t){.cursor = NULL};
    return text ? rdb_error (ret_fail, store->dir, "reading", text) : ERR_OK;
}

char *rdb_get (rdb_t *self, int family, const char *key, size_t *ret_size, char **text)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create ();
    char *value = self->read_only ? rocksdb_writebatch_wi_get_from_batch_and_db_cf (
                      self->overlay, self->db, options, self->families[family], key, strlen (key),
                      ret_size, text)
                                  : rocksdb_get_cf (self->db, options, self->families[family], key,
                                                    strlen (key), ret_size, text);
    rocksdb_readoptions_destroy (options);
    return value;
}
