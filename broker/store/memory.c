#include "store/memory.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/check.h"
#include "store/done.h"
#include "store/table.h"

#include <stdlib.h>

enum { TABLE_JOURNAL = VIEW_COUNT_, TABLE_COUNT_ };
enum { ANSWER_BYTES_MAX = 8 * 1024 * 1024, SECRET_BYTES = 32, JOURNAL_KEY_BYTES = 8 };

/*  A row of META: the first journal position that is still there.  */
static const char meta_first[] = "first";

typedef table_t tables_t[TABLE_COUNT_];

typedef struct copy {
    struct copy *next;
    char *dir;
    tables_t tables;
} copy_t;

/*  What a row was before an unsynced commit, for the power cut.  */
typedef struct {
    int table;
    bool existed;
    plv_buf_t key;
    plv_buf_t value;
} undo_t;

typedef struct {
    store_t base;
    tables_t tables;
    copy_t *copies;
    store_queue_t done;
    store_batch_t batch; /* under way when seq is not 0 */
    uint64_t next_seq;
    bool failed;
    bool undoable; /* the commit under way is not synced */
    undo_t *undo;
    size_t undo_count;
    size_t undo_capacity;
} memory_t;

static memory_t *memory_of (const store_t *store)
{
    return (memory_t *) store;
}

static plv_buf_t copy_of (plv_view_t view)
{
    plv_buf_t copy = {.data = NULL};
    plv_buf_add_view (&copy, view);
    plv_buf_check (&copy);
    return copy;
}

static void remember (memory_t *self, int table, plv_view_t key)
{
    if (!self->undoable)
        return;
    if (self->undo_count == self->undo_capacity) {
        self->undo_capacity = self->undo_capacity ? self->undo_capacity * 2 : 16;
        self->undo = plv_realloc (self->undo, self->undo_capacity * sizeof *self->undo);
    }
    const table_row_t *row = table_get (&self->tables[table], key);
    self->undo[self->undo_count++] =
        (undo_t){.table = table,
                 .existed = row != NULL,
                 .key = copy_of (key),
                 .value = copy_of (row ? row->value : plv_view (NULL, 0))};
}

static void forget_undo (memory_t *self)
{
    for (size_t i = 0; i < self->undo_count; i++) {
        plv_buf_free (&self->undo[i].key);
        plv_buf_free (&self->undo[i].value);
    }
    self->undo_count = 0;
}

static void put (memory_t *self, int table, plv_view_t key, plv_view_t value)
{
    remember (self, table, key);
    table_put (&self->tables[table], key, value);
}

static void delete (memory_t *self, int table, plv_view_t key)
{
    remember (self, table, key);
    table_remove (&self->tables[table], key);
}

static uint64_t number (const memory_t *self, const char *key, uint64_t missing)
{
    const table_row_t *row = table_get (&self->tables[VIEW_META], plv_view_str (key));
    return row && row->value.size == 8 ? plv_get_u64 (row->value.data) : missing;
}

static void drop_below (memory_t *self, const store_batch_t *batch)
{
    uint64_t reflected = number (self, STORE_META_REFLECTED, 0);
    uint64_t first = batch->drop_below;
    if (first > reflected + 1)
        first = reflected + 1;
    if (first > batch->seq)
        first = batch->seq;
    if (first <= number (self, meta_first, 1))
        return;
    uint8_t value[8];
    plv_put_u64 (value, first);
    put (self, VIEW_META, plv_view_str (meta_first), plv_view (value, sizeof value));
    table_t *journal = &self->tables[TABLE_JOURNAL];
    while (journal->count && plv_get_u64 (journal->rows[0].key.data) < first) {
        plv_buf_t key = copy_of (journal->rows[0].key);
        delete (self, TABLE_JOURNAL, plv_buf_view (&key));
        plv_buf_free (&key);
    }
}

static void apply (memory_t *self, const store_batch_t *batch)
{
    uint8_t key[JOURNAL_KEY_BYTES];
    plv_put_u64 (key, batch->seq);
    self->undoable = !batch->sync;
    put (self, TABLE_JOURNAL, plv_view (key, sizeof key), batch->journal);
    plv_row_t row;
    size_t at = 0;
    while (plv_row_next (batch->ops, &at, &row)) {
        if (row.op == ROW_DELETE)
            delete (self, (int) row.view, row.key);
        else
            put (self, (int) row.view, row.key, row.value);
    }
    CHECK (at == batch->ops.size, "batch %ju: the row operations end at byte %zu of %zu",
           (uintmax_t) batch->seq, at, batch->ops.size);
    drop_below (self, batch);
    if (batch->sync)
        forget_undo (self);
}

