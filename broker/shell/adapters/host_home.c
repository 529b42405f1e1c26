#include "shell/adapters/host_home.h"

#include "base/alloc.h"
#include "base/conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* ------------------------------------------------------------------ the environment */

typedef struct {
    char **items;
    size_t count;
} environment_t;

static void add (environment_t *self, char *entry)
{
    self->items = plv_realloc (self->items, (self->count + 2) * sizeof *self->items);
    self->items[self->count++] = entry;
    self->items[self->count] = NULL;
}

static bool libraries_read (const char *entry)
{
    static const char *const names[] = {
#define KEEP(beginning, why) beginning,
#include "base/conf/environment.def"
#undef KEEP
    };
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        if (strncmp (entry, names[at], strlen (names[at])) == 0)
            return true;
    }
    return false;
}

static void add_named (void *arg, const char *text)
{
    size_t size = strncmp (text, "env:", 4) == 0 ? strlen (text + 4) : 0;
    for (size_t at = 0; size && environ && environ[at]; at++) {
        bool its = strncmp (environ[at], text + 4, size) == 0 && environ[at][size] == '=';
        if (its && !libraries_read (environ[at]))
            add (arg, environ[at]);
    }
}

char **host_home_environment (const char *adapters, const char *name)
{
    environment_t self = {.items = plv_alloc_zero (1, sizeof (char *))};
    for (size_t at = 0; environ && environ[at]; at++)
        if (libraries_read (environ[at]))
            add (&self, environ[at]);
    plv_conf_adapter_texts (adapters, name, add_named, &self);
    return self.items;
}

/* ------------------------------------------------------------------ the directory */

static plv_err_t fail (const host_home_t *self, const char *what, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, plv_err_of_errno (errno), "%s/%s/%s: %s", self->copies, self->name,
                     what, strerror (errno));
}

static plv_err_t write_conf (const host_home_t *self, int dir, plv_fail_t *ret_fail)
{
    plv_buf_t text = {0};
    plv_conf_adapter_section (self->adapters, self->name, &text);
    plv_buf_check (&text);
    unlinkat (dir, HOST_HOME_CONF, 0);
    int fd =
        openat (dir, HOST_HOME_CONF, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    bool good = fd >= 0 && write (fd, text.data, text.size) == (ssize_t) text.size;
    plv_err_t err = good ? ERR_OK : fail (self, HOST_HOME_CONF, ret_fail);
    if (fd >= 0)
        close (fd);
    plv_buf_free (&text);
    return err;
}

static plv_err_t put_link (const host_home_t *self, int dir, const char *to, const char *name,
                           plv_fail_t *ret_fail)
{
    unlinkat (dir, name, 0);
    return linkat (AT_FDCWD, to, dir, name, 0) ? fail (self, name, ret_fail) : ERR_OK;
}

static plv_err_t give_to_user (const host_home_t *self, int dir, plv_fail_t *ret_fail)
{
    const struct passwd *user = getpwnam (self->user);
    if (!user)
        return plv_fail (ret_fail, ERR_CONF, "plugins.user: there is no user %s", self->user);
    if (fchown (dir, user->pw_uid, user->pw_gid) || lchown (self->socket, user->pw_uid, (gid_t) -1))
        return fail (self, "", ret_fail);
    plv_err_t err = put_link (self, dir, self->plugin, HOST_HOME_PLUGIN, ret_fail);
    return err ? err : put_link (self, dir, self->socket, HOST_HOME_SOCKET, ret_fail);
}

plv_err_t host_home_prepare (const host_home_t *self, plv_fail_t *ret_fail)
{
    char path[4096];
    snprintf (path, sizeof path, "%s/%s", self->copies, self->name);
    if (mkdir (path, 0700) < 0 && errno != EEXIST)
        return fail (self, "", ret_fail);
    int dir = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail (self, "", ret_fail);
    plv_err_t err = write_conf (self, dir, ret_fail);
    if (!err && self->user && *self->user)
        err = give_to_user (self, dir, ret_fail);
    close (dir);
    return err;
}
