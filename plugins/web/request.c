#include "web/request.h"

#include "web/web.h"

#include <string.h>
#include <strings.h>

bool request_next_pair (pal_text_t *query, pal_text_t *ret_name, pal_text_t *ret_value)
{
    if (!query->size)
        return false;
    const char *end = memchr (query->data, '&', query->size);
    size_t size = end ? (size_t) (end - query->data) : query->size;
    const char *equals = memchr (query->data, '=', size);
    size_t name = equals ? (size_t) (equals - query->data) : size;
    *ret_name = (pal_text_t){query->data, name};
    *ret_value = equals ? (pal_text_t){equals + 1, size - name - 1} : pal_text (NULL);
    size += end != NULL;
    *query = (pal_text_t){query->data + size, query->size - size};
    return true;
}

query_t request_query (pal_text_t query, const char *name, char *bytes, size_t size,
                       pal_text_t *ret_value)
{
    pal_text_t given, value;
    query_t found = QUERY_MISSING;
    *ret_value = pal_text (NULL);
    while (request_next_pair (&query, &given, &value)) {
        if (!value.data || !pal_text_is (given, name))
            continue;
        if (found != QUERY_MISSING) {
            *ret_value = pal_text (NULL);
            return QUERY_TWICE;
        }
        found = text_decode (value, true, bytes, size, ret_value) ? QUERY_GIVEN : QUERY_TOO_LONG;
    }
    return found;
}

bool request_takes_json (asker_t *asker)
{
    static const char type[] = "application/json";
    const size_t size = sizeof type - 1;
    char bytes[128];
    /*  A browser asks before it sends JSON to another site, and does not before a form: forms are not taken.  */
    pal_text_t given = asker_header (asker, "content-type", bytes, sizeof bytes);
    bool good = given.size >= size && strncasecmp (given.data, type, size) == 0
                && (given.size == size || strchr ("; ", given.data[size]));
    if (!good)
        asker_problem (asker, PROBLEM_NOT_TYPED, pal_text (NULL), 0);
    return good;
}

bool request_session_good (asker_t *asker, pal_text_t part)
{
    if (text_is_id (part, SESSION_BYTES_MAX))
        return true;
    asker_problem (asker, PROBLEM_NO_SESSION, pal_text (NULL), 0);
    return false;
}
