#include "host/link/will.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, WILL_BYTES_MAX = 64 * 1024 * 1024 };

static const char prefix[] = "left-";

struct will {
    const char *dir;
    broker_link_options_t options;
    plv_log_t *log;
    char path[PATH_BYTES]; /* of the one that is carried out; "": none */
    plv_buf_t bytes;
    broker_link_t *link;
    bool hopeless; /* the broker will not hear it */
    bool done;
};

/* ------------------------------------------------------------------ writing */

static plv_err_t write_file (const char *path, plv_view_t bytes, plv_fail_t *ret_fail)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ssize_t put = fd < 0 ? -1 : write (fd, bytes.data, bytes.size);
    int wrong = put < 0 ? errno : ENOSPC;
    if (fd >= 0)
        close (fd);
    if (put == (ssize_t) bytes.size)
        return ERR_OK;
    return plv_fail (ret_fail, ERR_IO, "%s: %s", path, strerror (wrong));
}

plv_err_t will_write (const char *dir, const broker_link_t *link, plv_fail_t *ret_fail)
{
    char made[PATH_BYTES], path[PATH_BYTES];
    plv_buf_t bytes = {0};
    unsigned number = randombytes_random ();
    snprintf (made, sizeof made, "%s/new-%08x", dir, number);
    snprintf (path, sizeof path, "%s/%s%08x", dir, prefix, number);
    broker_link_put_will (link, &bytes);
    plv_buf_check (&bytes);
    plv_err_t err = write_file (made, plv_buf_view (&bytes), ret_fail);
    if (!err && rename (made, path) < 0)
        err = plv_fail (ret_fail, ERR_IO, "%s: %s", path, strerror (errno));
    if (err)
        unlink (made);
    plv_buf_free (&bytes);
    return err;
}

/* ------------------------------------------------------------------ carrying out */

/*  The name of any will that is there; false: there is none.  */
static bool find (will_t *self)
{
    DIR *dir = opendir (self->dir);
    struct dirent *entry;
    self->path[0] = 0;
    while (dir && !self->path[0] && (entry = readdir (dir)))
        if (strncmp (entry->d_name, prefix, sizeof prefix - 1) == 0)
            snprintf (self->path, sizeof self->path, "%s/%s", self->dir, entry->d_name);
    if (dir)
        closedir (dir);
    return self->path[0];
}

static bool read_file (will_t *self)
{
    uint8_t piece[4096];
    ssize_t got = -1;
    int fd = open (self->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    plv_buf_clear (&self->bytes);
    while (fd >= 0 && self->bytes.size < WILL_BYTES_MAX
           && (got = read (fd, piece, sizeof piece)) > 0)
        plv_buf_add (&self->bytes, piece, (size_t) got);
    if (fd >= 0)
        close (fd);
    plv_buf_check (&self->bytes);
    return got == 0;
}

static void on_up (void *arg, bool up)
{
    (void) arg, (void) up;
}

static void on_trouble (void *arg, const char *code, const char *text, bool final)
{
    will_t *self = arg;
    (void) code, (void) text; /* the adapter's own line will say the same */
    self->hopeless = self->hopeless || final;
}

/*  It takes nothing new, so what else a broker says has no addressee.  */
static bool open_link (will_t *self, plv_fail_t *ret_fail)
{
    broker_link_options_t options = self->options;
    const broker_link_handler_t handler = {.up = on_up, .trouble = on_trouble, .arg = self};
    options.credit = 0;
    options.may_speak = NULL;
    options.will = plv_buf_view (&self->bytes);
    return !broker_link_open (&options, &handler, &self->link, ret_fail);
}

/*  Takes up the next one that can be read.  */
static void begin (will_t *self)
{
    plv_fail_t fail = {.text = "cannot be read"};
    while (!self->link && find (self)) {
        if (read_file (self) && open_link (self, &fail))
            return;
        plv_log (self->log, LOG_HOST_WILL_BROKEN, F_STR ("adapter", self->options.name),
                 F_STR ("file", self->path), F_STR ("why", fail.text));
        if (unlink (self->path) < 0)
            break;
    }
    self->done = true;
}

static void finish (will_t *self)
{
    plv_log (self->log, LOG_HOST_WILL_DONE, F_STR ("adapter", self->options.name),
             F_STR ("file", self->path));
    unlink (self->path);
    broker_link_destroy (&self->link);
}

will_t *will_new (const char *dir, const broker_link_options_t *options, plv_log_t *log)
{
    will_t *self = plv_alloc_zero (1, sizeof *self);
    self->dir = dir;
    self->options = *options;
    self->log = log;
    return self;
}

bool will_done (will_t *self)
{
    if (self->link && self->hopeless) {
        broker_link_destroy (&self->link);
        self->done = true;
    }
    if (self->link && broker_link_up (self->link) && broker_link_unsettled (self->link) == 0)
        finish (self);
    if (!self->link && !self->done)
        begin (self);
    return self->done;
}

void will_destroy (will_t **self_p)
{
    will_t *self = *self_p;
    if (!self)
        return;
    broker_link_destroy (&self->link);
    plv_buf_free (&self->bytes);
    free (self);
    *self_p = NULL;
}
