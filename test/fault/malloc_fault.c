/*  malloc_fault -- the C library's allocators for programs that are linked with --wrap (see fault.h). The real
    ones are weak, so that programs linked without it may hold this file too.  */

#include "fault/fault.h"

#include <errno.h>
#include <stddef.h>

void *__real_malloc (size_t size) __attribute__ ((weak));
void *__real_calloc (size_t count, size_t size) __attribute__ ((weak));
void *__real_realloc (void *block, size_t size) __attribute__ ((weak));
char *__real_strdup (const char *text) __attribute__ ((weak));

void *__wrap_malloc (size_t size);
void *__wrap_calloc (size_t count, size_t size);
void *__wrap_realloc (void *block, size_t size);
char *__wrap_strdup (const char *text);

static void *fail (void)
{
    errno = ENOMEM;
    return NULL;
}

void *__wrap_malloc (size_t size)
{
    return fault_here () ? fail () : __real_malloc (size);
}

void *__wrap_calloc (size_t count, size_t size)
{
    return fault_here () ? fail () : __real_calloc (count, size);
}

void *__wrap_realloc (void *block, size_t size)
{
    return fault_here () ? fail () : __real_realloc (block, size);
}

char *__wrap_strdup (const char *text)
{
    return fault_here () ? fail () : __real_strdup (text);
}
