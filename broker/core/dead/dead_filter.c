#include "core/dead/dead_filter.h"

#include "core/dead/fingerprint.h"
#include "wire/event.h"
#include "wire/mp.h"

enum { WHYS = 32 }; /* bits of `whys` */

static uint64_t number_of (plv_view_t arguments, const char *key)
{
    plv_mp_t value;
    uint64_t number;
    return plv_mp_find (arguments, key, &value) && plv_mp_u64 (&value, &number) ? number : 0;
}

bool dead_filter_read (plv_view_t arguments, dead_filter_t *ret_filter)
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
        .service = plv_mp_find_str (arguments, "service"),
    };
    plv_view_t fingerprint = plv_mp_find_str (arguments, "fingerprint");
    return fingerprint.size == 0 || fingerprint_parse (fingerprint, &ret_filter->fingerprint);
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
        || !is (self->outcome, plv_view_str (dead_outcome (dead->why)))
        || (self->fingerprint && self->fingerprint != dead_brief_fingerprint (dead, entry)))
        return false;
    return !plv_envelope_parse (entry_envelope (entry), &envelope, NULL)
           && is (self->platform, envelope.platform) && is (self->adapter, envelope.adapter)
           && is (self->user, envelope.user_id) && is (self->type, envelope.type)
           && speaks_of (self->text, entry);
}

void dead_match_make (const dead_filter_t *filter, plv_buf_t *routes, dead_match_t *ret_match)
{
    *ret_match = (dead_match_t){
        .filter = filter,
        .session = dead_brief_hash (filter->session),
        .user = dead_brief_hash (filter->user),
        .platform = dead_brief_hash (filter->platform),
        .adapter = dead_brief_hash (filter->adapter),
        .route = dead_brief_hash (filter->route),
        .type = dead_brief_hash (filter->type),
        .code = dead_brief_hash (filter->code),
        .routes = routes,
    };
    for (unsigned why = 0; why < WHYS; why++)
        if (is (filter->reason, plv_view_str (dead_reason ((dead_why_t) why)))
            && is (filter->outcome, plv_view_str (dead_outcome ((dead_why_t) why))))
            ret_match->whys |= 1u << why;
}

static bool may_be (plv_view_t wanted, uint32_t hash, uint32_t found)
{
    return wanted.size == 0 || hash == found;
}

static bool leads_there (const plv_buf_t *routes, uint32_t route)
{
    uint32_t hash;
    for (size_t at = 0; at < routes->size; at += sizeof hash) {
        memcpy (&hash, routes->data + at, sizeof hash);
        if (hash == route)
            return true;
    }
    return false;
}

bool dead_match_takes (const dead_match_t *self, const dead_brief_t *brief)
{
    const dead_filter_t *filter = self->filter;
    return (!filter->fingerprint || filter->fingerprint == brief->fingerprint)
           && may_be (filter->session, self->session, brief->session)
           && may_be (filter->user, self->user, brief->user)
           && may_be (filter->platform, self->platform, brief->platform)
           && may_be (filter->adapter, self->adapter, brief->adapter)
           && may_be (filter->route, self->route, brief->route)
           && may_be (filter->type, self->type, brief->type)
           && may_be (filter->code, self->code, brief->code)
           && (self->whys >> brief->why % WHYS & 1) && brief->attempts >= filter->attempts
           && (!filter->since_us || brief->dead_us >= (int64_t) filter->since_us)
           && (!filter->until_us || brief->dead_us < (int64_t) filter->until_us)
           && (filter->service.size == 0 || leads_there (self->routes, brief->route));
}
