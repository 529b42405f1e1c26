/*  options -- palaverd's command line
    OWNS    nothing: texts point into argv
    THREAD  main
    FAILS   prints to stderr and returns false: exit code 2
    COST    at start only  */

#ifndef SHELL_OPTIONS_H
#define SHELL_OPTIONS_H

#include <stdbool.h>

typedef struct {
    const char *conf;
    const char *data;
    const char *run;
    const char *plugins;
    const char *inspect; /* data that is only looked at */
    bool check_conf;
    bool print_conf;
    bool help;
    bool version;
} options_t;

bool options_parse (int argc, char **argv, options_t *ret_options);
void options_help (void);

#endif
