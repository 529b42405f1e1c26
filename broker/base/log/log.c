#include "base/log/log.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log/log_line.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *text;
    plv_log_level_t level;
} ids[LOG_COUNT_] = {
#define LOGID(name, level, text, meaning) [LOG_##name] = {text, level},
#include "base/log/log.def"
#undef LOGID
};

struct plv_log {
    char *program;
    int fd;
    bool terminal;
    bool colours;
    /*  Changed by a reload while other threads write.  */
    atomic_int least;
    atomic_bool json;
    atomic_ullong lost;
};

const char *plv_log_id_text (plv_log_id_t id)
{
    return (unsigned) id < LOG_COUNT_ ? ids[id].text : "unknown";
}

plv_log_level_t plv_log_id_level (plv_log_id_t id)
{
    return (unsigned) id < LOG_COUNT_ ? ids[id].level : LOG_ERROR;
}

static bool wants_colours (void)
{
    const char *no_color = getenv ("NO_COLOR");
    const char *term = getenv ("TERM");
    return !(no_color && *no_color) && !(term && strcmp (term, "dumb") == 0);
}

plv_log_t *plv_log_new (const char *program, int fd, plv_log_level_t least, plv_log_format_t format)
{
    plv_log_t *self = plv_alloc_zero (1, sizeof *self);
    self->program = plv_strdup (program);
    self->fd = fd;
    self->terminal = isatty (fd);
    self->colours = self->terminal && wants_colours ();
    plv_log_set (self, least, format);
    return self;
}

void plv_log_destroy (plv_log_t **self_p)
{
    if (*self_p)
        free ((*self_p)->program);
    free (*self_p);
    *self_p = NULL;
}

void plv_log_set (plv_log_t *self, plv_log_level_t least, plv_log_format_t format)
{
    atomic_store_explicit (&self->least, (int) least, memory_order_relaxed);
    atomic_store_explicit (&self->json,
                           format == LOG_JSON || (format == LOG_AUTO && !self->terminal),
                           memory_order_relaxed);
}

plv_log_level_t plv_log_least (const plv_log_t *self)
{
    return self ? (plv_log_level_t) atomic_load_explicit (&self->least, memory_order_relaxed)
                : LOG_INFO;
}

plv_log_format_t plv_log_format (const plv_log_t *self)
{
    if (!self)
        return LOG_AUTO;
    return atomic_load_explicit (&self->json, memory_order_relaxed) ? LOG_JSON : LOG_TEXT;
}

uint64_t plv_log_lost (const plv_log_t *self)
{
    return atomic_load_explicit (&self->lost, memory_order_relaxed);
}

/*  One write, so that lines of several threads and programs do not mix. A part is a lost line too.  */
static bool write_line (int fd, const plv_log_line_t *line)
{
    ssize_t size;
    do
        size = write (fd, line->data, line->size);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t) line->size;
}

void plv_log_fields (plv_log_t *self, plv_log_id_t id, const plv_field_t *fields, size_t count)
{
    plv_log_level_t level = plv_log_id_level (id);
    if (!self || (int) level < atomic_load_explicit (&self->least, memory_order_relaxed))
        return;
    int before = errno;
    plv_log_line_t line;
    plv_log_head_t head = {.time_us = plv_clock_wall_us (),
                           .level = level,
                           .id = plv_log_id_text (id),
                           .program = self->program};
    if (atomic_load_explicit (&self->json, memory_order_relaxed))
        plv_log_line_json (&line, &head, fields, count);
    else
        plv_log_line_text (&line, &head, self->colours, fields, count);
    if (!write_line (self->fd, &line))
        atomic_fetch_add_explicit (&self->lost, 1, memory_order_relaxed);
    errno = before;
}
