/*  options -- the command line of palaver-advisor
    OWNS    nothing: the texts are the caller's arguments
    THREAD  any
    FAILS   ERR_ARG with what is wrong and how to see the help
    COST    none  */

#ifndef ADVISOR_OPTIONS_H
#define ADVISOR_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum { DO_SERVE, DO_HELP, DO_VERSION, DO_PRINT, DO_ASK, DO_EVAL } action_t;

typedef struct {
    action_t action;
    const char *endpoint;  /* NULL: the SDK's default */
    const char *catalogue; /* NULL: see locate.h */
    const char *name;
    unsigned credit;
    bool log;
    bool verbose;
    char **rest; /* what the action works on: questions, or files */
    int rest_count;
} options_t;

plv_err_t options_parse (int argc, char **argv, options_t *ret_options, plv_fail_t *ret_fail);
void options_help (FILE *out);

#endif
