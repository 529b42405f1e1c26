#include "host/link/link.h"

#include "base/clock.h"
#include "wire/event.h"
#include "wire/mp.h"

static void on_welcome (broker_link_t *self, const plv_frame_t *frame)
{
    uint64_t beat = frame->arg[1].number;
    plv_mp_t option;
    uint64_t timeout;
    self->heartbeat_ms =
        beat >= 20 && beat <= 600000 ? (uint32_t) beat : LINK_HEARTBEAT_MS_STANDARD;
    self->timeout_ms = self->heartbeat_ms * LINK_SILENCE_BEATS;
    if (plv_mp_find (frame->arg[2].bytes, "timeout_ms", &option) && plv_mp_u64 (&option, &timeout)
        && timeout >= self->heartbeat_ms && timeout <= 3600000)
        self->timeout_ms = (uint32_t) timeout;
    self->state = LINK_READY;
    self->retry_ms = LINK_RETRY_MS;
    self->welcome_ms = LINK_WELCOME_MS;
    link_report (self);
}

static void on_who (broker_link_t *self)
{
    if (self->state != LINK_READY)
        return; /* the HELLO that answers it is on its way */
    link_rewind (self);
    self->state = LINK_OPEN;
    link_report (self);
}

/*  Some reasons pass by themselves; any other one is for a person to read.  */
static void on_error (broker_link_t *self, const plv_frame_t *frame)
{
    char code[64], text[512];
    snprintf (code, sizeof code, PLV_VIEW_FMT, PLV_VIEW_ARG (frame->arg[0].bytes));
    snprintf (text, sizeof text, PLV_VIEW_FMT, PLV_VIEW_ARG (frame->arg[1].bytes));
    bool name = strcmp (code, "EXISTS") == 0 || strcmp (code, "NAME_IN_USE") == 0;
    if (name)
        link_step_away_for (self, LINK_RETRY_NAME_MS);
    else if (strcmp (code, "BUSY") == 0 || strcmp (code, "FULL") == 0
             || strcmp (code, "TIMEOUT") == 0)
        link_step_away (self);
    else
        link_give_up (self, code, text);
    if (self->retry_at != INT64_MAX)
        self->handler.trouble (self->handler.arg, code, text, false);
}

/*  False: it was answered before.  */
static bool event_done (broker_link_t *self, uint64_t seq)
{
    kept_t *kept = kept_get (&self->events, seq);
    if (!kept)
        return false;
    self->kept_bytes -= kept->frame.size;
    kept_drop (&self->events, kept);
    return true;
}

/*  Walks a list of numbers.  */
static bool next_number (plv_mp_t *at, uint32_t *left, uint64_t *ret_number)
{
    return *left && (*left)-- && plv_mp_u64 (at, ret_number);
}

static void on_stored (broker_link_t *self, const plv_frame_t *frame)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t left = 0;
    uint64_t seq;
    plv_mp_array (&at, &left);
    while (next_number (&at, &left, &seq))
        if (event_done (self, seq))
            self->handler.stored (self->handler.arg, seq);
}

static void on_busy (broker_link_t *self, const plv_frame_t *frame)
{
    if (!event_done (self, frame->arg[0].number))
        return;
    uint64_t wait = frame->arg[1].number;
    self->handler.busy (self->handler.arg, frame->arg[0].number,
                        wait < UINT32_MAX ? (uint32_t) wait : UINT32_MAX, frame->arg[2].bytes);
}

static void on_rejected (broker_link_t *self, const plv_frame_t *frame)
{
    if (!event_done (self, frame->arg[0].number))
        return;
    self->handler.rejected (self->handler.arg, frame->arg[0].number, frame->arg[1].bytes,
                            frame->arg[2].bytes);
}

static void on_deliver (broker_link_t *self, const plv_frame_t *frame)
{
    uint64_t delivery = frame->arg[0].number, attempt = frame->arg[1].number;
    plv_envelope_t envelope;
    bool known = !plv_envelope_parse (frame->arg[2].bytes, &envelope, NULL);
    if (deliveries_take (self->deliveries, delivery, known ? &envelope.id : NULL))
        self->handler.deliver (self->handler.arg, delivery,
                               attempt < UINT32_MAX ? (uint32_t) attempt : UINT32_MAX,
                               frame->arg[2].bytes, frame->arg[3].bytes);
}

static void on_settled (broker_link_t *self, const plv_frame_t *frame)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t left = 0;
    uint64_t delivery;
    plv_mp_array (&at, &left);
    while (next_number (&at, &left, &delivery))
        deliveries_settled (self->deliveries, delivery);
}

static void on_frame (broker_link_t *self, const plv_frame_t *frame)
{
    const plv_arg_t *arg = frame->arg;
    switch (frame->verb) {
    case VERB_WELCOME:
        on_welcome (self, frame);
        break;
    case VERB_WHO:
        on_who (self);
        break;
    case VERB_ERROR:
        on_error (self, frame);
        break;
    case VERB_BYE:
        link_step_away_for (self, LINK_RETRY_BYE_MS);
        break;
    case VERB_PING:
        link_put (self, VERB_PONG);
        break;
    case VERB_STORED:
        on_stored (self, frame);
        break;
    case VERB_BUSY:
        on_busy (self, frame);
        break;
    case VERB_REJECTED:
        on_rejected (self, frame);
        break;
    case VERB_DELIVER:
        on_deliver (self, frame);
        break;
    case VERB_SETTLED:
        on_settled (self, frame);
        break;
    case VERB_LIVE:
        self->handler.live (self->handler.arg, arg[0].bytes, arg[1].bytes);
        break;
    case VERB_RESULT:
        self->handler.result (self->handler.arg, arg[0].number, arg[1].number != 0, arg[2].bytes,
                              arg[3].bytes);
        break;
    default:
        break; /* PONG: it was heard */
    }
}

static plv_conn_state_t wire_state (const broker_link_t *self)
{
    return self->state == LINK_READY ? STATE_READY : STATE_NEW;
}

/*  A frame of an earlier life of this line is not an error: it is just late.  */
static bool stale (const broker_link_t *self, plv_verb_t verb)
{
    return self->state != LINK_READY && plv_verb_legal (verb, FROM_BROKER, STATE_READY);
}

void link_packet (broker_link_t *self, plv_view_t bytes)
{
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    self->heard_at = plv_clock_mono_us ();
    plv_err_t err = plv_packet_open (bytes, &reader, &fail);
    while (!err && self->socket) {
        err = plv_packet_next (&reader, &frame, &fail);
        if (err)
            break;
        if (plv_verb_legal (frame.verb, FROM_BROKER, wire_state (self)))
            on_frame (self, &frame);
        else if (!stale (self, frame.verb))
            err = plv_fail (&fail, ERR_PROTOCOL, "the broker sent %s", plv_verb_name (frame.verb));
    }
    if (err && err != ERR_NOENT && self->socket)
        link_give_up (self, plv_err_name (err), fail.text);
}
