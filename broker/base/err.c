#include "base/err.h"

#include "base/format.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} errs[ERR_COUNT_] = {
#define ERR(name, text) [ERR_##name] = {#name, text},
#include "base/err.def"
#undef ERR
};

static const struct {
    int number;
    plv_err_t code;
} errnos[] = {
    {0, ERR_OK},
    {EINVAL, ERR_ARG},
    {ENOMEM, ERR_NOMEM},
    {ENOSPC, ERR_NOSPC},
    {EDQUOT, ERR_NOSPC},
    {EFBIG, ERR_NOSPC},
    {EACCES, ERR_PERM},
    {EPERM, ERR_PERM},
    {EROFS, ERR_PERM},
    {ENOENT, ERR_NOENT},
    {ENOTDIR, ERR_NOENT},
    {ENXIO, ERR_NOENT},
    {EEXIST, ERR_EXISTS},
    {EBUSY, ERR_BUSY},
    {EAGAIN, ERR_BUSY},
    {EADDRINUSE, ERR_BUSY},
    {EMFILE, ERR_FULL},
    {ENFILE, ERR_FULL},
    {ERANGE, ERR_RANGE},
    {EILSEQ, ERR_UTF8},
    {ETIMEDOUT, ERR_TIMEOUT},
    {EPIPE, ERR_GONE},
    {ECONNRESET, ERR_GONE},
    {ECONNREFUSED, ERR_GONE},
    {EHOSTUNREACH, ERR_GONE},
};

plv_err_t plv_fail (plv_fail_t *ret_fail, plv_err_t code, const char *format, ...)
{
    if (!ret_fail)
        return code;
    /*  By way of a copy: the arguments may point into the text that is replaced.  */
    plv_fail_t fail = {.code = code};
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (fail.text, sizeof fail.text, format, arguments);
    va_end (arguments);
    *ret_fail = fail;
    return code;
}

plv_err_t plv_fail_context (plv_fail_t *fail, const char *format, ...)
{
    char context[PLV_FAIL_TEXT_BYTES];
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (context, sizeof context, format, arguments);
    va_end (arguments);
    return plv_fail (fail, fail->code, "%s: %s", context, fail->text);
}

const char *plv_err_name (plv_err_t code)
{
    return (unsigned) code < ERR_COUNT_ ? errs[code].name : "UNKNOWN";
}

const char *plv_err_text (plv_err_t code)
{
    return (unsigned) code < ERR_COUNT_ ? errs[code].text : "an unknown failure";
}

plv_err_t plv_err_of_errno (int error_number)
{
    for (size_t at = 0; at < sizeof errnos / sizeof errnos[0]; at++)
        if (errnos[at].number == error_number)
            return errnos[at].code;
    return ERR_IO;
}

const char *plv_errno_advice (int error_number)
{
    return error_number == EMFILE ? ": raise the limit on open files (ulimit -n)" : "";
}
