/*  arguments -- the command line of palaver-adapter, from arguments.def
    OWNS    nothing: texts point into argv, or into the options themselves
    THREAD  main
    FAILS   arguments_read returns false: exit code 64
    COST    at start only  */

#ifndef HOST_ARGUMENTS_H
#define HOST_ARGUMENTS_H

#include "host/host.h"

bool arguments_read (int count, char **words, host_options_t *ret_options);
void arguments_help (FILE *out);

#endif
