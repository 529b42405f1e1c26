#include "base/bytes.h"
#include "store/journal.h"
#include "store/rocksdb.h"

#include <inttypes.h>

static const char restore[] = "restore the directory from a backup, or keep it and ask for help";

/*  An own number in META; `ret_value` is untouched when the row is missing.  */
static plv_err_t read_number (rdb_t *self, const char *key, size_t size, uint64_t *ret_value,
                              plv_fail_t *ret_fail)
{
    char *text = NULL;
    size_t got = 0;
    plv_err_t err = ERR_OK;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create ();
    char *value = rocksdb_get_cf (self->db, options, self->families[VIEW_META], key, strlen (key),
                                  &got, &text);
    rocksdb_readoptions_destroy (options);
    if (text)
        return rdb_error (ret_fail, self->dir, "reading", text);
    if (value && got != size)
        err = plv_fail (ret_fail, ERR_CORRUPT,
                        "the row meta/%s in %s has %zu bytes where %zu are due: %s", key, self->dir,
                        got, size, restore);
    else if (value)
        *ret_value = size == 4 ? plv_get_u32 ((uint8_t *) value) : plv_get_u64 ((uint8_t *) value);
    rocksdb_free (value);
    return err;
}

static plv_err_t read_last (rdb_t *self, uint64_t *ret_last, plv_fail_t *ret_fail)
{
    rdb_range_t range = {.options = rocksdb_readoptions_create (), .started = true};
    range.cursor =
        rocksdb_create_iterator_cf (self->db, range.options, self->families[FAMILY_JOURNAL]);
    rocksdb_iter_seek_to_last (range.cursor);
    size_t size;
    if (rocksdb_iter_valid (range.cursor)) {
        const char *key = rocksdb_iter_key (range.cursor, &size);
        if (size == JOURNAL_KEY_BYTES)
            *ret_last = plv_get_u64 ((const uint8_t *) key);
    }
    return rdb_range_end (&range, self, ret_fail);
}

plv_err_t rdb_recover_position (rdb_t *self, plv_fail_t *ret_fail)
{
    uint64_t schema = 0, first = 0, reflected = 0, last = 0;
    plv_err_t err = read_number (self, STORE_META_SCHEMA, 4, &schema, ret_fail);
    if (err)
        return err;
    if (schema > STORE_SCHEMA)
        return plv_fail (ret_fail, ERR_SCHEMA,
                         "%s was written by a newer release (schema %" PRIu64
                         ", this one knows %d): install that "
                         "release, or restore a backup made before",
                         self->dir, schema, STORE_SCHEMA);
    err = read_number (self, STORE_META_FIRST, 8, &first, ret_fail);
    if (!err)
        err = read_number (self, STORE_META_REFLECTED, 8, &reflected, ret_fail);
    if (!err)
        err = read_last (self, &last, ret_fail);
    if (err)
        return err;
    if (last < reflected || (first && last < first) || (last && !schema))
        return plv_fail (ret_fail, ERR_CORRUPT,
                         "the journal in %s ends at position %" PRIu64 ", but %" PRIu64
                         " is known to be there: %s",
                         self->dir, last, reflected > first ? reflected : first, restore);
    atomic_store (&self->first, first ? first : 1);
    atomic_store (&self->reflected, reflected);
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

static plv_err_t give_value (const rdb_t *self, uint64_t due, plv_view_t key, plv_view_t value,
                             const store_recovery_t *recovery, plv_fail_t *ret_fail)
{
    uint64_t synced;
    plv_view_t payload;
    uint64_t seq = key.size == JOURNAL_KEY_BYTES ? plv_get_u64 (key.data) : 0;
    if (seq != due)
        return plv_fail (ret_fail, ERR_CORRUPT, "the journal in %s misses position %" PRIu64 ": %s",
                         self->dir, due, restore);
    if (!journal_parse (value, &synced, &payload))
        return plv_fail (ret_fail, ERR_CORRUPT,
                         "the journal value %" PRIu64 " in %s is damaged: %s", seq, self->dir,
                         restore);
    if (payload.size)
        recovery->journal (recovery->arg, seq, payload);
    return ERR_OK;
}

static plv_err_t give_journal (rdb_t *self, const store_recovery_t *recovery, plv_fail_t *ret_fail)
{
    uint64_t due = atomic_load (&self->reflected) + 1;
    uint8_t from[JOURNAL_KEY_BYTES];
    plv_put_u64 (from, due);
    plv_view_t key, value;
    plv_fail_t ignored;
    plv_err_t err = ERR_OK;
    rdb_range_t range =
        rdb_range (self, FAMILY_JOURNAL, plv_view (from, sizeof from), plv_view (NULL, 0));
    while (!err && rdb_range_next (&range, &key, &value))
        err = give_value (self, due++, key, value, recovery, ret_fail);
    if (err)
        rdb_range_end (&range, self, &ignored);
    else
        err = rdb_range_end (&range, self, ret_fail);
    return err;
}

plv_err_t rdb_recover (store_t *base, const store_recovery_t *recovery, uint64_t *ret_next_seq,
                       plv_fail_t *ret_fail)
{
    static const plv_row_view_t views[] = {VIEW_META,    VIEW_SESSIONS, VIEW_TURNS,
                                           VIEW_ENTRIES, VIEW_DEDUP,    VIEW_KV};
    rdb_t *self = (rdb_t *) base;
    plv_err_t err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof views / sizeof *views; i++)
        err = give_view (self, views[i], recovery, ret_fail);
    if (!err)
        err = give_journal (self, recovery, ret_fail);
    if (!err)
        *ret_next_seq = self->next_seq;
    return err;
}
