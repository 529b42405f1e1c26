/*  fixture -- what the advisor's tests share: the shipped catalogue, and data that may be there
    OWNS    what it gives belongs to the caller
    THREAD  that of the test
    FAILS   the test, by an assertion
    COST    loads a file  */

#ifndef ADVISOR_FIXTURE_H
#define ADVISOR_FIXTURE_H

#include "advisor/catalogue/catalogue.h"
#include "advisor/catalogue/locate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*  The path of a file that ships with the advisor; the caller frees it.  */
static inline char *fixture_file (const char *name)
{
    plv_fail_t fail = {0};
    char *path = NULL;
    if (locate (name, &path, &fail))
        fprintf (stderr, "%s\n", fail.text);
    return path;
}

/*  The shipped catalogue, or NULL after a line on stderr.  */
static inline catalogue_t *fixture_catalogue (void)
{
    plv_fail_t fail = {0};
    catalogue_t *catalogue = NULL;
    char *path = fixture_file ("catalogue.csv");
    if (path && catalogue_load (path, &catalogue, &fail))
        fprintf (stderr, "%s\n", fail.text);
    free (path);
    return catalogue;
}

/*  The path of a file in $PALAVER_SHARED/data, or in shared/data beside the repository; NULL after a
    line on stdout that says what is skipped when it is not there. The caller frees it.  */
static inline char *fixture_shared (const char *name)
{
    const char *shared = getenv ("PALAVER_SHARED");
    char *path = NULL, *own = NULL;
    int size = -1;
    if (shared) {
        size = asprintf (&path, "%s/data/%s", shared, name);
    } else if ((own = fixture_file ("catalogue.csv")) != NULL) {
        *strrchr (own, '/') = '\0'; /* REPOSITORY/agents/advisor */
        size = asprintf (&path, "%s/../../../shared/data/%s", own, name);
    }
    free (own);
    if (size >= 0 && access (path, R_OK) == 0)
        return path;
    printf ("skipped: %s is not there (set PALAVER_SHARED to the folder that holds data/%s)\n",
            size < 0 ? name : path, name);
    if (size >= 0)
        free (path);
    return NULL;
}

#endif
