#include "palaver/keys.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "palaver/ask/call.h"
#include "palaver/files.h"

#include <czmq.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path_of (const char *dir, const char *folder, const char *name, const char *end)
{
    char *path = NULL;
    if (asprintf (&path, "%s%s/%s%s", dir, folder, name, end) < 0)
        plv_out_of_memory (strlen (dir) + strlen (name));
    return path;
}

void keys_free (keys_t *self)
{
    free (self->cert);
    free (self->secret);
    free (self->allowed);
    *self = (keys_t){0};
}

static plv_err_t check_free (const char *path, plv_fail_t *ret_fail)
{
    struct stat info;
    if (path && lstat (path, &info) == 0)
        return plv_fail (
            ret_fail, ERR_EXISTS,
            "%s exists already; nothing was changed: move it and its other half away to replace them",
            path);
    return ERR_OK;
}

/*  A directory that others may write to is one in which they may let themselves in.  */
static plv_err_t check_folder (const char *dir, plv_fail_t *ret_fail)
{
    struct stat info;
    if (stat (dir, &info) || !S_ISDIR (info.st_mode))
        return plv_fail (ret_fail, ERR_IO, "%s: not a directory", dir);
    if (info.st_mode & 022)
        return plv_fail (ret_fail, ERR_PERM,
                         "%s: others may write in it, and so let anybody in; chmod go-w it", dir);
    return ERR_OK;
}

static plv_err_t take_folder (const char *dir, plv_fail_t *ret_fail)
{
    plv_err_t err = files_make_folder (dir, ret_fail);
    return err ? err : check_folder (dir, ret_fail);
}

/*  Of keys, and of those whom the broker lets in.  */
static plv_err_t take_folders (const char *dir, bool agents, plv_fail_t *ret_fail)
{
    char *below = path_of (dir, "", "agents", "");
    plv_err_t err = take_folder (dir, ret_fail);
    if (!err && agents)
        err = take_folder (below, ret_fail);
    free (below);
    return err;
}

/*  czmq does not tell whether all of a file was written.  */
static bool has_key (const char *path, const char *which, const char *key)
{
    zconfig_t *file = zconfig_load (path);
    bool found = file && strcmp (zconfig_get (file, which, ""), key) == 0;
    zconfig_destroy (&file);
    return found;
}

static bool write_all (zcert_t *cert, const keys_t *keys)
{
    static const char public[] = "/curve/public-key", secret[] = "/curve/secret-key";
    const char *key = zcert_public_txt (cert);
    mode_t mask = umask (077);
    bool failed = zcert_save_secret (cert, keys->secret);
    umask (022);
    failed = failed || zcert_save_public (cert, keys->cert);
    failed = failed || (keys->allowed && zcert_save_public (cert, keys->allowed));
    umask (mask);
    return !failed && has_key (keys->secret, secret, zcert_secret_txt (cert))
           && has_key (keys->cert, public, key)
           && (!keys->allowed || has_key (keys->allowed, public, key));
}

/*  All of them, or none.  */
static plv_err_t save (zcert_t *cert, const keys_t *keys, plv_fail_t *ret_fail)
{
    struct stat info;
    if (!write_all (cert, keys)) {
        unlink (keys->secret);
        unlink (keys->cert);
        if (keys->allowed)
            unlink (keys->allowed);
        return plv_fail (ret_fail, ERR_IO,
                         "%s: cannot be written whole; nothing was made: is the disk full?",
                         keys->secret);
    }
    if (chmod (keys->secret, 0600) || stat (keys->secret, &info) || (info.st_mode & 077))
        return plv_fail (ret_fail, ERR_PERM, "%s: cannot be made private; throw it away",
                         keys->secret);
    return ERR_OK;
}

plv_err_t keys_make (const char *dir, const char *name, keys_t *ret_keys, plv_fail_t *ret_fail)
{
    bool broker = strcmp (name, "broker") == 0;
    zcert_t *cert = NULL;
    if (!name_good (name) || name[0] == '.')
        return plv_fail (ret_fail, ERR_ARG,
                         "%s: a name has 1 to %d letters, digits, dots, dashes and underscores",
                         name, NAME_BYTES_MAX);
    keys_t keys = {
        .cert = path_of (dir, "", name, ".cert"),
        .secret = path_of (dir, "", name, ".cert_secret"),
        .allowed = broker ? NULL : path_of (dir, "/agents", name, ".cert"),
    };
    plv_err_t err = check_free (keys.cert, ret_fail);
    if (!err)
        err = check_free (keys.secret, ret_fail);
    if (!err)
        err = check_free (keys.allowed, ret_fail);
    if (!err)
        err = take_folders (dir, !broker, ret_fail);
    if (err)
        goto done;
    cert = zcert_new ();
    if (!cert) {
        err = plv_fail (ret_fail, ERR_IO, "no key pair could be made: %s", strerror (errno));
        goto done;
    }
    zcert_set_meta (cert, "name", "%s", name);
    err = save (cert, &keys, ret_fail);
    memcpy (keys.public_key, zcert_public_txt (cert), KEYS_TEXT_BYTES);
done:
    zcert_destroy (&cert);
    if (err)
        keys_free (&keys);
    else
        *ret_keys = keys;
    return err;
}
