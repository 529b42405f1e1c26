/*  conf_syntax -- checks a configuration before libconfig reads it
    OWNS    nothing
    THREAD  any
    FAILS   ERR_CONF with "file:line: key: what is wrong"; no text in quotes is ever repeated
    COST    one pass; the keys of one group are compared with each other

    It finds what libconfig 1.5 lets through (see conf_lex.h), and names the key where libconfig only says
    "syntax error".  */

#ifndef PLV_BASE_CONF_SYNTAX_H
#define PLV_BASE_CONF_SYNTAX_H

#include "base/buf.h"
#include "base/err.h"

enum { CONF_FILE_BYTES_MAX = 1024 * 1024, CONF_DEPTH_MAX = 16, CONF_GROUP_KEYS_MAX = 1024 };

/*  Appends to `ret_text` the text with the numbers that need it marked as 64 bits wide, a newline and a NUL:
    for config_read_string.  */
plv_err_t plv_conf_syntax (const char *file, plv_view_t text, plv_buf_t *ret_text,
                           plv_fail_t *ret_fail);

#endif
