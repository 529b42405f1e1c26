/*  newer_schema -- makes a data directory look as if a newer release had written it, for a test of the broker:
    newer_schema DIR  */

#include "base/bytes.h"
#include "store/store.h"

#include <poll.h>
#include <stdio.h>

static void no_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    (void) arg;
    (void) view;
    (void) key;
    (void) value;
}

static void no_journal (void *arg, uint64_t seq, plv_view_t value)
{
    (void) arg;
    (void) seq;
    (void) value;
}

static plv_err_t write_schema (store_t *store, plv_fail_t *ret_fail)
{
    const store_recovery_t recovery = {.row = no_row, .journal = no_journal};
    uint8_t newer[4];
    plv_buf_t ops = {0};
    store_batch_t batch = {.sync = true};
    store_done_t done = {0};
    plv_err_t err = store->vtable->recover (store, &recovery, &batch.seq, ret_fail);
    if (err)
        return err;
    plv_put_u32 (newer, STORE_SCHEMA + 1);
    plv_row_put (&ops, VIEW_META, plv_view_str (STORE_META_SCHEMA), plv_view (newer, sizeof newer));
    batch.ops = plv_buf_view (&ops);
    store->vtable->append (store, &batch);
    while (store->vtable->next (store, &done) == STORE_NOTHING) {
        struct pollfd wait = {.fd = store->vtable->fd (store), .events = POLLIN};
        poll (&wait, 1, 1000);
    }
    plv_buf_free (&ops);
    if (done.type == STORE_FAILED)
        *ret_fail = done.fail;
    return done.type == STORE_STORED ? ERR_OK : ERR_IO;
}

int main (int argc, char **argv)
{
    const store_rocksdb_options_t options = {.dir = argc > 1 ? argv[1] : "", .sync = true};
    store_t *store = NULL;
    plv_fail_t fail = {0};
    plv_err_t err = store_rocksdb_open (&options, &store, &fail);
    if (!err)
        err = write_schema (store, &fail);
    store_destroy (&store);
    if (err)
        fprintf (stderr, "newer_schema: %s\n", fail.text);
    return err ? 1 : 0;
}
