#include "core/flow/answer.h"

#include "core/flow/lanes.h"
#include "core/flow/outbox.h"
#include "core/internal.h"
#include "core/policy/compliance.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "wire/mp.h"

void answer_give (core_t *self, entry_t *entry, plv_view_t body, plv_view_t state, uint32_t flags)
{
    const plv_conf_t *conf = self->policy->conf;
    session_t *session = entry->session;
    bool silent = entry->flags & ENTRY_OWN && plv_mp_find_str (body, "response_text").size == 0;

    plv_buf_clear (&self->body);
    if (!silent)
        compliance_add (&self->body, conf, body);
    plv_buf_check (&self->body);
    record_t record = {
        .type = RECORD_REPLY,
        .number = entry->number,
        .reply = silent ? 0 : number_next (self),
        .at_us = self->now.wall_us,
        .id = id_next (self),
        .until_us = lanes_until_us (self, entry),
        .body = plv_buf_view (&self->body),
        .extra = state,
        .flags = flags,
        .name = conf->compliance_on ? plv_view_str (conf->compliance_version) : plv_view (NULL, 0),
    };
    apply_new (self, &record);
    count (self, flags & REPLY_FALLBACK ? COUNTER_FALLBACKS : COUNTER_REPLIES);
    outbox_send (self, session);
}
