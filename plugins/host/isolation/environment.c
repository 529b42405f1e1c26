#include "host/isolation/environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static const char *const kept[] = {
#define KEEP(beginning, why) beginning,
#include "base/conf/environment.def"
#undef KEEP
};

static bool is_kept (const char *entry)
{
    for (size_t at = 0; at < sizeof kept / sizeof *kept; at++) {
        if (strncmp (entry, kept[at], strlen (kept[at])) == 0)
            return true;
    }
    return false;
}

void environment_clean (void)
{
    char name[256];
    for (size_t at = 0; environ && environ[at];) {
        size_t size = strcspn (environ[at], "=");
        if (is_kept (environ[at]) || size == 0 || size >= sizeof name) {
            at++;
            continue;
        }
        memcpy (name, environ[at], size);
        name[size] = 0;
        unsetenv (name); /* moves the rest up */
    }
}
