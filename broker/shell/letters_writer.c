#include "shell/letters_writer.h"

#include "base/alloc.h"
#include "base/check.h"
#include "shell/letters_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct letters_writer {
    int done; /* an eventfd */
    pthread_t thread;
    bool is_thread; /* there is one, to be joined */
    bool under_way; /* begun, and not answered */
    uint64_t token;
    plv_buf_t order, path;
    plv_fail_t fail; /* code ERR_OK: none */
};

plv_err_t letters_writer_new (letters_writer_t **ret_writer, plv_fail_t *ret_fail)
{
    int done = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (done < 0)
        return plv_fail (ret_fail, ERR_IO, "no event descriptor: %s%s", strerror (errno),
                         plv_errno_advice (errno));
    letters_writer_t *self = plv_alloc_zero (1, sizeof *self);
    self->done = done;
    *ret_writer = self;
    return ERR_OK;
}

static void join (letters_writer_t *self)
{
    if (self->is_thread)
        pthread_join (self->thread, NULL);
    self->is_thread = false;
}

void letters_writer_destroy (letters_writer_t **self_p)
{
    letters_writer_t *self = *self_p;
    if (!self)
        return;
    join (self);
    close (self->done);
    plv_buf_free (&self->order);
    plv_buf_free (&self->path);
    free (self);
    *self_p = NULL;
}

int letters_writer_fd (const letters_writer_t *self)
{
    return self->done;
}

static void *write_letters (void *arg)
{
    letters_writer_t *self = arg;
    if (!letters_file_append (plv_buf_view (&self->order), &self->path, &self->fail))
        self->fail.code = ERR_OK;
    eventfd_write (self->done, 1);
    return NULL;
}

void letters_writer_begin (letters_writer_t *self, uint64_t token, plv_view_t order)
{
    CHECK (!self->under_way, "letters are being saved already");
    self->under_way = true;
    self->token = token;
    plv_buf_clear (&self->path);
    plv_buf_clear (&self->order);
    plv_buf_add_view (&self->order, order);
    plv_buf_check (&self->order);
    int wrong = pthread_create (&self->thread, NULL, write_letters, self);
    self->is_thread = wrong == 0;
    if (wrong) {
        plv_fail (&self->fail, ERR_IO, "no thread that saves them: %s", strerror (wrong));
        eventfd_write (self->done, 1);
    }
}

bool letters_writer_next (letters_writer_t *self, uint64_t *ret_token, const char **ret_path,
                          plv_fail_t *ret_fail)
{
    eventfd_t count;
    if (!self->under_way || eventfd_read (self->done, &count) < 0)
        return false;
    join (self);
    plv_buf_free (&self->order); /* it may be large, and the next one be far away */
    self->under_way = false;
    *ret_token = self->token;
    *ret_path = (const char *) self->path.data;
    *ret_fail = self->fail;
    return true;
}
