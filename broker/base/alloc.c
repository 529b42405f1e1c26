#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void *plv_try_realloc (void *block, size_t size)
{
    return realloc (block, size ? size : 1);
}

void *plv_alloc (size_t size)
{
    void *block = malloc (size ? size : 1);
    if (!block)
        plv_out_of_memory (size);
    return block;
}

void *plv_alloc_zero (size_t count, size_t size)
{
    void *block = calloc (count ? count : 1, size ? size : 1);
    if (!block)
        plv_out_of_memory (count * size);
    return block;
}

void *plv_realloc (void *block, size_t size)
{
    void *moved = plv_try_realloc (block, size);
    if (!moved)
        plv_out_of_memory (size);
    return moved;
}

char *plv_strdup (const char *text)
{
    size_t size = strlen (text) + 1;
    return memcpy (plv_alloc (size), text, size);
}
