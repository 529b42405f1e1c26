#include "advisor/claude/limiter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/*  Until an answer of a new window tells when that one ends.  */
enum { ASK_AGAIN_US = 100000 };

const char *limiter_name (limit_kind_t kind)
{
    static const char *const NAMES[LIMIT_KIND_COUNT_] = {
        [LIMIT_REQUESTS] = "requests",
        [LIMIT_TOKENS] = "tokens",
        [LIMIT_INPUT] = "input-tokens",
        [LIMIT_OUTPUT] = "output-tokens",
    };
    return NAMES[kind];
}

typedef struct {
    int64_t of[LIMIT_KIND_COUNT_];
} share_t;

static share_t share_of (int64_t input, int64_t output)
{
    return (share_t){{
        [LIMIT_REQUESTS] = 1,
        [LIMIT_TOKENS] = input + output,
        [LIMIT_INPUT] = input,
        [LIMIT_OUTPUT] = output,
    }};
}

/*  A new window: all of it is left, as far as one knows.  */
static void begin_window (limiter_t *self, int kind, int64_t now_us)
{
    if (self->limits[kind].reset_us > now_us)
        return;
    self->limits[kind].reset_us = 0;
    self->limits[kind].left = self->limits[kind].most;
}

/*  More than a whole window holds is let through alone: the server says what it thinks of it.  */
static bool is_full (const limiter_t *self, int kind, int64_t wanted)
{
    int64_t flying = self->limits[kind].flying, most = self->limits[kind].most;
    bool known = self->limits[kind].reset_us || (most && flying);
    return known && self->limits[kind].left - flying < wanted;
}

int64_t limiter_take (limiter_t *self, int64_t input, int64_t output, int64_t now_us)
{
    share_t share = share_of (input, output);
    int64_t until_us = self->closed_until_us > now_us ? self->closed_until_us : 0;
    for (int kind = 0; kind < LIMIT_KIND_COUNT_; kind++) {
        begin_window (self, kind, now_us);
        if (!is_full (self, kind, share.of[kind]))
            continue;
        int64_t reset_us =
            self->limits[kind].reset_us ? self->limits[kind].reset_us : now_us + ASK_AGAIN_US;
        if (reset_us > until_us)
            until_us = reset_us;
    }
    for (int kind = 0; kind < LIMIT_KIND_COUNT_ && !until_us; kind++)
        self->limits[kind].flying += share.of[kind];
    return until_us;
}

void limiter_done (limiter_t *self, int64_t input, int64_t output)
{
    share_t share = share_of (input, output);
    for (int kind = 0; kind < LIMIT_KIND_COUNT_; kind++)
        self->limits[kind].flying -= share.of[kind];
}

void limiter_told (limiter_t *self, limit_kind_t kind, int64_t left, int64_t most, int64_t reset_us)
{
    const int64_t same_us =
        1000000; /* two answers of one window may disagree by this about its end */
    if (reset_us + same_us < self->limits[kind].reset_us)
        return; /* of an older window */
    self->limits[kind].left = left;
    self->limits[kind].most = most;
    self->limits[kind].reset_us = reset_us;
}

void limiter_close (limiter_t *self, int64_t until_us)
{
    if (until_us > self->closed_until_us)
        self->closed_until_us = until_us;
}

/*  "+02:00" or "Z" behind the time, in seconds.  */
static bool zone (const char *text, int64_t *ret_s)
{
    if (strcmp (text, "Z") == 0 || strcmp (text, "z") == 0) {
        *ret_s = 0;
        return true;
    }
    if ((*text != '+' && *text != '-') || strlen (text) != 6 || text[3] != ':')
        return false;
    int64_t seconds = strtol (text + 1, NULL, 10) * 3600 + strtol (text + 4, NULL, 10) * 60;
    *ret_s = *text == '+' ? seconds : -seconds;
    return true;
}

bool limiter_time (const char *text, int64_t *ret_us)
{
    struct tm parts = {0};
    int64_t fraction_us = 0, unit_us = 100000, zone_s;
    const char *rest = strptime (text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest)
        return false;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit_us /= 10)
            fraction_us += (*rest - '0') * unit_us;
    if (!zone (rest, &zone_s))
        return false;
    *ret_us = ((int64_t) timegm (&parts) - zone_s) * 1000000 + fraction_us;
    return true;
}
