#include "subject.h"

static void open_dir (subject_t *self, const char *dir)
{
    plv_fail_t fail = {.code = ERR_OK};
    store_rocksdb_options_t options = {.dir = dir, .sync = true};
    if (store_rocksdb_open (&options, &self->store, &fail))
        print_error ("%s\n", fail.text);
    assert_int_equal (fail.code, ERR_OK);
}

static void open_new (subject_t *self)
{
    subject_make_dir (self->dir, sizeof self->dir);
    open_dir (self, self->dir);
}

static void settle (subject_t *self)
{
    (void) self;
}

static void restart (subject_t *self)
{
    store_destroy (&self->store);
    open_dir (self, self->dir);
}

static void restore (subject_t *self, const char *dir)
{
    self->original = self->store;
    open_dir (self, dir);
}

static void close_all (subject_t *self)
{
    store_destroy (&self->store);
    store_destroy (&self->original);
    subject_remove_dir (self->dir);
}

const subject_kind_t subject_rocksdb = {.name = "rocksdb",
                                        .open = open_new,
                                        .settle = settle,
                                        .restart = restart,
                                        .restore = restore,
                                        .close = close_all};
