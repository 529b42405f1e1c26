#include "base/alloc.h"
#include "base/conf/conf.h"

#include <sodium/utils.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 64 * 1024 };

static bool is_variable (const char *name)
{
    if (!isalpha ((unsigned char) *name) && *name != '_')
        return false;
    while (isalnum ((unsigned char) *name) || *name == '_')
        name++;
    return !*name;
}

static plv_err_t read_variable (const char *name, char **ret_secret, plv_fail_t *ret_fail)
{
    if (!is_variable (name))
        return plv_fail (ret_fail, ERR_CONF, "env: takes the name of an environment variable");
    const char *value = getenv (name);
    if (!value || !*value)
        return plv_fail (ret_fail, ERR_CONF, "the environment variable %s is %s", name,
                         value ? "empty" : "not set");
    *ret_secret = plv_strdup (value);
    return ERR_OK;
}

/*  Whoever can read the file has the secret; whoever can write it chooses it.  */
static plv_err_t check_file (int file, const char *path, plv_fail_t *ret_fail)
{
    struct stat stat;
    if (fstat (file, &stat) < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", path, strerror (errno));
    if (!S_ISREG (stat.st_mode))
        return plv_fail (ret_fail, ERR_CONF, "%s: a secret stands in a regular file", path);
    if (stat.st_mode & (S_IROTH | S_IWOTH))
        return plv_fail (ret_fail, ERR_PERM, "%s: everybody can %s this file: chmod o= it", path,
                         stat.st_mode & S_IROTH ? "read" : "write");
    if (stat.st_size > SECRET_BYTES_MAX)
        return plv_fail (ret_fail, ERR_CONF, "%s: larger than %d bytes", path, SECRET_BYTES_MAX);
    return ERR_OK;
}

static ssize_t read_whole (int file, char *to, size_t room)
{
    size_t size = 0;
    while (size < room) {
        ssize_t more = read (file, to + size, room - size);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return -1;
        if (more == 0)
            break;
        size += (size_t) more;
    }
    return (ssize_t) size;
}

/*  The secret in `bytes`, its newline cut off; NULL when there is none, or one that no text can hold.  */
static const char *trim (char *bytes, size_t size)
{
    if (size && bytes[size - 1] == '\n')
        size--;
    if (size && bytes[size - 1] == '\r')
        size--;
    bytes[size] = 0;
    return size && strlen (bytes) == size ? bytes : NULL;
}

static plv_err_t read_secret (const char *path, char **ret_secret, plv_fail_t *ret_fail)
{
    char *bytes = plv_alloc (SECRET_BYTES_MAX + 1);
    const char *secret = NULL;
    ssize_t size;
    int file = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    plv_err_t err =
        file < 0 ? plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", path, strerror (errno))
                 : check_file (file, path, ret_fail);
    if (err)
        goto done;
    size = read_whole (file, bytes, SECRET_BYTES_MAX);
    if (size < 0) {
        err = plv_fail (ret_fail, ERR_IO, "%s: %s", path, strerror (errno));
        goto done;
    }
    secret = trim (bytes, (size_t) size);
    if (secret)
        *ret_secret = plv_strdup (secret);
    else
        err = plv_fail (ret_fail, ERR_CONF, "%s: %s", path,
                        *bytes ? "holds a zero byte" : "is empty");
done:
    if (file >= 0)
        close (file);
    sodium_memzero (bytes, SECRET_BYTES_MAX + 1);
    free (bytes);
    return err;
}

/*  `path` as it is, or in the folder that `conf_file` is in.  */
static char *resolve (const char *path, const char *conf_file)
{
    const char *slash = conf_file ? strrchr (conf_file, '/') : NULL;
    if (*path == '/' || !slash)
        return plv_strdup (path);
    size_t folder = (size_t) (slash + 1 - conf_file);
    size_t size = strlen (path) + 1;
    char *whole = plv_alloc (folder + size);
    memcpy (whole, conf_file, folder);
    memcpy (whole + folder, path, size);
    return whole;
}

plv_err_t plv_conf_secret (const char *reference, const char *conf_file, char **ret_secret,
                           plv_fail_t *ret_fail)
{
    if (strncmp (reference, "env:", 4) == 0)
        return read_variable (reference + 4, ret_secret, ret_fail);
    if (strncmp (reference, "file:", 5) != 0 || !reference[5])
        return plv_fail (ret_fail, ERR_CONF,
                         "a secret does not stand in the configuration: write env:NAME or "
                         "file:PATH");
    char *path = resolve (reference + 5, conf_file);
    plv_err_t err = read_secret (path, ret_secret, ret_fail);
    free (path);
    return err;
}

void plv_conf_secret_destroy (char **secret_p)
{
    if (*secret_p)
        sodium_memzero (*secret_p, strlen (*secret_p));
    free (*secret_p);
    *secret_p = NULL;
}
