#include "palaver/ask/ask.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "palaver/interrupt.h"
#include "palaver/listing.h"
#include "palaver/show/table.h"
#include "wire/mp.h"

#include <string.h>

enum { LOOK_US = 250000, READ_S = 600 };

static bool is_away (plv_err_t code)
{
    return code == ERR_GONE || code == ERR_NOENT;
}

static ending_t ending_of (plv_err_t code)
{
    return is_away (code) || code == ERR_TIMEOUT || code == ERR_PERM || code == ERR_VERSION
               ? END_UNREACHABLE
               : END_PARTLY;
}

ending_t ask_failed (const plv_fail_t *fail)
{
    say ("%s%s", fail->text,
         is_away (fail->code)
             ? "\nIs palaverd running? --run DIR or $PALAVER_RUN names another run directory"
             : "");
    return ending_of (fail->code);
}

/*  Data may also mean something else to a command: doctor, restore.  */
static bool looks_at_data (const call_t *call)
{
    return call_has (call, OPTION_DATA) && (call->command->options & LOOKS) == LOOKS;
}

bool ask_until_interrupt (void *arg)
{
    (void) arg;
    return !interrupt_seen ();
}

/*  Of data: who waits for the answer has the words.  */
static bool look (void *arg)
{
    if (!ask_until_interrupt (arg))
        listing_cut (END_OK);
    return !interrupt_seen ();
}

static plv_err_t open_data (asker_t *self, const call_t *call, int64_t read_us,
                            plv_fail_t *ret_fail)
{
    interrupt_begin_with_pipe (); /* what was started is stopped, whatever happens */
    plv_err_t err = own_broker_inspect (
        &self->own, call_text (call, OPTION_BROKER, NULL), call->text[OPTION_DATA],
        call_text (call, OPTION_CONF, NULL), plv_clock_mono_us () + read_us, ret_fail);
    if (err)
        return err;
    self->where.run = plv_strdup (self->own.run);
    self->wait = look;
    return ERR_OK;
}

static plv_err_t connect_link (asker_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    static const hello_t hello = {.role = "tool", .name = "palaver"};
    return link_open (&self->link, self->where.run, "control", &hello, deadline_us, ret_fail);
}

/*  `read_us`: how long data may take to be read; 0: a running broker is meant.  */
static ending_t open_where (asker_t *self, const call_t *call, int64_t timeout_us, int64_t read_us)
{
    plv_fail_t fail;
    *self = (asker_t){.timeout_us = timeout_us};
    plv_err_t err = read_us ? open_data (self, call, read_us, &fail)
                            : where_find (call_text (call, OPTION_RUN, NULL), &self->where, &fail);
    if (err && read_us) {
        say ("%s", fail.text);
        return interrupt_seen () ? END_PARTLY : END_UNREACHABLE;
    }
    if (!err)
        err = connect_link (self, plv_clock_mono_us () + self->timeout_us, &fail);
    if (!err)
        return END_OK;
    where_free (&self->where);
    own_broker_stop (&self->own);
    return ask_failed (&fail);
}

ending_t asker_open (asker_t *self, const call_t *call, int64_t timeout_s)
{
    return open_where (self, call, call_timeout_us (call, timeout_s),
                       looks_at_data (call) ? call_timeout_us (call, READ_S) : 0);
}

ending_t asker_open_for (asker_t *self, const call_t *call, int64_t timeout_s, bool data)
{
    return open_where (self, call, timeout_s * 1000000,
                       data && looks_at_data (call) ? READ_S * INT64_C (1000000) : 0);
}

plv_err_t asker_reopen (asker_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    link_close (&self->link);
    return connect_link (self, deadline_us, ret_fail);
}

void asker_close (asker_t *self)
{
    link_close (&self->link);
    where_free (&self->where);
    own_broker_stop (&self->own);
    plv_buf_free (&self->answer);
}

