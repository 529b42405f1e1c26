#include "base/bytes.h"
#include "store/error.h"
#include "store/rocksdb.h"

#include <inttypes.h>
#include <stdlib.h>

/*  An own number; `ret_value` is untouched when the row is missing.  */
static plv_err_t read_number (rdb_t *self, int family, const char *key, size_t size,
                              uint64_t *ret_value, plv_fail_t *ret_fail)
{
    char *text = NULL;
    size_t got = 0;
    plv_err_t err = ERR_OK;
    char *value = rdb_get (self, family, key, &got, &text);
    if (text)
        return rdb_error (ret_fail, self->dir, "reading", text);
    if (value && got != size)
        err = plv_fail (ret_fail, ERR_CORRUPT,
                        "the row %s/%s in %s has %zu bytes where %zu are due: %s",
                        rdb_family_name (family), key, self->dir, got, size, STORE_RESTORE);
    else if (value)
        *ret_value = size == 4 ? plv_get_u32 ((uint8_t *) value) : plv_get_u64 ((uint8_t *) value);
    rocksdb_free (value);
    return err;
}

/*  0: the store is new.  */
static plv_err_t check_schema (rdb_t *self, uint64_t *ret_schema, plv_fail_t *ret_fail)
{
    uint64_t schema = 0;
    plv_err_t err = read_number (self, VIEW_META, STORE_META_SCHEMA, 4, &schema, ret_fail);
    if (err)
        return err;
    if (schema && schema != STORE_SCHEMA)
        return plv_fail (ret_fail, ERR_SCHEMA,
                         "%s was written by %s release (schema %" PRIu64
                         ", this one knows %d): install that release, or %s",
                         self->dir, schema > STORE_SCHEMA ? "a newer" : "an older", schema,
                         STORE_SCHEMA,
                         schema > STORE_SCHEMA ? "restore a backup made before"
                                               : "begin with a new data directory");
    bool journal =
        schema ? journal_has_files (self->journal) : !journal_has_records (self->journal);
    if (!journal)
        return plv_fail (ret_fail, ERR_CORRUPT, "the data directory %s has lost its %s: %s",
                         self->dir, schema ? "journal" : "views", STORE_RESTORE);
    *ret_schema = schema;
    return ERR_OK;
}

/*  What the views on disk do not hold yet.  */
static plv_err_t replay (rdb_t *self, uint64_t applied, plv_fail_t *ret_fail)
{
    journal_cursor_t cursor;
    journal_record_t record;
    plv_err_t err = ERR_OK;
    journal_cursor (self->journal, applied + 1, journal_last (self->journal), &cursor);
    while (!err && journal_next (&cursor, &record)) {
        if (!rdb_fill (self, record.ops))
            err = plv_fail (ret_fail, ERR_CORRUPT,
                            "position %" PRIu64 " of the journal in %s holds no row operations: %s",
                            record.seq, self->dir, STORE_RESTORE);
        self->memtable_bytes += rdb_memtable_cost (self, record.ops);
        self->unflushed_bytes += record_bytes (&record);
        if (!err && record.ops.size)
            err = rdb_apply (self, ret_fail);
    }
    if (!err && cursor.fail.code) {
        *ret_fail = cursor.fail;
        err = cursor.fail.code;
    }
    journal_cursor_end (&cursor);
    return err;
}

/*  Positions alone would not tell: the journal of another store has them, too.  */
static plv_err_t check_journal (rdb_t *self, plv_fail_t *ret_fail)
{
    uint64_t wanted = 0, found = journal_store (self->journal);
    plv_err_t err = read_number (self, FAMILY_OWN, RDB_JOURNAL, 8, &wanted, ret_fail);
    if (err || !wanted || !found || wanted == found)
        return err;
    return plv_fail (
        ret_fail, ERR_CORRUPT,
        "the journal in %s belongs to the data of another broker than the files beside it: %s",
        self->dir, STORE_RESTORE);
}

