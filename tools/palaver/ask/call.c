#include "palaver/ask/call.h"

#include "base/limits.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *call_text (const call_t *self, option_id_t option, const char *standard)
{
    return call_has (self, option) ? self->text[option] : standard;
}

int64_t call_number (const call_t *self, option_id_t option, int64_t standard)
{
    return call_has (self, option) ? self->number[option] : standard;
}

int64_t call_timeout_us (const call_t *self, int64_t standard_s)
{
    return call_number (self, OPTION_TIMEOUT, standard_s * 1000000);
}

const char *call_who (const call_t *self)
{
    const struct passwd *entry = getpwuid (getuid ());
    const char *user = getenv ("USER");
    if (entry && entry->pw_name[0])
        user = entry->pw_name;
    return call_text (self, OPTION_WHO, user && user[0] ? user : "unknown");
}

bool name_good (const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t size = strlen (name);
    return size > 0 && size <= NAME_BYTES_MAX && strspn (name, letters) == size;
}
