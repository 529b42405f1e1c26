/*  call_parse -- a command line, taken apart by the tables
    OWNS    see call.h
    THREAD  main
    FAILS   call_parse with ERR_ARG and a text that names what is wrong and what was meant perhaps
    COST    one walk over argv  */

#ifndef PALAVER_CALL_PARSE_H
#define PALAVER_CALL_PARSE_H

#include "base/err.h"
#include "palaver/ask/call.h"

/*  When it fails, `ret_call` has the command or the group, if one was named, and nothing to free.  */
plv_err_t call_parse (int argc, char **argv, call_t *ret_call, plv_fail_t *ret_fail);
void call_free (call_t *self);

#endif
