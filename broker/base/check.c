#include "base/check.h"

#include "base/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void plv_check_failed (const char *file, int line, const char *condition, const char *format, ...)
{
    /*  One dprintf, so that lines of several processes on one terminal do not mix.  */
    char words[512];
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (words, sizeof words, format, arguments);
    va_end (arguments);
    dprintf (2, "%s:%d: CHECK (%s) failed: %s\n", file, line, condition, words);
    abort ();
}
