/*  help -- what --help prints, from the tables
    OWNS    nothing
    THREAD  main
    FAILS   never
    COST    none  */

#ifndef PALAVER_HELP_H
#define PALAVER_HELP_H

#include "palaver/ask/call.h"

/*  Of everything, of a group, or of one command.  */
void help_print (const call_t *call);

/*  Appends `text` in lines of at most 79 columns, each behind `indent` blanks but the first, which begins at column
    `at`.  */
void help_wrap (plv_buf_t *out, const char *text, size_t at, size_t indent);

#endif
