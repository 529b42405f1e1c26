/*  answer -- a reply, a message or something live as the JSON that every client of the gateway sees
    OWNS    nothing
    THREAD  the host's loop
    FAILS   by text_t's `failed`
    COST    one pass over the texts; the agent's own JSON is copied as it is

    A kept event ends with its number in the session, `"seq":N}`: the same bytes go to the request that waits,
    to streams, to WebSockets and into the session's recent events.  */

#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "web/text.h"

/*  Whole: {"type":"chat.response",...,"seq":N}  */
void answer_write (text_t *out, const pal_reply_t *reply, uint64_t seq);

/*  How clients know it.  */
const char *answer_type (pal_event_type_t type);

/*  An event that somebody sent, without its end; answer_end completes it when it is stored.  */
void answer_begin_event (text_t *out, const pal_event_t *event, pal_text_t id);
void answer_end (text_t *out, uint64_t seq);

/*  Whole: {"type":"chat.delta","session_id":...,...}  */
void answer_write_live (text_t *out, const pal_live_t *live);

/*  The text of a chat.delta, kept in `out`, and its number in the answer; false: it is none.  */
bool answer_delta (text_t *out, const pal_live_t *live, uint64_t *ret_index);

/*  The broker's word that no answer will come to the event of `reply_to`. `ret_by`: the newer message that took its
    place; empty: an operator has set it aside.  */
bool answer_is_over (const pal_live_t *live, pal_id_t *ret_by);

/*  Its word that this event has no answer of its own, but that of another one.  */
bool answer_is_merged (const pal_live_t *live, pal_id_t *ret_into);

/*  Why the broker answered in the agent's place ("general_error", ...); empty: it did not.  */
pal_text_t answer_fallback (const pal_reply_t *reply, char bytes[64]);

#endif
