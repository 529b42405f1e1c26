#include "store/rocksdb.h"

/*  Chosen with test/bench/store_bench.c: two cores, ext4 with an fdatasync of 0.15 ms, batches of
    96 kB and four view rows, 100 MB/s of journal for eight to ten seconds, synced unless said
    otherwise. One run a row, on a machine that did other work too: p50 and the last column repeat
    well; p99 of the same row varied from 1.2 to 9 ms and says little about synced rows.

                                          p50   p99  p99.9    max us   written/journal
        these options, text of chats      404  1690   9000  16000      1.70
        the same, wal_bytes_per_sync 0    394  2870   8300  17400      1.70
        random bytes (the same 0)         437  2090  12500  19000      2.06
        no compression (the same 0)       427  1940  13700  18000      2.00
        journal memtable 8 MiB            476  4830  12500  14500      1.71
        journal memtable 128 MiB          453  1490   8100  30000      1.66
        no sync                           167   890   4800   5500      1.66
        no sync, wal_bytes_per_sync 0     167  4370   9000  28000      1.66

    The last column is what the disk was given by what the journal took. LZ4 costs 100 to 140 us of a
    background thread a batch of such text, and nearly nothing where there is nothing to gain. The
    last two rows kept their order when repeated (5.1 and 11.2 ms at p99.9, 7 and 87 ms at most).

    Journal: its keys only grow, so the files of level 0 never overlap and level 1, the last one,
    takes them by a rename in the manifest: no value is written twice after its memtable. That holds
    only while every level compresses alike and no tombstone widens a file's range, hence no deletes
    in this family: what is forgotten is hidden by META/first and leaves the disk a whole file at a
    time (rocksdb_helper.c).

    Logs are not recycled: RocksDB 7.8 takes that option only with a recovery mode that skips
    damage silently, and an fdatasync is not measurably faster with it. Nor are logs tracked in
    the manifest: 7.8 then sometimes refuses a log that it has itself removed, and wal.h finds
    more.  */
enum {
    MIB = 1024 * 1024,
    JOURNAL_MEMTABLE_BYTES = 64 * MIB,
    VIEW_MEMTABLE_BYTES = 16 * MIB,
    MEMTABLES_MAX =
        4, /* room for a flush to be late by three memtables before a commit waits for it */
    WAL_MEMTABLES_MAX =
        4, /* log, in journal memtables; beyond it the families that pin old logs are flushed */
    BYTES_PER_SYNC =
        1 * MIB, /* flushes and unsynced logs go out in small pieces, between which a sync fits */
    BLOCK_CACHE_BYTES = 32 * MIB,
    BLOCK_BYTES = 16 * 1024,
};

const char *rdb_family_name (int family)
{
    return family == FAMILY_JOURNAL ? "default" : plv_row_view_name ((plv_row_view_t) family);
}

static size_t journal_memtable (const store_rocksdb_options_t *options)
{
    return options->memtable_bytes ? options->memtable_bytes : JOURNAL_MEMTABLE_BYTES;
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
    /*  Stops at the first bad record; what that may cost has been looked at before (wal.h).  */
    rocksdb_options_set_wal_recovery_mode (base, rocksdb_point_in_time_recovery);
    rocksdb_options_set_max_total_wal_size (base, WAL_MEMTABLES_MAX * journal_memtable (options));
    rocksdb_options_set_max_background_jobs (base, 2);
    rocksdb_options_set_bytes_per_sync (base, BYTES_PER_SYNC);
    rocksdb_options_set_wal_bytes_per_sync (base, BYTES_PER_SYNC);
    rocksdb_options_set_max_open_files (base, -1);
    set_quiet (base, log_dir);
    /*  A background write that failed is not tried again behind our back: the broker stops and
        says why.  */
    rocksdb_get_options_from_string (base, "max_bgerror_resume_count=0", result, &text);
    rocksdb_options_destroy (base);
    if (text) {
        rdb_error (ret_fail, options->dir, "setting up", text);
        rocksdb_options_destroy (result);
        result = NULL;
    }
    return result;
}

rocksdb_options_t *rdb_family_options_new (const rocksdb_options_t *base, int family,
                                           const store_rocksdb_options_t *options)
{
    rocksdb_options_t *self = rocksdb_options_create_copy ((rocksdb_options_t *) base);
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create ();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru (BLOCK_CACHE_BYTES / FAMILY_COUNT_);
    size_t bytes = journal_memtable (options);

    rocksdb_block_based_options_set_block_size (table, BLOCK_BYTES);
    rocksdb_block_based_options_set_block_cache (table, cache);
    rocksdb_options_set_block_based_table_factory (self, table);
    rocksdb_options_set_compression (self, rocksdb_lz4_compression);
    rocksdb_options_set_max_write_buffer_number (self, MEMTABLES_MAX);
    if (family == FAMILY_JOURNAL) {
        rocksdb_options_set_write_buffer_size (self, bytes);
        rocksdb_options_set_num_levels (self, 2);
        rocksdb_options_set_level0_file_num_compaction_trigger (self, 2);
    } else {
        rocksdb_options_set_write_buffer_size (
            self, bytes < VIEW_MEMTABLE_BYTES ? bytes : VIEW_MEMTABLE_BYTES);
    }
    rocksdb_cache_destroy (cache);
    rocksdb_block_based_options_destroy (table);
    return self;
}
