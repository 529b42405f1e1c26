#include "palaver/ask/order.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "wire/mp.h"

#include <stdlib.h>

enum { OUTCOME_S = 60, LOOK_US = 100000 };

typedef struct {
    const order_t *order;
    const call_t *call;
    asker_t asker;
} orders_t;

static ending_t tell (orders_t *self, const char *name)
{
    plv_buf_t arguments = {0};
    plv_mp_put_map (&arguments, 1);
    plv_mp_pair_text (&arguments, "name", name);
    plv_buf_check (&arguments);
    ending_t end = ask (&self->asker, self->order->command, &arguments, NULL);
    plv_buf_free (&arguments);
    return end;
}

/* ------------------------------------------------------------------ the outcome */

/*  The adapter as adapters.hosts has it; empty: it is not there.  */
static ending_t look_at (orders_t *self, const char *name, plv_view_t *ret_host)
{
    plv_view_t body, item;
    plv_mp_t items;
    uint32_t left = 0;
    ending_t end = ask (&self->asker, "adapters.hosts", NULL, &body);
    *ret_host = plv_view (NULL, 0);
    if (!end && plv_mp_find (body, "items", &items))
        plv_mp_array (&items, &left);
    while (left-- && plv_mp_skip (&items, &item))
        if (plv_view_is (plv_mp_find_str (item, "name"), name))
            *ret_host = item;
    return end;
}

static bool is_in (plv_view_t host, const char *state)
{
    return plv_view_is (plv_mp_find_str (host, "state"), state);
}

static ending_t say_failed (const order_t *order, const char *name, plv_view_t host)
{
    plv_view_t why = plv_mp_find_str (host, "last");
    const char *now = "";
    if (host.size == 0)
        why = plv_view_str ("its file was removed meanwhile");
    else if (is_in (host, "stopped") || is_in (host, "draining"))
        why = plv_view_str ("it was stopped meanwhile");
    else if (is_in (host, "restarting"))
        now = "; it is tried again";
    else if (!is_in (host, "refused"))
        now = "; the one before goes on";
    say ("%s %s: " PLV_VIEW_FMT "%s", name, order->not_done, PLV_VIEW_ARG (why), now);
    return END_PARTLY;
}

static ending_t say_late (const order_t *order, const char *name, plv_view_t host,
                          int64_t waited_us)
{
    plv_view_t why = plv_mp_find_str (host, "why");
    say ("%s %s within %lld s%s" PLV_VIEW_FMT "; palaver adapters list shows how it goes", name,
         order->not_done, (long long) (waited_us / 1000000), why.size ? ": it " : "",
         PLV_VIEW_ARG (why));
    return END_PARTLY;
}

/*  The last one that was told of an adapter decides.  */
static ending_t await (orders_t *self, const char *name, int64_t began_us, plv_view_t *ret_host)
{
    int64_t most_us = call_timeout_us (self->call, OUTCOME_S);
    for (;;) {
        ending_t end = look_at (self, name, ret_host);
        plv_view_t asked = plv_mp_find_str (*ret_host, "asked");
        if (end || plv_view_is (asked, "done"))
            return end;
        if (!plv_view_is (asked, "under way"))
            return say_failed (self->order, name, *ret_host);
        if (plv_clock_mono_us () - began_us >= most_us)
            return say_late (self->order, name, *ret_host, most_us);
        ask_rest (&self->asker, LOOK_US);
    }
}

/* ------------------------------------------------------------------ */

/*  `host`: empty: it has no outcome.  */
static void say_done (const orders_t *self, const char *name, plv_view_t host)
{
    plv_buf_t line = {0};
    if (self->call->out.json) {
        plv_mp_put_map (&line, host.size ? 3 : 2);
        plv_mp_pair_text (&line, "name", name);
        plv_mp_pair_text (&line, "status", "success");
        if (host.size)
            plv_mp_pair_u64 (&line, "pid", ask_number (host, "pid"));
        plv_buf_check (&line);
        out_json (plv_buf_view (&line));
        plv_buf_free (&line);
    } else if (is_in (host, "degraded")) {
        say ("%s %s, and degraded: " PLV_VIEW_FMT, name, self->order->done,
             PLV_VIEW_ARG (plv_mp_find_str (host, "why")));
    } else {
        say ("%s %s", name, self->order->done);
    }
}

static ending_t settle (orders_t *self, const char *name, int64_t began_us)
{
    plv_view_t host = {0};
    ending_t end = self->order->not_done ? await (self, name, began_us, &host) : END_OK;
    if (!end)
        say_done (self, name, host);
    return end;
}

/*  All are told first: they go at the same time.  */
static ending_t each (orders_t *self, ending_t *ends)
{
    char *const *names = self->call->operands;
    size_t count = self->call->operand_count, good = 0, unknown = 0;
    int64_t began_us = plv_clock_mono_us ();
    for (size_t i = 0; i < count; i++) {
        ends[i] = tell (self, names[i]);
        if (ends[i] == END_UNREACHABLE)
            return END_UNREACHABLE;
    }
    for (size_t i = 0; i < count; i++) {
        ends[i] = ends[i] ? ends[i] : settle (self, names[i], began_us);
        if (ends[i] == END_UNREACHABLE)
            return END_UNREACHABLE;
        good += ends[i] == END_OK;
        unknown += ends[i] == END_NOTHING;
    }
    if (good == count)
        return END_OK;
    return unknown == count ? END_NOTHING : END_PARTLY;
}

ending_t order_each (call_t *call, const order_t *order)
{
    orders_t self = {.order = order, .call = call};
    ending_t end = asker_open (&self.asker, call, 10);
    if (end)
        return end;
    ending_t *ends = plv_alloc_zero (call->operand_count, sizeof *ends);
    end = each (&self, ends);
    free (ends);
    asker_close (&self.asker);
    return end;
}
