#include "base/format.h"

#include <stdio.h>
#include <string.h>

/*  Cuts a character that did not fit whole off the end of a text that filled its room.  */
static void trim_partial (char *text)
{
    size_t size = strlen (text);
    size_t start = size;
    while (start && ((unsigned char) text[start - 1] & 0xc0) == 0x80)
        start--;
    if (!start || (unsigned char) text[start - 1] < 0xc0)
        return;
    unsigned char lead = (unsigned char) text[start - 1];
    size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (size - (start - 1) < whole)
        text[start - 1] = 0;
}

size_t plv_format_list (char *into, size_t size, const char *format, va_list arguments)
{
    int made = vsnprintf (into, size, format, arguments);
    if (made < 0)
        into[0] = '\0';
    if (made >= 0 && (size_t) made < size)
        return (size_t) made;
    trim_partial (into);
    return strlen (into);
}

size_t plv_format (char *into, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    size_t made = plv_format_list (into, size, format, arguments);
    va_end (arguments);
    return made;
}
