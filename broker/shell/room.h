/*  room -- whether the system lets this process have what a broker needs
    OWNS    nothing
    THREAD  main, before others run
    FAILS   with ERR_FULL, and which limit to raise
    COST    a few threads for a moment

    libzmq and RocksDB end the process where one of these limits is reached.  */

#ifndef SHELL_ROOM_H
#define SHELL_ROOM_H

#include "base/err.h"

/*  Raises what may be raised.  */
plv_err_t room_check (plv_fail_t *ret_fail);

#endif
