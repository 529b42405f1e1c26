/*  view -- bytes that belong to somebody else, lent for the call
    OWNS    nothing: who wants to keep the bytes copies them
    THREAD  any
    FAILS   never
    COST    two words, passed by value  */

#ifndef PLV_BASE_VIEW_H
#define PLV_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *data;
    size_t size;
} plv_view_t;

/*  "%.*s" takes an int and a pointer: printf (PLV_VIEW_FMT, PLV_VIEW_ARG (view)).  */
#define PLV_VIEW_FMT "%.*s"
#define PLV_VIEW_ARG(view) (int) (view).size, (const char *) (view).data

static inline plv_view_t plv_view (const void *data, size_t size)
{
    plv_view_t view = {(const uint8_t *) data, size};
    return view;
}

static inline plv_view_t plv_view_str (const char *text)
{
    return plv_view (text, text ? strlen (text) : 0);
}

static inline bool plv_view_equal (plv_view_t a, plv_view_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp (a.data, b.data, a.size) == 0);
}

static inline bool plv_view_is (plv_view_t view, const char *text)
{
    return plv_view_equal (view, plv_view_str (text));
}

#endif
