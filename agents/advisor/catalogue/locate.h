/*  locate -- where a data file of the advisor is
    OWNS    nothing; the text that it gives belongs to the caller, freed with free ()
    THREAD  any
    FAILS   ERR_NOENT with the places where it looked; ERR_NOMEM
    COST    a few look-ups in the file system, at start  */

#ifndef ADVISOR_LOCATE_H
#define ADVISOR_LOCATE_H

#include "base/err.h"

/*  `name`, such as "catalogue.csv": beside the source for a program that runs in its build tree (in
    agents/advisor of a folder above the program), else in share/palaver/advisor of a folder above it,
    else where `scons install` put it.  */
plv_err_t locate (const char *name, char **ret_path, plv_fail_t *ret_fail);

#endif
