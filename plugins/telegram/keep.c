#include "telegram/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void keep_get (const pal_host_t *host, const char *kind, int64_t chat, pal_kv_fn *done, void *arg)
{
    char key[KEEP_KEY_BYTES];
    snprintf (key, sizeof key, "%s%" PRId64, kind, chat);
    host->kv_get (host, pal_text (key), done, arg);
}

void keep_put_number (const pal_host_t *host, const char *kind, int64_t chat, int64_t number,
                      pal_kv_fn *done, void *arg)
{
    char key[KEEP_KEY_BYTES], value[24];
    snprintf (key, sizeof key, "%s%" PRId64, kind, chat);
    snprintf (value, sizeof value, "%" PRId64, number);
    host->kv_put (host, pal_text (key), pal_text (value), done, arg);
}

int64_t keep_number (pal_text_t value)
{
    char text[64];
    snprintf (text, sizeof text, "%.*s", PAL_ARG (value));
    return strtoll (text, NULL, 10);
}
