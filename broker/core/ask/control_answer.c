#include "core/ask/control_answer.h"

#include "base/format.h"
#include "core/internal.h"
#include "core/text.h"
#include "wire/mask.h"
#include "wire/mp.h"

#include <stdarg.h>

static void put_result (core_t *self, peer_t *peer, uint64_t request, bool more, const char *status,
                        const plv_buf_t *body)
{
    plv_buf_check (body);
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_RESULT);
    plv_mp_put_u64 (buf, request);
    plv_mp_put_bool (buf, more);
    plv_mp_put_text (buf, status);
    plv_buf_add_view (buf, plv_buf_view (body));
    plv_frame_end (buf, mark);
}

void control_answer (core_t *self, peer_t *peer, uint64_t request, const char *status,
                     const plv_buf_t *body)
{
    put_result (self, peer, request, false, status, body);
}

void control_part (core_t *self, peer_t *peer, uint64_t request, const plv_buf_t *body)
{
    put_result (self, peer, request, true, "ok", body);
}

void control_answer_shown (core_t *self, peer_t *peer, uint64_t request, const plv_buf_t *body)
{
    plv_buf_t masked = {0};
    if (peer->from == FROM_ADAPTER)
        plv_mask_put (&masked, plv_buf_view (body));
    control_answer (self, peer, request, "ok", peer->from == FROM_ADAPTER ? &masked : body);
    plv_buf_free (&masked);
}

void control_fail (core_t *self, peer_t *peer, uint64_t request, plv_err_t err, const char *format,
                   ...)
{
    plv_buf_t body = {0};
    char text[PLV_FAIL_TEXT_BYTES];
    va_list args;
    va_start (args, format);
    plv_format_list (text, sizeof text, format, args);
    va_end (args);
    plv_mp_put_map (&body, 1);
    plv_mp_pair_str (&body, "text", text_cut (plv_view_str (text), sizeof text));
    control_answer (self, peer, request, plv_err_name (err), &body);
    plv_buf_free (&body);
}

uint64_t control_number (plv_view_t arguments, const char *key, uint64_t standard)
{
    plv_mp_t value;
    uint64_t number;
    return plv_mp_find (arguments, key, &value) && plv_mp_u64 (&value, &number) ? number : standard;
}

bool control_flag (plv_view_t arguments, const char *key)
{
    plv_mp_t value;
    bool flag;
    return plv_mp_find (arguments, key, &value) && plv_mp_bool (&value, &flag) && flag;
}
