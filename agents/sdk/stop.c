#include "sdk/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void plv_agent_note (plv_agent_t *self, const char *format, ...)
{
    if (!self->set.log)
        return;
    char line[PLV_FAIL_TEXT_BYTES + 128];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (line, sizeof line, format, arguments);
    va_end (arguments);
    self->set.log (self->set.log_arg, line);
}

void plv_agent_log_stderr (void *name, const char *line)
{
    fprintf (stderr, "%s: %s\n", name ? (const char *) name : "agent", line);
}

void plv_agent_ring (plv_agent_t *self)
{
    uint64_t one = 1;
    ssize_t written = write (self->wake, &one, sizeof one);
    (void) written; /* it fails only when it is ringing already */
}

void plv_agent_stop (plv_agent_t *self)
{
    atomic_store (&self->stop, true);
    plv_agent_ring (self);
}

/*  It is over, and why. Handlers at work learn that nobody waits for them.  */
void plv_agent_fail (plv_agent_t *self, const plv_fail_t *fail)
{
    if (self->phase == PHASE_OVER)
        return;
    self->phase = PHASE_OVER;
    self->fail = *fail;
    for (plv_node_t *node = self->held.next; node != &self->held;) {
        plv_job_t *job = PLV_OF (node, plv_job_t, held);
        node = node->next;
        plv_job_cancel (job, plv_view_str ("shutdown"));
    }
    pthread_cond_broadcast (&self->work);
    pthread_cond_broadcast (&self->saved);
    pthread_cond_broadcast (&self->keeper);
    plv_agent_ring (self);
}
