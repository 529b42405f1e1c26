/*  translate -- between the plugin's structs and the wire's envelopes and bodies
    OWNS    translate_t: buffers that are reused from call to call
    THREAD  that of its owner
    FAILS   with the code and text that publish answers a plugin, or that a broken reply is refused with
    COST    one walk over the body  */

#ifndef HOST_TRANSLATE_H
#define HOST_TRANSLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "sdk/adapter.h"

typedef struct {
    const char *platform;
    const char *adapter;
    plv_buf_t envelope;
    plv_buf_t body;
    plv_buf_t session;
    plv_buf_t text[5]; /* JSON of the parts of a reply */
} translate_t;

void translate_free (translate_t *self);

/*  Writes `envelope` and `body`.  */
plv_err_t translate_event (translate_t *self, const pal_event_t *event, const plv_id_t *id,
                           int64_t now_us, plv_fail_t *ret_fail);

/*  Texts of `ret_reply` point into the arguments and into `self`, until the next call.  */
plv_err_t translate_reply (translate_t *self, plv_view_t envelope, plv_view_t body,
                           pal_reply_t *ret_reply, plv_fail_t *ret_fail);
plv_err_t translate_live (translate_t *self, plv_view_t envelope, plv_view_t body,
                          pal_live_t *ret_live, plv_fail_t *ret_fail);

static inline plv_view_t view_of (pal_text_t text)
{
    return plv_view (text.data, text.size);
}

static inline pal_text_t text_of (plv_view_t view)
{
    return (pal_text_t){.data = (const char *) view.data, .size = view.size};
}

#endif