static void put_question (uint64_t request, const char *command, const plv_buf_t *arguments,
                          plv_buf_t *packet)
{
    plv_packet_begin (packet);
    size_t mark = plv_frame_begin (packet, VERB_CONTROL);
    plv_mp_put_u64 (packet, request);
    plv_mp_put_text (packet, command);
    if (arguments && arguments->size)
        plv_buf_add_view (packet, plv_buf_view (arguments));
    else
        plv_mp_put_map (packet, 0);
    plv_frame_end (packet, mark);
}

static bool is_answer (const asker_t *self, const plv_frame_t *frame)
{
    return frame->verb == VERB_RESULT && frame->arg[0].number == self->request;
}

/*  The last RESULT of this request; those of earlier ones that were given up are passed over. ERR_OK with
    `*ret_given_up`: there is none, and none is wanted any more.  */
static plv_err_t wait_for_result (asker_t *self, plv_frame_t *ret_frame, bool *ret_given_up,
                                  plv_fail_t *ret_fail)
{
    int64_t deadline_us = plv_clock_mono_us () + self->timeout_us;
    for (;;) {
        int64_t now_us = plv_clock_mono_us ();
        int64_t until_us =
            self->wait && now_us + LOOK_US < deadline_us ? now_us + LOOK_US : deadline_us;
        plv_err_t err = link_next (&self->link, until_us, ret_frame, ret_fail);
        if (err == ERR_TIMEOUT && until_us < deadline_us) {
            *ret_given_up = !self->wait (self->wait_arg);
            if (*ret_given_up)
                return ERR_OK;
            continue;
        }
        if (err)
            return err;
        if (!is_answer (self, ret_frame))
            continue;
        if (!ret_frame->arg[1].number)
            return ERR_OK;
        deadline_us = plv_clock_mono_us () + self->timeout_us;
        if (self->part)
            self->part (self->part_arg, ret_frame->arg[3].bytes);
    }
}

bool ask_rest (asker_t *self, int64_t us)
{
    int64_t deadline_us = plv_clock_mono_us () + us;
    plv_frame_t frame;
    plv_fail_t fail;
    while (plv_clock_mono_us () < deadline_us && !interrupt_seen ()) {
        int64_t until_us = plv_clock_mono_us () + LOOK_US;
        plv_err_t err =
            link_next (&self->link, until_us < deadline_us ? until_us : deadline_us, &frame, &fail);
        if (err && err != ERR_TIMEOUT)
            return false;
    }
    return true;
}

uint64_t ask_number (plv_view_t map, const char *key)
{
    plv_mp_t value;
    uint64_t number = 0;
    if (plv_mp_find (map, key, &value))
        plv_mp_u64 (&value, &number);
    return number;
}

ending_t ask_refused (const asker_t *self, plv_view_t status, plv_view_t body)
{
    plv_view_t text = plv_mp_find_str (body, "text");
    bool spoken = text.size || plv_view_is (status, "NOENT") || plv_view_is (status, "BUSY");
    if (self->quiet && spoken)
        ; /* who asked says it */
    else if (text.size)
        say (PLV_VIEW_FMT, PLV_VIEW_ARG (text));
    else if (!plv_view_is (status, "NOENT"))
        say ("the broker says " PLV_VIEW_FMT, PLV_VIEW_ARG (status));
    if (plv_view_is (status, "ARG"))
        return END_USAGE;
    return plv_view_is (status, "NOENT") ? END_NOTHING : END_PARTLY;
}

/*  A person has thought, or a pager was full: the broker gives up a connection of which it hears nothing.  */
static plv_err_t wake (asker_t *self, plv_fail_t *ret_fail)
{
    int64_t now_us = plv_clock_mono_us ();
    if (now_us - self->link.said_us < self->link.timeout_us / 2)
        return ERR_OK;
    return asker_reopen (self, now_us + self->timeout_us, ret_fail);
}

plv_err_t ask_anew (asker_t *self, const char *command, const plv_buf_t *arguments,
                    plv_fail_t *ret_fail)
{
    plv_err_t err = wake (self, ret_fail);
    self->request++;
    return err ? err : ask_post (self, command, arguments, ret_fail);
}

