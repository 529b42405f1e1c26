/*  check -- our own bugs stop the program, in every build
    OWNS    nothing
    THREAD  any
    FAILS   by abort (), after one line on stderr: file, line, the condition, the words
    COST    one predicted branch

    Bytes from a socket, a file or a plugin never reach a CHECK.  */

#ifndef PLV_BASE_CHECK_H
#define PLV_BASE_CHECK_H

#define CHECK(condition, ...)                                                                      \
    (__builtin_expect (!!(condition), 1)                                                           \
         ? (void) 0                                                                                \
         : plv_check_failed (__FILE__, __LINE__, #condition, __VA_ARGS__))

_Noreturn void plv_check_failed (const char *file, int line, const char *condition,
                                 const char *format, ...) __attribute__ ((format (printf, 4, 5)));

#endif
