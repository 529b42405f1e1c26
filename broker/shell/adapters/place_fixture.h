/*  place_fixture -- the directory of a test: what is in it, and its end
    OWNS    nothing
    THREAD  one
    FAILS   place_remove with what nftw says
    COST    a walk over the directory  */

#ifndef SHELL_PLACE_FIXTURE_H
#define SHELL_PLACE_FIXTURE_H

#include <ftw.h>
#include <glob.h>
#include <stdio.h>

static int place_remove_one (const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void) info;
    (void) kind;
    (void) at;
    return remove (path);
}

/*  With everything in it.  */
static int place_remove (const char *top)
{
    return nftw (top, place_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/*  How many files are called like that.  */
static size_t place_count (const char *dir, const char *like)
{
    char pattern[160];
    glob_t found;
    snprintf (pattern, sizeof pattern, "%s/%s", dir, like);
    size_t count = glob (pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree (&found);
    return count;
}

#endif
