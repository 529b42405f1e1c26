#include "sdk/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*  A line `    public-key = "..."` of a key file: the text between the quotes, if it is a key.  */
static bool read_key (const char *line, const char *name, char ret_key[KEY_TEXT_BYTES])
{
    while (isspace ((unsigned char) *line))
        line++;
    size_t size = strlen (name);
    if (strncmp (line, name, size) || (line[size] != ' ' && line[size] != '='))
        return false;
    const char *open = strchr (line, '"');
    const char *close = open ? strchr (open + 1, '"') : NULL;
    if (!close || close - open - 1 != KEY_TEXT_BYTES - 1)
        return false;
    memcpy (ret_key, open + 1, KEY_TEXT_BYTES - 1);
    ret_key[KEY_TEXT_BYTES - 1] = '\0';
    return true;
}

/*  Others may read it, and it is ours to close, as ssh sees it: one mounted into a container may be another's.  */
static bool is_open (FILE *file)
{
    struct stat info;
    return !fstat (fileno (file), &info) && info.st_uid == geteuid () && (info.st_mode & 077);
}

plv_err_t plv_cert_read (const char *path, char ret_public[KEY_TEXT_BYTES],
                         char ret_secret[KEY_TEXT_BYTES], plv_fail_t *ret_fail)
{
    FILE *file = fopen (path, "re");
    if (!file)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", path, strerror (errno));
    char line[256];
    char public[KEY_TEXT_BYTES] = "";
    char secret[KEY_TEXT_BYTES] = "";
    while (fgets (line, sizeof line, file)) {
        if (!read_key (line, "public-key", public))
            read_key (line, "secret-key", secret);
    }
    bool broken = ferror (file), open = is_open (file);
    fclose (file);
    if (broken)
        return plv_fail (ret_fail, ERR_IO, "%s: cannot be read", path);
    if (!public[0] || (ret_secret && !secret[0]))
        return plv_fail (ret_fail, ERR_SYNTAX,
                         "%s: has no %s-key; make one with: palaver keys new NAME", path,
                         public[0] ? "secret" : "public");
    if (ret_secret && open)
        return plv_fail (ret_fail, ERR_PERM, "%s: others may read it: chmod 600 %s", path, path);
    memcpy (ret_public, public, sizeof public);
    if (ret_secret)
        memcpy (ret_secret, secret, sizeof secret);
    return ERR_OK;
}