uint64_t memory_pending (const store_t *store)
{
    return memory_of (store)->batch.seq;
}

void memory_commit (store_t *store)
{
    memory_t *self = memory_of (store);
    if (!self->batch.seq)
        return;
    apply (self, &self->batch);
    store_queue_push (&self->done,
                      &(store_done_t){.type = STORE_STORED, .seq = self->batch.seq, .batches = 1});
    self->batch.seq = 0;
}

void memory_fail (store_t *store, plv_err_t code, const char *text, bool kept)
{
    memory_t *self = memory_of (store);
    store_done_t done = {.type = STORE_FAILED, .seq = self->batch.seq};
    plv_fail (&done.fail, code, "%s", text);
    if (kept && self->batch.seq)
        apply (self, &self->batch);
    if (!self->failed)
        store_queue_push (&self->done, &done);
    self->failed = true;
    self->batch.seq = 0;
}

void memory_forget_view (store_t *store, plv_row_view_t view)
{
    table_free (&memory_of (store)->tables[view]);
}

void memory_sync (store_t *store)
{
    forget_undo (memory_of (store));
}

static void undo_all (memory_t *self)
{
    for (size_t i = self->undo_count; i-- > 0;) {
        const undo_t *undo = &self->undo[i];
        if (undo->existed)
            table_put (&self->tables[undo->table], plv_buf_view (&undo->key),
                       plv_buf_view (&undo->value));
        else
            table_remove (&self->tables[undo->table], plv_buf_view (&undo->key));
    }
    forget_undo (self);
}

static void find_end (memory_t *self)
{
    const table_t *journal = &self->tables[TABLE_JOURNAL];
    self->next_seq =
        journal->count ? plv_get_u64 (journal->rows[journal->count - 1].key.data) + 1 : 1;
}

void memory_crash (store_t *store, bool power_cut)
{
    memory_t *self = memory_of (store);
    self->batch.seq = 0;
    self->failed = false;
    store_queue_clear (&self->done);
    if (power_cut)
        undo_all (self);
    find_end (self);
}

static plv_err_t recover (store_t *base, const store_recovery_t *recovery, uint64_t *ret_next_seq,
                          plv_fail_t *ret_fail)
{
    static const plv_row_view_t views[] = {VIEW_META,  VIEW_SESSIONS, VIEW_TURNS,      VIEW_ENTRIES,
                                           VIEW_DEDUP, VIEW_KV,       VIEW_DEAD_BRIEFS};
    memory_t *self = memory_of (base);
    (void) ret_fail;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        const table_t *table = &self->tables[views[i]];
        for (size_t j = 0; j < table->count; j++)
            recovery->row (recovery->arg, views[i], table->rows[j].key, table->rows[j].value);
    }
    const table_t *journal = &self->tables[TABLE_JOURNAL];
    uint64_t reflected = number (self, STORE_META_REFLECTED, 0);
    for (size_t j = 0; j < journal->count; j++) {
        uint64_t seq = plv_get_u64 (journal->rows[j].key.data);
        if (seq > reflected && journal->rows[j].value.size)
            recovery->journal (recovery->arg, seq, journal->rows[j].value);
    }
    *ret_next_seq = self->next_seq;
    return ERR_OK;
}

static void append (store_t *base, const store_batch_t *batch)
{
    memory_t *self = memory_of (base);
    if (self->failed)
        return;
    CHECK (!self->batch.seq, "batch %ju is appended before the one ahead was reported",
           (uintmax_t) batch->seq);
    CHECK (batch->seq == self->next_seq, "batch %ju is appended where %ju is due",
           (uintmax_t) batch->seq, (uintmax_t) self->next_seq);
    self->next_seq++;
    self->batch = *batch;
}

static int no_fd (store_t *base)
{
    (void) base;
    return -1;
}

static store_done_type_t next (store_t *base, store_done_t *ret_done)
{
    return store_queue_pop (&memory_of (base)->done, ret_done);
}

static void answer (memory_t *self, uint64_t token, int table, plv_view_t from, plv_view_t to,
                    uint32_t limit)
{
    store_done_t done = {.type = STORE_ROWS, .token = token};
    const table_t *rows = &self->tables[table];
    plv_row_view_t view = table == TABLE_JOURNAL ? VIEW_META : (plv_row_view_t) table;
    uint32_t count = 0;
    for (size_t at = table_seek (rows, from); at < rows->count; at++) {
        const table_row_t *row = &rows->rows[at];
        if (to.size && table_compare (row->key, to) >= 0)
            break;
        if ((limit && count == limit) || done.rows.size >= ANSWER_BYTES_MAX) {
            done.more = true;
            break;
        }
        if (table == TABLE_JOURNAL && row->value.size == 0)
            continue;
        plv_row_put (&done.rows, view, row->key, row->value);
        count++;
    }
    plv_buf_check (&done.rows);
    store_queue_push (&self->done, &done);
}

