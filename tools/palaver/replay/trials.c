#include "palaver/replay/trials.h"

#include "base/clock.h"
#include "palaver/interrupt.h"
#include "wire/mp.h"

enum { LOOK_US = 250000, FREE = 0 };

typedef struct {
    uint64_t request; /* FREE: none */
    size_t index;
} slot_t;

typedef struct {
    trials_t *trials;
    const plv_buf_t *arguments;
    size_t count, next, ended;
    slot_t slots[TRIALS_AT_A_TIME_MAX];
} run_t;

static slot_t *find_slot (run_t *self, uint64_t request)
{
    for (size_t i = 0; i < self->trials->at_a_time; i++)
        if (self->slots[i].request == request)
            return &self->slots[i];
    return NULL;
}

/*  When the next trial may begin, by the pace.  */
static int64_t due_us (const trials_t *trials)
{
    if (!trials->per_second)
        return 0;
    return trials->begun_us + (int64_t) (trials->begun * 1000000 / (uint64_t) trials->per_second);
}

static plv_err_t begin_one (run_t *self, slot_t *slot, plv_fail_t *ret_fail)
{
    asker_t *asker = self->trials->asker;
    plv_buf_t packet = {0};
    slot->request = ++asker->request;
    slot->index = self->next++;
    plv_packet_begin (&packet);
    size_t mark = plv_frame_begin (&packet, VERB_CONTROL);
    plv_mp_put_u64 (&packet, slot->request);
    plv_mp_put_text (&packet, "try");
    plv_buf_add_view (&packet, plv_buf_view (&self->arguments[slot->index]));
    plv_frame_end (&packet, mark);
    plv_err_t err = link_send (&asker->link, &packet, ret_fail);
    plv_buf_free (&packet);
    self->trials->begun++;
    return err;
}

/*  As many as there is room and time for.  */
static plv_err_t begin_some (run_t *self, plv_fail_t *ret_fail)
{
    slot_t *slot;
    plv_err_t err = ERR_OK;
    if (!self->trials->begun_us)
        self->trials->begun_us = plv_clock_mono_us ();
    while (!err && self->next < self->count && (slot = find_slot (self, FREE))
           && due_us (self->trials) <= plv_clock_mono_us ())
        err = begin_one (self, slot, ret_fail);
    return err;
}

static void take (run_t *self, const plv_frame_t *frame)
{
    slot_t *slot = frame->verb == VERB_RESULT && frame->arg[0].number
                       ? find_slot (self, frame->arg[0].number)
                       : NULL;
    if (!slot || frame->arg[1].number)
        return;
    plv_view_t body = frame->arg[3].bytes, failed = plv_view (NULL, 0);
    if (!plv_view_is (frame->arg[2].bytes, "ok") && !plv_mp_find_str (body, "outcome").size) {
        failed = plv_mp_find_str (body, "text");
        if (!failed.size)
            failed = frame->arg[2].bytes;
    }
    slot->request = FREE;
    self->ended++;
    self->trials->ended (self->trials->arg, slot->index, body, failed);
}

/*  Who says nothing is given up.  */
static void keep_alive (asker_t *idle)
{
    plv_frame_t frame;
    plv_fail_t fail;
    if (idle)
        link_next (&idle->link, plv_clock_mono_us (), &frame, &fail);
}

ending_t trials_run (trials_t *self, const plv_buf_t *arguments, size_t count)
{
    run_t run = {.trials = self, .arguments = arguments, .count = count};
    plv_frame_t frame;
    plv_fail_t fail;
    while (run.ended < count && !interrupt_seen ()) {
        keep_alive (self->idle);
        plv_err_t err = begin_some (&run, &fail);
        int64_t until_us = plv_clock_mono_us () + LOOK_US, due = due_us (self);
        if (run.next < count && find_slot (&run, FREE) && due < until_us)
            until_us = due;
        if (!err)
            err = link_next (&self->asker->link, until_us, &frame, &fail);
        if (!err)
            take (&run, &frame);
        else if (err != ERR_TIMEOUT)
            return ask_lost (self->asker, &fail);
    }
    return END_OK;
}
