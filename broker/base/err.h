/*  err -- failures of the peer, the disk or the user, with words for a person
    OWNS    nothing; plv_fail_t is a plain value
    THREAD  any
    FAILS   never; a text that is too long is cut
    COST    one vsnprintf, on the failing path only

    Our own bugs are not errors: they end in CHECK (check.h).  */

#ifndef PLV_BASE_ERR_H
#define PLV_BASE_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
#define ERR(name, text) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_COUNT_
} plv_err_t;

enum { PLV_FAIL_TEXT_BYTES = 512 };

/*  What failed, where, and what to do, in one line without a full stop or newline.  */
typedef struct {
    plv_err_t code;
    char text[PLV_FAIL_TEXT_BYTES];
} plv_fail_t;

/*  Fills `ret_fail` (may be NULL) and returns `code`, so that a caller can
    `return plv_fail (ret_fail, ERR_CONF, "%s:%d: ...", file, line);`.  */
plv_err_t plv_fail (plv_fail_t *ret_fail, plv_err_t code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  Puts "context: " in front of the text that `fail` already has; returns its code.  */
plv_err_t plv_fail_context (plv_fail_t *fail, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/*  "NOSPC" and "no space left on the device"; never NULL.  */
const char *plv_err_name (plv_err_t code);
const char *plv_err_text (plv_err_t code);

/*  The code that an errno value stands for (ENOSPC: ERR_NOSPC, ..., else ERR_IO).  */
plv_err_t plv_err_of_errno (int error_number);

/*  What to do about it, to go behind the system's own words; "": the place where it happens knows better.  */
const char *plv_errno_advice (int error_number);

#ifdef __cplusplus
}
#endif

#endif
