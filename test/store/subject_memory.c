#include "store/memory.h"
#include "subject.h"

static void open_new (subject_t *self)
{
    subject_make_dir (self->dir, sizeof self->dir);
    self->store = store_memory_new ();
}

static void settle (subject_t *self)
{
    memory_commit (self->store);
}

/*  Everything was synced, so even a power cut changes nothing.  */
static void restart (subject_t *self)
{
    memory_crash (self->store, true);
}

static void restore (subject_t *self, const char *dir)
{
    self->original = self->store;
    self->store = memory_restore (self->original, dir);
    assert_non_null (self->store);
}

static void close_all (subject_t *self)
{
    store_destroy (&self->store);
    store_destroy (&self->original);
    subject_remove_dir (self->dir);
}

const subject_kind_t subject_memory = {.name = "memory",
                                       .open = open_new,
                                       .settle = settle,
                                       .restart = restart,
                                       .restore = restore,
                                       .close = close_all};
