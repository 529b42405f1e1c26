#include "shell/paths.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join (const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf (&path, "%s/%s", folder, name) < 0)
        plv_out_of_memory (strlen (folder) + strlen (name) + 2);
    return path;
}

/*  The first of a list that systemd may give, or NULL.  */
static char *from_environment (const char *name, const char *below)
{
    const char *value = getenv (name);
    if (!value || value[0] != '/')
        return NULL;
    char *path = below ? join (value, below) : plv_strdup (value);
    path[strcspn (path, ":")] = '\0';
    return path;
}

char *paths_absolute (const char *path)
{
    if (path[0] == '/')
        return plv_strdup (path);
    char *here = getcwd (NULL, 0);
    char *whole = join (here ? here : ".", path);
    free (here);
    return whole;
}

static char *find_data (const plv_conf_t *conf, const char *data)
{
    if (data)
        return paths_absolute (data);
    if (conf->data_dir[0])
        return paths_absolute (conf->data_dir);
    char *path = from_environment ("STATE_DIRECTORY", NULL);
    return path ? path : from_environment ("HOME", ".local/state/palaver");
}

static char *find_run (const plv_conf_t *conf, const char *run, const char *data)
{
    if (run)
        return paths_absolute (run);
    if (conf->run_dir[0])
        return paths_absolute (conf->run_dir);
    char *path = from_environment ("RUNTIME_DIRECTORY", NULL);
    if (!path)
        path = from_environment ("XDG_RUNTIME_DIR", "palaver");
    return path ? path : join (data, "run");
}

plv_err_t paths_find (const plv_conf_t *conf, const char *data, const char *run, paths_t *ret_paths,
                      plv_fail_t *ret_fail)
{
    char *found = find_data (conf, data);
    if (!found)
        return plv_fail (ret_fail, ERR_ARG,
                         "no data directory: give --data DIR, set data.dir in conf, or set HOME");
    *ret_paths = (paths_t){.data = found, .run = find_run (conf, run, found), .run_lock = -1};
    return ERR_OK;
}

/*  Like mkdir -p, every new folder private.  */
static int make_folders (char *path)
{
    for (char *slash = strchr (path + 1, '/'); slash; slash = strchr (slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir (path, 0700) && errno != EEXIST && errno != EROFS;
        *slash = '/';
        if (failed)
            return -1;
    }
    return mkdir (path, 0700) && errno != EEXIST ? -1 : 0;
}

static plv_err_t check_run (const char *run, plv_fail_t *ret_fail)
{
    struct stat info;
    if (stat (run, &info))
        return plv_fail (ret_fail, plv_err_of_errno (errno), "run directory %s: %s", run,
                         strerror (errno));
    if (!S_ISDIR (info.st_mode) || info.st_uid != geteuid ())
        return plv_fail (
            ret_fail, ERR_PERM,
            "run directory %s: not a directory of this user: give another one with --run", run);
    if (info.st_mode & 077)
        return plv_fail (ret_fail, ERR_PERM, "run directory %s: others may enter it; chmod 700 %s",
                         run, run);
    return ERR_OK;
}

plv_err_t paths_lock_run (paths_t *self, plv_fail_t *ret_fail)
{
    /* an AF_UNIX address has 108 bytes */
    enum { RUN_BYTES_MAX = 80 };
    if (strlen (self->run) > RUN_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE,
                         "run directory %s: longer than %d bytes, too long for sockets: give a "
                         "shorter one with --run",
                         self->run, RUN_BYTES_MAX);
    if (make_folders (self->run))
        return plv_fail (ret_fail, plv_err_of_errno (errno), "run directory %s: cannot be made: %s",
                         self->run, strerror (errno));
    plv_err_t err = check_run (self->run, ret_fail);
    if (err)
        return err;
    char *file = join (self->run, "lock");
    int lock = open (file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", file, strerror (errno));
    else if (flock (lock, LOCK_EX | LOCK_NB))
        err = plv_fail (ret_fail, ERR_BUSY,
                        "%s: another broker has its sockets here: stop it, or give another "
                        "directory with --run",
                        self->run);
    if (err && lock >= 0)
        close (lock);
    if (!err)
        self->run_lock = lock;
    free (file);
    return err;
}

void paths_free (paths_t *self)
{
    if (self->run_lock >= 0)
        close (self->run_lock);
    free (self->data);
    free (self->run);
    memset (self, 0, sizeof *self);
    self->run_lock = -1;
}

char *paths_beside (const char *conf_file, const char *name)
{
    const char *slash = conf_file ? strrchr (conf_file, '/') : NULL;
    if (name[0] == '/' || !slash)
        return plv_strdup (name);
    char *path = NULL;
    if (asprintf (&path, "%.*s/%s", (int) (slash - conf_file), conf_file, name) < 0)
        plv_out_of_memory (strlen (conf_file) + strlen (name) + 2);
    return path;
}
