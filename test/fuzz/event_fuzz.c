/*  event_fuzz -- any bytes as an envelope and as a body of each type
    An envelope that was read, written and read again is the same; a body that passes is one value.  */

#include "base/check.h"
#include "wire/event.h"
#include "wire/mp.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void check_same (const plv_envelope_t *a, const plv_envelope_t *b)
{
    CHECK (!memcmp (&a->id, &b->id, sizeof a->id), "id");
    CHECK (!memcmp (&a->reply_to, &b->reply_to, sizeof a->reply_to), "reply_to");
    CHECK (a->has_reply_to == b->has_reply_to && a->timestamp == b->timestamp, "numbers");
    CHECK (a->type_code == b->type_code && plv_view_equal (a->type, b->type), "type");
    CHECK (plv_view_equal (a->platform, b->platform), "platform");
    CHECK (plv_view_equal (a->adapter, b->adapter), "adapter");
    CHECK (plv_view_equal (a->session_id, b->session_id), "session_id");
    CHECK (plv_view_equal (a->user_id, b->user_id), "user_id");
    CHECK (plv_view_equal (a->platform_id, b->platform_id), "platform_id");
    CHECK (plv_view_equal (a->traceparent, b->traceparent), "traceparent");
}

static void fuzz_envelope (plv_view_t bytes)
{
    plv_envelope_t envelope;
    plv_envelope_t again;
    plv_fail_t fail;
    if (plv_envelope_parse (bytes, &envelope, &fail))
        return;
    plv_buf_t buf = {0};
    plv_envelope_write (&buf, &envelope);
    CHECK (!plv_envelope_parse (plv_buf_view (&buf), &again, &fail), "%s", fail.text);
    check_same (&envelope, &again);
    plv_buf_free (&buf);
}

static void fuzz_body (plv_view_t bytes)
{
    for (unsigned type = EVENT_UNKNOWN; type < EVENT_COUNT_; type++) {
        plv_view_t text;
        plv_fail_t fail;
        if (plv_body_check ((plv_event_type_t) type, bytes, &text, &fail))
            continue;
        plv_mp_t at = plv_mp (bytes);
        CHECK (plv_mp_skip (&at, NULL) && plv_mp_done (&at), "a body is one value");
        CHECK (plv_utf8_valid (text), "its text is UTF-8");
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_envelope (plv_view (data, size));
    fuzz_body (plv_view (data, size));
    return 0;
}
