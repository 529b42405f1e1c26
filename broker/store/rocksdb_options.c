#include "store/rocksdb.h"

/*  The views only: small rows that are written now and then, behind the commits. When a memtable
    is flushed is said by rocksdb_flush.c; RocksDB would do so by itself only at twice that size,
    and must not before (rocksdb.h).  */
enum {
    MIB = 1024 * 1024,
    DEFAULT_BYTES = 64 * MIB,
    MEMTABLE_BOUND_MAX = 32 * MIB,
    MEMTABLES_MAX = 4, /* a flush may be late by so many memtables before a commit waits for it */
    BYTES_PER_SYNC =
        1 * MIB, /* flushes go out in small pieces, between which the sync of a commit fits */
    BLOCK_CACHE_BYTES = 32 * MIB,
    BLOCK_BYTES = 16 * 1024,
};

const char *rdb_family_name (int family)
{
    return family == FAMILY_OWN ? "default" : plv_row_view_name ((plv_row_view_t) family);
}

uint64_t rdb_segment_bytes (const store_rocksdb_options_t *options)
{
    return options->memtable_bytes ? options->memtable_bytes : DEFAULT_BYTES;
}

uint64_t rdb_memtable_bound (const store_rocksdb_options_t *options)
{
    uint64_t bytes = rdb_segment_bytes (options);
    return bytes < MEMTABLE_BOUND_MAX ? bytes : MEMTABLE_BOUND_MAX;
}

static void set_quiet (rocksdb_options_t *options, const char *log_dir)
{
    enum { LEVEL_FATAL = 4 };
    rocksdb_options_set_info_log_level (options, LEVEL_FATAL);
    rocksdb_options_set_keep_log_file_num (options, 1);
    rocksdb_options_set_stats_dump_period_sec (options, 0);
    rocksdb_options_set_stats_persist_period_sec (options, 0);
    if (log_dir)
        rocksdb_options_set_db_log_dir (options, log_dir);
}

rocksdb_options_t *rdb_options_new (const store_rocksdb_options_t *options, const char *log_dir,
                                    plv_fail_t *ret_fail)
{
    rocksdb_options_t *base = rocksdb_options_create ();
    rocksdb_options_t *result = rocksdb_options_create ();
    char *text = NULL;
    rocksdb_options_set_create_if_missing (base, 1);
    rocksdb_options_set_create_missing_column_families (base, 1);
    rocksdb_options_set_max_background_jobs (base, 2);
    rocksdb_options_set_bytes_per_sync (base, BYTES_PER_SYNC);
    rocksdb_options_set_max_open_files (base, -1);
    /*  By default each view's few files are opened by 16 threads, which are made for that and end behind it: some 190
        at a start.  */
    rocksdb_options_set_max_file_opening_threads (base, 1);
    set_quiet (base, log_dir);
    /*  A background write that failed is not tried again behind our back: the broker stops and
        says why. And what is to be flushed at a stop is known here alone.  */
    rocksdb_get_options_from_string (
        base, "max_bgerror_resume_count=0;avoid_flush_during_shutdown=true", result, &text);
    rocksdb_options_destroy (base);
    if (text) {
        rdb_error (ret_fail, options->dir, "setting up", text);
        rocksdb_options_destroy (result);
        result = NULL;
    }
    return result;
}

rocksdb_options_t *rdb_family_options_new (const rocksdb_options_t *base,
                                           const store_rocksdb_options_t *options)
{
    rocksdb_options_t *self = rocksdb_options_create_copy ((rocksdb_options_t *) base);
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create ();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru (BLOCK_CACHE_BYTES / FAMILY_COUNT_);

    rocksdb_block_based_options_set_block_size (table, BLOCK_BYTES);
    rocksdb_block_based_options_set_block_cache (table, cache);
    rocksdb_options_set_block_based_table_factory (self, table);
    rocksdb_options_set_compression (self, rocksdb_lz4_compression);
    rocksdb_options_set_max_write_buffer_number (self, MEMTABLES_MAX);
    rocksdb_options_set_write_buffer_size (self, 2 * rdb_memtable_bound (options));
    rocksdb_cache_destroy (cache);
    rocksdb_block_based_options_destroy (table);
    return self;
}
