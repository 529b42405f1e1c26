#include "web/names.h"

#include "web/text.h"

#include <string.h>
#include <strings.h>

static bool same (pal_text_t a, pal_text_t b)
{
    return a.size == b.size && strncasecmp (a.data, b.data, a.size) == 0;
}

static bool ends (pal_text_t text, pal_text_t end)
{
    return text.size > end.size
           && same ((pal_text_t){text.data + text.size - end.size, end.size}, end);
}

static bool is_number (pal_text_t name)
{
    if (name.size && name.data[0] == '[')
        return true;
    for (size_t at = 0; at < name.size; at++) {
        if (!strchr ("0123456789.", name.data[at]))
            return false;
    }
    return true;
}

static pal_text_t without_port (pal_text_t host)
{
    size_t size = 0;
    while (size < host.size && host.data[0] != '[' && host.data[size] != ':')
        size++;
    return size ? (pal_text_t){host.data, size} : host;
}

static bool is_listed (pal_text_t name, pal_text_t list)
{
    pal_text_t one;
    while (text_next_word (&list, &one)) {
        if (pal_text_is (one, "*") || same (one, name))
            return true;
    }
    return false;
}

bool names_loopback (pal_text_t address)
{
    return same (address, pal_text ("localhost")) || pal_text_is (address, "::1")
           || (address.size > 4 && memcmp (address.data, "127.", 4) == 0);
}

bool names_own (pal_text_t host, pal_text_t others)
{
    pal_text_t name = without_port (host);
    return is_number (name) || same (name, pal_text ("localhost"))
           || ends (name, pal_text (".localhost")) || is_listed (name, others);
}
