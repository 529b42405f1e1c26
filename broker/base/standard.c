#include "base/standard.h"

#include <fcntl.h>
#include <unistd.h>

void plv_standard_hold (void)
{
    int fd;
    do
        fd = open ("/dev/null", O_RDWR | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close (fd);
}
