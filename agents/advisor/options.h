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

typedef enum { DO_SERVE, DO_HELP, DO_VERSION, DO_PRINT, DO_PRINT_CONF, DO_ASK, DO_EVAL } action_t;

enum { OPTIONS_SETS_MAX = 32 };

typedef struct {
    action_t action;
    const char *endpoint;  /* NULL: the SDK's default */
    const char *catalogue; /* NULL: see locate.h */
    const char *name;
    unsigned credit;                    /* 0: as many as suit */
    const char *conf;                   /* NULL: $PALAVER_ADVISOR_CONF, else none */
    const char *sets[OPTIONS_SETS_MAX]; /* KEY=VALUE, in their order */
    size_t set_count;
    bool log;
    bool verbose;
    char **rest; /* what the action works on: questions, or files */
    int rest_count;
} options_t;

plv_err_t options_parse (int argc, char **argv, options_t *ret_options, plv_fail_t *ret_fail);
void options_help (FILE *out);

#endif
