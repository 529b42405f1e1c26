/*  event -- the envelope that the broker reads, and the bodies that it looks into
    OWNS    nothing: all fields are views into the bytes that were parsed
    THREAD  any
    FAILS   plv_envelope_parse with ERR_MSGPACK, ERR_UTF8 or ERR_RANGE and a text that names the field
    COST    one bounded walk

    An envelope is a msgpack map; unknown keys are skipped and kept (the bytes pass through as they are).  */

#ifndef PLV_WIRE_EVENT_H
#define PLV_WIRE_EVENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    EVENT_UNKNOWN,
#define EVENT(name, text, kept, meaning) EVENT_##name,
#define FIELD(name, kind, max, need, meaning)
#define BODY(event, field, type, need, meaning)
#include "wire/events.def"
#undef EVENT
#undef FIELD
#undef BODY
    EVENT_COUNT_,
} plv_event_type_t;

typedef struct {
    plv_id_t id;
    plv_event_type_t type_code;
    plv_view_t type;
    plv_view_t platform;
    plv_view_t adapter;
    plv_view_t session_id;
    plv_view_t user_id;
    int64_t timestamp; /* microseconds since 1970, UTC */
    bool has_reply_to;
    plv_id_t reply_to;
    plv_view_t platform_id; /* empty: the platform gives none */
    plv_view_t traceparent; /* empty: none */
} plv_envelope_t;

/*  The fields, their limits and which are required: events.def. Required texts are not empty; a field that is
    nil counts as missing; one that comes twice is refused. A type that is not in the table is EVENT_UNKNOWN
    and no failure here.  */
plv_err_t plv_envelope_parse (plv_view_t bytes, plv_envelope_t *ret_envelope, plv_fail_t *ret_fail);
/*  Writes the fields that have a value. `type` may be empty when `type_code` is known.  */
void plv_envelope_write (plv_buf_t *self, const plv_envelope_t *envelope);

/*  "chat.message" and back; NULL and EVENT_UNKNOWN for what is not in the table of event types.  */
const char *plv_event_type_name (plv_event_type_t type);
plv_event_type_t plv_event_type_of (plv_view_t name);

/*  Kept, and not an answer: what adapters publish.  */
bool plv_event_type_published (plv_event_type_t type);

/*  Those, and what the broker makes itself: what routes lead to a service.  */
bool plv_event_type_routed (plv_event_type_t type);

/*  Is it a map that can be passed on: well-formed, at most BODY_BYTES_MAX, UTF-8? `ret_text` gets message_text
    (chat.message, chat.edit), response_text (chat.response) or an empty view; a chat.message or chat.response
    without it is refused.  */
plv_err_t plv_body_check (plv_event_type_t type, plv_view_t body, plv_view_t *ret_text,
                          plv_fail_t *ret_fail);

#ifdef __cplusplus
}
#endif

#endif
