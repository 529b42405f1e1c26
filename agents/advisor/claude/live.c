#include "advisor/claude/live.h"

#include "base/clock.h"

void live_begin (live_t *self)
{
    self->prose = (prose_t){.wanted = "answer"};
    plv_buf_clear (&self->waiting);
}

void live_free (live_t *self)
{
    plv_buf_free (&self->waiting);
    plv_buf_free (&self->out);
}

void live_said (live_t *self, plv_view_t text)
{
    int64_t now_us = plv_clock_mono_us ();
    prose_feed (&self->prose, text, &self->waiting);
    if (!self->waiting.size || now_us - self->sent_us < LIVE_PAUSE_US)
        return;
    plv_view_t all = plv_buf_view (&self->waiting);
    size_t held = pii_open_end (all);
    plv_buf_clear (&self->out);
    pii_show (self->pii, plv_view (all.data, all.size - held), &self->out);
    if (!self->out.size || self->out.failed)
        return;
    self->send (self->arg, plv_buf_view (&self->out));
    self->sent_us = now_us;
    memmove (self->waiting.data, self->waiting.data + all.size - held, held);
    self->waiting.size = held;
}
