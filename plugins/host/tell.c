#include "base/format.h"
#include "host/host.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

void host_tell (host_t *self, const char *format, ...)
{
    char line[700];
    if (self->options.status_fd < 0)
        return;
    va_list arguments;
    va_start (arguments, format);
    size_t size = plv_format_list (line, sizeof line - 1, format, arguments);
    va_end (arguments);
    for (char *at = line; *at; at++)
        *at = (unsigned char) *at < ' ' ? ' ' : *at; /* one line, whatever a plugin says */
    line[size++] = '\n';
    /*  A full pipe does not matter, the next beat comes; a broken one means that nobody looks after us.  */
    if (write (self->options.status_fd, line, size) < 0 && errno == EPIPE && !self->alone) {
        self->alone = true;
        raise (HOST_PARENT_DIED);
    }
}
