/*  inspect -- looks at a plugin and its configuration without running it, for palaverd --check-conf and
    --print-conf
    OWNS    nothing
    THREAD  the main thread
    FAILS   inspect_run returns an exit code of exit.def, and has written one line to stdout
    COST    that of the dynamic linker

    The plugin's constructors run, so it is isolated as it would be to run.  */

#ifndef HOST_INSPECT_H
#define HOST_INSPECT_H

#include "host/host.h"

host_exit_t inspect_run (const host_options_t *options);

#endif
