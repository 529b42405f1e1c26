/*  exit -- the exit codes of palaver-adapter
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    none  */

#ifndef HOST_EXIT_H
#define HOST_EXIT_H

typedef enum {
#define EXIT(name, code, meaning) HOST_EXIT_##name = (code),
#include "host/exit.def"
#undef EXIT
} host_exit_t;

#endif
