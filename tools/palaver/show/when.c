#include "palaver/show/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t second_us = 1000000;

/*  2h: that long ago.  */
static bool read_ago (const char *text, int64_t now_us, int64_t *ret_us)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
    char *end;
    errno = 0;
    long long count = strtoll (text, &end, 10);
    const char *unit = *end && isdigit ((unsigned char) text[0]) ? strchr (units, *end) : NULL;
    if (errno || !unit || end[1] || count > now_us / second_us / seconds[unit - units])
        return false;
    *ret_us = now_us - count * seconds[unit - units] * second_us;
    return true;
}

/*  Digits behind the point, as microseconds; `*text` moves behind them.  */
static bool read_fraction (const char **text, int64_t *ret_us)
{
    int64_t us = 0, digit_us = 100000;
    if (!isdigit ((unsigned char) **text))
        return false;
    for (; isdigit ((unsigned char) **text); ++*text, digit_us /= 10)
        us += (**text - '0') * digit_us;
    *ret_us = us;
    return true;
}

/*  Z, or +02:00: what is to be taken away for UTC.  */
static bool read_offset (const char *text, int64_t *ret_us)
{
    struct tm zone = {0};
    if ((text[0] == 'Z' || text[0] == 'z') && !text[1]) {
        *ret_us = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || strlen (text) != 6)
        return false;
    const char *end = strptime (text + 1, "%H:%M", &zone);
    if (!end || *end)
        return false;
    *ret_us = (text[0] == '-' ? -1 : 1) * (zone.tm_hour * 3600 + zone.tm_min * 60) * second_us;
    return true;
}

/*  Not the 31st of February, which would be the 3rd of March.  */
static bool is_day (struct tm day)
{
    int said = day.tm_mday;
    timegm (&day);
    return day.tm_mday == said;
}

bool when_read (const char *text, int64_t now_us, int64_t *ret_us)
{
    struct tm time = {0};
    int64_t fraction_us = 0, offset_us = 0;
    if (read_ago (text, now_us, ret_us))
        return true;
    const char *end = strptime (text, "%Y-%m-%d", &time);
    if (!end || end - text != 10 || !is_day (time))
        return false;
    if (*end) {
        if (!strchr ("Tt ", *end))
            return false;
        const char *clock = end + 1;
        end = strptime (clock, "%H:%M:%S", &time);
        if (!end || end - clock != 8)
            return false;
        if (*end == '.' && (end++, !read_fraction (&end, &fraction_us)))
            return false;
        if (!read_offset (end, &offset_us))
            return false;
    }
    *ret_us = (int64_t) timegm (&time) * second_us + fraction_us - offset_us;
    return true;
}
