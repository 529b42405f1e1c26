#include "palaver/ask/where.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PLACES = 3 };

static char *join (const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf (&path, "%s/%s", folder, name) < 0)
        plv_out_of_memory (strlen (folder) + strlen (name) + 2);
    return path;
}

char *where_socket (const char *run, const char *door)
{
    char *path = NULL;
    if (asprintf (&path, "%s/%s.ipc", run, door) < 0)
        plv_out_of_memory (strlen (run) + strlen (door) + 6);
    return path;
}

char *where_data (const char *given)
{
    const char *state = getenv ("STATE_DIRECTORY"), *home = getenv ("HOME");
    if (given[0])
        return plv_strdup (given);
    if (state && state[0] == '/')
        return plv_strdup (state);
    return home && home[0] == '/' ? join (home, ".local/state/palaver") : NULL;
}

plv_err_t where_probe (const char *path, plv_fail_t *ret_fail)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen (path) >= sizeof address.sun_path)
        return plv_fail (ret_fail, ERR_GONE, "%s: too long for a socket", path);
    memcpy (address.sun_path, path, strlen (path) + 1);
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "a socket: %s", strerror (errno));
    int failed = connect (fd, (struct sockaddr *) &address, sizeof address) ? errno : 0;
    close (fd);
    /* EAGAIN: its queue of connections is full, so somebody is there */
    if (!failed || failed == EAGAIN || failed == EINPROGRESS)
        return ERR_OK;
    if (failed == ECONNREFUSED)
        return plv_fail (ret_fail, ERR_GONE, "%s: nobody listens there any more", path);
    return plv_fail (ret_fail, failed == EACCES ? ERR_PERM : ERR_GONE, "%s: %s", path,
                     strerror (failed));
}

/*  The usual places; NULL for one that the environment does not have.  */
static void usual_places (char *places[PLACES])
{
    const char *run = getenv ("XDG_RUNTIME_DIR"), *state = getenv ("XDG_STATE_HOME"),
               *home = getenv ("HOME");
    places[0] = run && run[0] == '/' ? join (run, "palaver") : NULL;
    places[1] = state && state[0] == '/' ? join (state, "palaver/run") : NULL;
    if (!places[1] && home && home[0] == '/')
        places[1] = join (home, ".local/state/palaver/run");
    places[2] = plv_strdup ("/run/palaver");
}

/*  Where others are not let in there may be one.  */
static plv_err_t fail_places (char *const places[PLACES], const plv_err_t errs[PLACES],
                              plv_fail_t *ret_fail)
{
    char text[PLV_FAIL_TEXT_BYTES] = "";
    size_t used = 0;
    plv_err_t err = ERR_NOENT;
    for (size_t i = 0; i < PLACES; i++) {
        if (!places[i] || used >= sizeof text)
            continue;
        bool closed = errs[i] == ERR_PERM;
        used += (size_t) snprintf (text + used, sizeof text - used, "\n%s/control.ipc%s", places[i],
                                   closed ? ": permission denied; be the broker's user" : "");
        err = closed ? ERR_PERM : err;
    }
    return plv_fail (ret_fail, err, "no broker answers at%s", text);
}

plv_err_t where_find (const char *run, where_t *ret_where, plv_fail_t *ret_fail)
{
    char *places[PLACES];
    plv_err_t errs[PLACES] = {ERR_NOENT}, err = ERR_NOENT;
    const char *named = run ? run : getenv ("PALAVER_RUN");
    if (named && named[0]) {
        ret_where->run = plv_strdup (named);
        return ERR_OK;
    }
    usual_places (places);
    for (size_t i = 0; i < PLACES && err; i++) {
        if (!places[i])
            continue;
        char *socket = where_socket (places[i], "control");
        errs[i] = err = where_probe (socket, NULL);
        if (!err)
            ret_where->run = plv_strdup (places[i]);
        free (socket);
    }
    if (err)
        err = fail_places (places, errs, ret_fail);
    for (size_t i = 0; i < PLACES; i++)
        free (places[i]);
    return err;
}

void where_free (where_t *self)
{
    free (self->run);
    self->run = NULL;
}
