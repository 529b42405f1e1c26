#include "core/flow/sign.h"

#include "core/internal.h"
#include "core/state/live.h"
#include "wire/mp.h"

#define ENDED "ended"
#define MERGED_INTO "merged_into"
#define INTERRUPTED_BY "interrupted_by"

static void give (core_t *self, const outlet_t *outlet, const plv_envelope_t *whose,
                  const plv_id_t *about, const plv_buf_t *body)
{
    plv_envelope_t envelope = *whose;
    if (!outlet || !outlet->peer)
        return;
    envelope.id = id_next (self);
    envelope.type_code = EVENT_CHAT_TYPING;
    envelope.timestamp = self->now.wall_us;
    envelope.has_reply_to = true;
    envelope.reply_to = *about;
    envelope.type = envelope.platform_id = envelope.traceparent = plv_view (NULL, 0);
    plv_buf_check (body);
    plv_buf_t *buf = frame_held (self, outlet->peer);
    size_t mark = plv_frame_begin (buf, VERB_LIVE);
    plv_envelope_write (buf, &envelope);
    plv_mp_put_bin (buf, plv_buf_view (body));
    plv_frame_end (buf, mark);
}

void sign_discarded (core_t *self, const outlet_t *outlet, const plv_envelope_t *whose,
                     const plv_id_t *about)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 2);
    plv_mp_pair_bool (&body, "active", false);
    plv_mp_pair_text (&body, ENDED, "discarded");
    give (self, outlet, whose, about, &body);
    plv_buf_free (&body);
}

static void put_id (plv_buf_t *body, const char *name, const plv_id_t *id)
{
    char text[PLV_ID_TEXT_BYTES];
    plv_id_format (id, text);
    plv_mp_pair_text (body, name, text);
}

void sign_merged (core_t *self, const outlet_t *outlet, const plv_envelope_t *whose,
                  const plv_id_t *into)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 2);
    plv_mp_pair_bool (&body, "active", true);
    put_id (&body, MERGED_INTO, into);
    give (self, outlet, whose, &whose->id, &body);
    plv_buf_free (&body);
}

void sign_interrupted (core_t *self, const outlet_t *outlet, const plv_envelope_t *whose,
                       const plv_id_t *by)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 3);
    plv_mp_pair_bool (&body, "active", true); /* the newer one is worked on */
    plv_mp_pair_text (&body, ENDED, "interrupted");
    put_id (&body, INTERRUPTED_BY, by);
    give (self, outlet, whose, &whose->id, &body);
    plv_buf_free (&body);
}

bool sign_is_own (plv_view_t body)
{
    plv_mp_t value;
    return plv_mp_find (body, ENDED, &value) || plv_mp_find (body, MERGED_INTO, &value)
           || plv_mp_find (body, INTERRUPTED_BY, &value);
}