static plv_err_t check_end (const rdb_t *self, uint64_t known, plv_fail_t *ret_fail)
{
    uint64_t last = journal_last (self->journal);
    if (journal_oldest (self->journal) > journal_first (self->journal))
        return plv_fail (ret_fail, ERR_CORRUPT, "the journal in %s misses position %" PRIu64 ": %s",
                         self->dir, journal_first (self->journal), STORE_RESTORE);
    if (known <= last)
        return ERR_OK;
    return plv_fail (ret_fail, ERR_CORRUPT,
                     "the journal in %s ends at position %" PRIu64 ", but %" PRIu64
                     " is known to be there: %s",
                     self->dir, last, known, STORE_RESTORE);
}

plv_err_t rdb_recover_position (rdb_t *self, plv_fail_t *ret_fail)
{
    uint64_t schema, applied = 0, reflected = 0;
    plv_err_t err = check_schema (self, &schema, ret_fail);
    if (!err)
        err = read_number (self, FAMILY_OWN, RDB_APPLIED, 8, &applied, ret_fail);
    if (!err)
        err = read_number (self, VIEW_META, STORE_META_REFLECTED, 8, &reflected, ret_fail);
    if (!err)
        err = check_journal (self, ret_fail);
    atomic_store (&self->reflected, reflected);
    atomic_store (&self->flushed, applied);
    uint64_t known = applied > reflected ? applied : reflected;
    if (!err)
        err = journal_recover (self->journal, applied + 1, known, ret_fail);
    if (!err)
        err = check_end (self, known, ret_fail);
    if (!err)
        err = replay (self, applied, ret_fail);
    if (!err)
        err = check_schema (self, &schema, ret_fail);
    if (err)
        return err;
    uint64_t last = journal_last (self->journal), first = journal_first (self->journal);
    atomic_store (&self->first, first ? first : 1);
    atomic_store (&self->written, last);
    atomic_store (&self->synced, last);
    self->next_seq = last + 1;
    return ERR_OK;
}

static plv_err_t give_view (rdb_t *self, plv_row_view_t view, const store_recovery_t *recovery,
                            plv_fail_t *ret_fail)
{
    plv_view_t key, value, none = plv_view (NULL, 0);
    rdb_range_t range = rdb_range (self, (int) view, none, none);
    while (rdb_range_next (&range, &key, &value))
        recovery->row (recovery->arg, view, key, value);
    return rdb_range_end (&range, self, ret_fail);
}

static plv_err_t give_journal (rdb_t *self, const store_recovery_t *recovery, plv_fail_t *ret_fail)
{
    journal_cursor_t cursor;
    journal_record_t record;
    journal_cursor (self->journal, atomic_load (&self->reflected) + 1, atomic_load (&self->written),
                    &cursor);
    while (journal_next (&cursor, &record))
        if (record.journal.size)
            recovery->journal (recovery->arg, record.seq, record.journal);
    journal_cursor_end (&cursor);
    if (cursor.fail.code)
        *ret_fail = cursor.fail;
    return cursor.fail.code;
}

plv_err_t rdb_recover (store_t *base, const store_recovery_t *recovery, uint64_t *ret_next_seq,
                       plv_fail_t *ret_fail)
{
    static const plv_row_view_t views[] = {VIEW_META,  VIEW_SESSIONS, VIEW_TURNS,      VIEW_ENTRIES,
                                           VIEW_DEDUP, VIEW_KV,       VIEW_DEAD_BRIEFS};
    rdb_t *self = (rdb_t *) base;
    plv_err_t err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof views / sizeof *views; i++)
        err = give_view (self, views[i], recovery, ret_fail);
    if (!err)
        err = give_journal (self, recovery, ret_fail);
    if (err)
        return err;
    if (recovery->torn && journal_torn (self->journal))
        recovery->torn (recovery->arg, journal_torn (self->journal), self->next_seq - 1);
    *ret_next_seq = self->next_seq;
    return ERR_OK;
}
