/*  fence -- does a text end within code?
    OWNS    nothing
    THREAD  the host's loop
    FAILS   never: without memory it does not
    COST    nothing without a fence; else one rendering, and another for a fence that is open

    A model that is cut off in the middle of a listing leaves its fence open, and all that is written behind it would be
    code, too. All of it is here, for a plugin is linked with nothing of ours.  */

#ifndef PAL_FENCE_H
#define PAL_FENCE_H

#include "sdk/adapter.h"

#include <stdlib.h>
#include <string.h>

enum { PAL_FENCE_MIN = 3, PAL_FENCE_END_BYTES = 64 };

static inline void pal_fence_on_part (void *arg, pal_text_t text)
{
    static const char shown[] = "<b>.</b>";
    size_t size = sizeof shown - 1;
    *(bool *) arg = text.size >= size && memcmp (text.data + text.size - size, shown, size) == 0;
}

/*  Is formatting behind the text and `end` taken for formatting?  */
static inline bool pal_fence_is_over (const pal_host_t *host, pal_text_t text, const char *end)
{
    static const char probe[] = "\n\n**.**";
    bool over = false;
    size_t end_size = strlen (end), size = text.size + end_size + sizeof probe - 1;
    char *whole = malloc (size);
    if (!whole)
        return true;
    memcpy (whole, text.data, text.size);
    memcpy (whole + text.size, end, end_size);
    memcpy (whole + text.size + end_size, probe, sizeof probe - 1);
    host->text_render (host, (pal_text_t){whole, size}, PAL_MARKDOWN_TELEGRAM, PAL_UTF16_UNITS, 0,
                       pal_fence_on_part, &over);
    free (whole);
    return over;
}

static inline size_t pal_fence_longest_run (pal_text_t text, char of)
{
    size_t run = 0, longest = 0;
    for (size_t at = 0; at < text.size; at++) {
        run = text.data[at] == of ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/*  As long as the longest run: a fence is ended by one that is not shorter. False: that ends nothing.  */
static inline bool pal_fence_try_end (const pal_host_t *host, pal_text_t text, char of,
                                      char end[PAL_FENCE_END_BYTES])
{
    size_t run = pal_fence_longest_run (text, of);
    if (run < PAL_FENCE_MIN || run + 2 > PAL_FENCE_END_BYTES)
        return false;
    end[0] = '\n';
    memset (end + 1, of, run);
    end[run + 1] = 0;
    return pal_fence_is_over (host, text, end);
}

/*  What ends the code that the text ends with; empty: it does not.  */
static inline void pal_fence_end (const pal_host_t *host, pal_text_t text,
                                  char end[PAL_FENCE_END_BYTES])
{
    bool may_be = pal_fence_longest_run (text, '`') >= PAL_FENCE_MIN
                  || pal_fence_longest_run (text, '~') >= PAL_FENCE_MIN;
    may_be = may_be && PAL_HAS (host, text_render) && host->text_render;
    if (may_be && !pal_fence_is_over (host, text, "")
        && (pal_fence_try_end (host, text, '`', end) || pal_fence_try_end (host, text, '~', end)))
        return;
    end[0] = 0;
}

#endif
