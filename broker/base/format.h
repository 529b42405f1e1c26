/*  format -- short texts in fixed buffers, made as printf makes them
    OWNS    nothing
    THREAD  any
    FAILS   never: what does not fit is left out, cut between two characters of UTF-8
    COST    that of vsnprintf  */

#ifndef PLV_BASE_FORMAT_H
#define PLV_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*  Always ends with a NUL; `size` > 0. Returns the length of what is there now.  */
size_t plv_format (char *into, size_t size, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
size_t plv_format_list (char *into, size_t size, const char *format, va_list arguments)
    __attribute__ ((format (printf, 3, 0)));

#endif
