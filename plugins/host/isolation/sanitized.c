#include "host/isolation/isolation.h"

#include <dlfcn.h>

bool isolation_sanitized (void)
{
    return dlsym (RTLD_DEFAULT, "__asan_init") || dlsym (RTLD_DEFAULT, "__tsan_init");
}
