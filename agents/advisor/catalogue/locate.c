#include "advisor/catalogue/locate.h"

#include "base/build.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const PLACES[] = {"agents/advisor", "share/palaver/advisor"};

/*  A path that is readable, or NULL.  */
static char *readable (const char *top, const char *place, const char *name)
{
    char *path = NULL;
    if (asprintf (&path, "%s/%s/%s", top, place, name) < 0)
        return NULL;
    if (access (path, R_OK) == 0)
        return path;
    free (path);
    return NULL;
}

/*  In the folders above the program, from the nearest.  */
static char *above_program (const char *name)
{
    char top[PATH_MAX];
    ssize_t size = readlink ("/proc/self/exe", top, sizeof top - 1);
    if (size <= 0)
        return NULL;
    top[size] = '\0';
    for (char *slash; (slash = strrchr (top, '/')) != NULL;) {
        *slash = '\0';
        for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
            char *path = readable (top, PLACES[i], name);
            if (path)
                return path;
        }
    }
    return NULL;
}

plv_err_t locate (const char *name, char **ret_path, plv_fail_t *ret_fail)
{
    char *path = above_program (name);
    if (!path)
        path = readable (plv_build_data_dir, "advisor", name);
    if (!path)
        return plv_fail (ret_fail, ERR_NOENT,
                         "%s is neither in agents/advisor nor in share/palaver/advisor "
                         "above this program, nor in %s/advisor: name it with --catalogue FILE",
                         name, plv_build_data_dir);
    *ret_path = path;
    return ERR_OK;
}
