#include "shell/adapters/host_output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { READS_A_STEP = 64, READS_AT_END = 1024 };

static void write_line (const host_output_t *self, const char *text, size_t size)
{
    plv_log (self->log, LOG_PLUGIN_OUTPUT, F_STR ("adapter", self->adapter),
             F_INT ("pid", self->pid), F_VIEW ("text", plv_view (text, size)));
}

/*  The oldest make room.  */
static void leave_out (host_output_t *self, size_t size)
{
    while (self->last_size + size + 1 > sizeof self->last) {
        const char *end = memchr (self->last, '\n', self->last_size);
        size_t first = (size_t) (end + 1 - self->last);
        self->last_size -= first;
        memmove (self->last, self->last + first, self->last_size);
    }
    memcpy (self->last + self->last_size, self->line, size);
    self->last_size += size;
    self->last[self->last_size++] = '\n';
}

static void say (host_output_t *self, size_t size, int64_t now_us)
{
    uint64_t left_out = 0;
    while (size && strchr ("\r\n", self->line[size - 1]))
        size--;
    if (!size)
        return;
    if (!plv_log_gate_open (&self->gate, now_us, &left_out)) {
        leave_out (self, size);
        return;
    }
    if (left_out)
        plv_log (self->log, LOG_PLUGIN_OUTPUT, F_STR ("adapter", self->adapter),
                 F_STR ("text", "writes too much: lines before this one were left out"),
                 F_INT ("lines", (int64_t) left_out), F_INT ("per_s", LOG_GATE_PER_S));
    self->last_size = 0;
    write_line (self, self->line, size);
}

static void take_lines (host_output_t *self, int64_t now_us)
{
    char *end;
    while ((end = memchr (self->line, '\n', self->size))) {
        size_t size = (size_t) (end + 1 - self->line);
        say (self, size, now_us);
        self->size -= size;
        memmove (self->line, self->line + size, self->size);
    }
    if (self->size == sizeof self->line) {
        say (self, self->size, now_us);
        self->size = 0;
    }
}

static void read_some (host_output_t *self, int reads, int64_t now_us)
{
    while (self->fd >= 0 && reads--) {
        ssize_t got = read (self->fd, self->line + self->size, sizeof self->line - self->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            close (self->fd); /* leaves the epoll set with it */
            self->fd = -1;
            return;
        }
        self->size += (size_t) got;
        take_lines (self, now_us);
    }
}

void host_output_read (host_output_t *self, int64_t now_us)
{
    read_some (self, READS_A_STEP, now_us);
}

/*  A child of the plugin may hold the other end open: what is there is all that is waited for.  */
void host_output_end (host_output_t *self, int64_t now_us)
{
    read_some (self, READS_AT_END, now_us);
    say (self, self->size, now_us);
    self->size = 0;
    for (size_t at = 0; at < self->last_size;) {
        const char *end = memchr (self->last + at, '\n', self->last_size - at);
        size_t size = (size_t) (end - self->last) - at;
        write_line (self, self->last + at, size);
        at += size + 1;
    }
    self->last_size = 0;
    if (self->fd >= 0)
        close (self->fd);
    self->fd = -1;
}