plv_err_t ask_post (asker_t *self, const char *command, const plv_buf_t *arguments,
                    plv_fail_t *ret_fail)
{
    plv_buf_t packet = {0};
    put_question (self->request, command, arguments, &packet);
    plv_err_t err = link_send (&self->link, &packet, ret_fail);
    plv_buf_free (&packet);
    return err;
}

plv_err_t ask_part (asker_t *self, int64_t deadline_us, plv_frame_t *ret_frame,
                    plv_fail_t *ret_fail)
{
    plv_err_t err;
    do
        err = link_next (&self->link, deadline_us, ret_frame, ret_fail);
    while (!err && !is_answer (self, ret_frame));
    return err;
}

ending_t ask_lost (asker_t *self, const plv_fail_t *fail)
{
    self->failed = fail->code;
    if (self->failing)
        self->failing (self->wait_arg);
    say ("%s", fail->text);
    return ending_of (fail->code);
}

ending_t ask (asker_t *self, const char *command, const plv_buf_t *arguments, plv_view_t *ret_body)
{
    plv_fail_t fail;
    return ask_anew (self, command, arguments, &fail) ? ask_lost (self, &fail)
                                                      : ask_result (self, ret_body);
}

ending_t ask_result (asker_t *self, plv_view_t *ret_body)
{
    plv_frame_t frame;
    plv_fail_t fail;
    bool given_up = false;
    plv_err_t err = wait_for_result (self, &frame, &given_up, &fail);
    if (err)
        return ask_lost (self, &fail);
    if (given_up)
        return END_PARTLY;
    plv_buf_clear (&self->answer);
    plv_buf_add_view (&self->answer, frame.arg[3].bytes);
    plv_buf_check (&self->answer);
    if (ret_body)
        *ret_body = plv_buf_view (&self->answer);
    return plv_view_is (frame.arg[2].bytes, "ok")
               ? END_OK
               : ask_refused (self, frame.arg[2].bytes, plv_buf_view (&self->answer));
}

static void add_items (table_t *table, plv_view_t body)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t count;
    if (!plv_mp_find (body, "items", &items) || !plv_mp_array (&items, &count))
        return;
    while (count-- && plv_mp_skip (&items, &item))
        table_add (table, item);
}

bool ask_next_page (plv_view_t body, plv_buf_t *arguments)
{
    plv_mp_t next;
    plv_view_t after;
    if (!plv_mp_find (body, "next", &next) || plv_mp_nil (&next) || !plv_mp_skip (&next, &after))
        return false;
    plv_buf_clear (arguments);
    plv_mp_put_map (arguments, 1);
    plv_mp_put_text (arguments, "after");
    plv_buf_add_view (arguments, after);
    plv_buf_check (arguments);
    return true;
}

ending_t ask_gather (asker_t *self, const char *command, plv_buf_t *ret_items, uint32_t *ret_count)
{
    plv_buf_t page = {0};
    plv_view_t body, item;
    plv_mp_t items;
    ending_t end;
    do {
        uint32_t left = 0;
        end = ask (self, command, page.size ? &page : NULL, &body);
        if (!end && plv_mp_find (body, "items", &items))
            plv_mp_array (&items, &left);
        for (*ret_count += left; left && plv_mp_skip (&items, &item); left--)
            plv_buf_add_view (ret_items, item);
    } while (!end && ask_next_page (body, &page));
    plv_buf_check (ret_items);
    plv_buf_free (&page);
    return end;
}

ending_t ask_items (call_t *call, const char *command, const column_t *columns, size_t count,
                    const char *things)
{
    asker_t asker;
    plv_view_t body;
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    table_t table = table_new (&call->out, columns, count);
    plv_buf_t page = {0};
    do {
        end = ask (&asker, command, page.size ? &page : NULL, &body);
        if (!end)
            add_items (&table, body);
    } while (!end && !interrupt_seen () && ask_next_page (body, &page));
    table_flush (&table);
    if (!end)
        end = listing_end (call, table.total, 0, things);
    table_free (&table);
    plv_buf_free (&page);
    asker_close (&asker);
    return end;
}