static void scan (store_t *base, uint64_t token, plv_row_view_t view, plv_view_t from,
                  plv_view_t to, uint32_t limit)
{
    answer (memory_of (base), token, (int) view, from, to, limit);
}

static void scan_journal (store_t *base, uint64_t token, uint64_t from_seq, uint64_t to_seq,
                          uint32_t limit)
{
    uint8_t from[JOURNAL_KEY_BYTES], to[JOURNAL_KEY_BYTES];
    plv_put_u64 (from, from_seq);
    plv_put_u64 (to, to_seq);
    answer (memory_of (base), token, TABLE_JOURNAL, plv_view (from, sizeof from),
            plv_view (to, sizeof to), limit);
}

static copy_t *find_copy (const memory_t *self, const char *dir)
{
    copy_t *copy = self->copies;
    while (copy && strcmp (copy->dir, dir) != 0)
        copy = copy->next;
    return copy;
}

static void checkpoint (store_t *base, uint64_t token, const char *dir)
{
    memory_t *self = memory_of (base);
    store_done_t done = {.type = STORE_CHECKPOINTED, .token = token};
    if (find_copy (self, dir)) {
        plv_fail (&done.fail, ERR_EXISTS, "%s exists already: name a new directory for the backup",
                  dir);
    } else {
        copy_t *copy = plv_alloc_zero (1, sizeof *copy);
        copy->dir = plv_strdup (dir);
        for (int i = 0; i < TABLE_COUNT_; i++)
            table_copy (&copy->tables[i], &self->tables[i]);
        copy->next = self->copies;
        self->copies = copy;
    }
    store_queue_push (&self->done, &done);
}

static void usage (store_t *base, uint64_t *ret_bytes, uint64_t *ret_first_seq)
{
    memory_t *self = memory_of (base);
    *ret_bytes = 0;
    for (int i = 0; i < TABLE_COUNT_; i++)
        for (size_t j = 0; j < self->tables[i].count; j++)
            *ret_bytes += self->tables[i].rows[j].key.size + self->tables[i].rows[j].value.size;
    *ret_first_seq = number (self, meta_first, 1);
}

static plv_err_t finish (store_t *base, plv_fail_t *ret_fail)
{
    (void) base, (void) ret_fail;
    return ERR_OK;
}

static void free_tables (tables_t tables)
{
    for (int i = 0; i < TABLE_COUNT_; i++)
        table_free (&tables[i]);
}

static void destroy (store_t **base_p)
{
    memory_t *self = memory_of (*base_p);
    for (copy_t *copy; (copy = self->copies);) {
        self->copies = copy->next;
        free_tables (copy->tables);
        free (copy->dir);
        free (copy);
    }
    forget_undo (self);
    free (self->undo);
    free_tables (self->tables);
    store_queue_free (&self->done);
    free (self);
    *base_p = NULL;
}

static const store_vtable_t vtable = {
    .name = "memory",
    .recover = recover,
    .append = append,
    .fd = no_fd,
    .next = next,
    .scan = scan,
    .scan_journal = scan_journal,
    .checkpoint = checkpoint,
    .usage = usage,
    .finish = finish,
    .destroy = destroy,
};

static memory_t *new_empty (void)
{
    memory_t *self = plv_alloc_zero (1, sizeof *self);
    self->base.vtable = &vtable;
    self->next_seq = 1;
    CHECK (store_queue_init (&self->done, false),
           "a queue without a descriptor takes nothing from the system");
    return self;
}

store_t *store_memory_new (void)
{
    memory_t *self = new_empty ();
    uint8_t schema[4], secret[SECRET_BYTES];
    plv_put_u32 (schema, STORE_SCHEMA);
    for (int i = 0; i < SECRET_BYTES; i++)
        secret[i] = (uint8_t) i;
    table_t *meta = &self->tables[VIEW_META];
    table_put (meta, plv_view_str (STORE_META_SCHEMA), plv_view (schema, sizeof schema));
    table_put (meta, plv_view_str (STORE_META_SECRET), plv_view (secret, sizeof secret));
    return &self->base;
}

store_t *memory_restore (const store_t *store, const char *dir)
{
    copy_t *copy = find_copy (memory_of (store), dir);
    if (!copy)
        return NULL;
    memory_t *self = new_empty ();
    for (int i = 0; i < TABLE_COUNT_; i++)
        table_copy (&self->tables[i], &copy->tables[i]);
    find_end (self);
    return &self->base;
}
