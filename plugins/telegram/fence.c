#include "telegram/fence.h"

#include <stdlib.h>
#include <string.h>

enum { FENCE_MIN = 3 };

static const char probe[] = "\n\n**.**", shown[] = "<b>.</b>";

static void on_part (void *arg, pal_text_t text)
{
    size_t size = sizeof shown - 1;
    *(bool *) arg = text.size >= size && memcmp (text.data + text.size - size, shown, size) == 0;
}

/*  Is formatting behind the text and `end` taken for formatting?  */
static bool is_over (const pal_host_t *host, pal_text_t text, const char *end)
{
    bool over = false;
    size_t end_size = strlen (end), size = text.size + end_size + sizeof probe - 1;
    char *whole = malloc (size);
    if (!whole)
        return true;
    memcpy (whole, text.data, text.size);
    memcpy (whole + text.size, end, end_size);
    memcpy (whole + text.size + end_size, probe, sizeof probe - 1);
    host->text_render (host, (pal_text_t){whole, size}, PAL_MARKDOWN_TELEGRAM, PAL_UTF16_UNITS, 0,
                       on_part, &over);
    free (whole);
    return over;
}

static size_t longest_run (pal_text_t text, char of)
{
    size_t run = 0, longest = 0;
    for (size_t at = 0; at < text.size; at++) {
        run = text.data[at] == of ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/*  As long as the longest run: a fence is ended by one that is not shorter. False: that ends nothing.  */
static bool try_end (const pal_host_t *host, pal_text_t text, char of, char end[FENCE_END_BYTES])
{
    size_t run = longest_run (text, of);
    if (run < FENCE_MIN || run + 2 > FENCE_END_BYTES)
        return false;
    end[0] = '\n';
    memset (end + 1, of, run);
    end[run + 1] = 0;
    return is_over (host, text, end);
}

void fence_end (const pal_host_t *host, pal_text_t text, char end[FENCE_END_BYTES])
{
    bool may_be = longest_run (text, '`') >= FENCE_MIN || longest_run (text, '~') >= FENCE_MIN;
    if (may_be && !is_over (host, text, "")
        && (try_end (host, text, '`', end) || try_end (host, text, '~', end)))
        return;
    end[0] = 0;
}
