#include "core/dead_filter.h"

#include "wire/event.h"
#include "wire/mp.h"

static uint64_t number_of (plv_view_t arguments, const char *key)
{
    plv_mp_t value;
    uint64_t number;
    return plv_mp_find (arguments, key, &value) && plv_mp_u64 (&value, &number) ? number : 0;
}

void dead_filter_read (plv_view_t arguments, dead_filter_t *ret_filter)
{
    *ret_filter = (dead_filter_t){
        .platform = plv_mp_find_str (arguments, "platform"),
        .adapter = plv_mp_find_str (arguments, "adapter"),
        .session = plv_mp_find_str (arguments, "session"),
        .user = plv_mp_find_str (arguments, "user"),
        .route = plv_mp_find_str (arguments, "route"),
        .type = plv_mp_find_str (arguments, "type"),
        .reason = plv_mp_find_str (arguments, "reason"),
        .outcome = plv_mp_find_str (arguments, "outcome"),
        .code = plv_mp_find_str (arguments, "code"),
        .text = plv_mp_find_str (arguments, "text"),
        .since_us = number_of (arguments, "since_us"),
        .until_us = number_of (arguments, "until_us"),
        .attempts = number_of (arguments, "attempts"),
    };
}

static bool is (plv_view_t wanted, plv_view_t found)
{
    return wanted.size == 0 || plv_view_equal (wanted, found);
}

static bool speaks_of (plv_view_t wanted, const entry_t *entry)
{
    const char *key = entry->kind == ENTRY_EVENT ? "message_text" : "response_text";
    plv_view_t text = plv_mp_find_str (entry_body (entry), key);
    return wanted.size == 0
           || (text.size && memmem (text.data, text.size, wanted.data, wanted.size) != NULL);
}

bool dead_filter_takes (const dead_filter_t *self, const dead_t *dead, const entry_t *entry)
{
    plv_envelope_t envelope;
    if ((self->since_us && dead->at_us < (int64_t) self->since_us)
        || (self->until_us && dead->at_us >= (int64_t) self->until_us)
        || entry->attempts < self->attempts || !is (self->session, dead->session)
        || !is (self->code, dead->code) || !is (self->route, label_view (entry->route))
        || !is (self->reason, plv_view_str (dead_reason (dead->why)))
        || !is (self->outcome, plv_view_str (dead_outcome (dead->why))))
        return false;
    return !plv_envelope_parse (entry_envelope (entry), &envelope, NULL)
           && is (self->platform, envelope.platform) && is (self->adapter, envelope.adapter)
           && is (self->user, envelope.user_id) && is (self->type, envelope.type)
           && speaks_of (self->text, entry);
}
