#include "host/kit/kv_line.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>

enum { ASKED_MAX = 64, PAGE_KEYS = 256, REASON_BYTES = 256 };

typedef struct {
    plv_node_t node; /* in `waiting`, `asked` or `refused` */
    kv_line_what_t what;
    bool own;
    uint64_t request; /* 0: not asked */
    plv_buf_t key;    /* of a list: the prefix */
    plv_buf_t value;
    plv_buf_t after; /* of a list: the last key that was given */
    pal_kv_fn *done;
    void *arg;
    const char *refusal;
} call_t;

struct kv_line {
    kv_line_owner_t owner;
    plv_node_t waiting; /* in the order in which they came; so are the others */
    plv_node_t asked;
    plv_node_t refused;
    plv_map_u64_t by_request;
    size_t waits, asks;
    size_t bytes;
    size_t writes;
    bool up;
    bool muted;
};

kv_line_t *kv_line_new (const kv_line_owner_t *owner)
{
    kv_line_t *self = plv_alloc_zero (1, sizeof *self);
    self->owner = *owner;
    plv_list_init (&self->waiting);
    plv_list_init (&self->asked);
    plv_list_init (&self->refused);
    return self;
}

static void call_free (call_t *call)
{
    plv_buf_free (&call->key);
    plv_buf_free (&call->value);
    plv_buf_free (&call->after);
    free (call);
}

static void free_list (plv_node_t *list)
{
    plv_node_t *node;
    while ((node = plv_list_pop (list)))
        call_free (PLV_OF (node, call_t, node));
}

void kv_line_destroy (kv_line_t **self_p)
{
    kv_line_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    free_list (&self->waiting);
    free_list (&self->asked);
    free_list (&self->refused);
    plv_map_u64_free (&self->by_request);
    free (self);
    *self_p = NULL;
}

static bool is_write (const call_t *call)
{
    return call->what == KV_LINE_PUT || call->what == KV_LINE_REMOVE;
}

size_t kv_line_pending (const kv_line_t *self)
{
    return self->writes;
}

/* ------------------------------------------------------------------ asking */

static void put_bytes (plv_buf_t *out, const char *name, const plv_buf_t *bytes)
{
    plv_mp_put_text (out, name);
    plv_mp_put_bin (out, plv_buf_view (bytes));
}

static const char *encode (const call_t *call, plv_buf_t *out)
{
    static const char *const commands[] = {"kv.get", "kv.put", "kv.delete", "kv.list"};
    if (call->what == KV_LINE_LIST) {
        plv_mp_put_map (out, 4);
        put_bytes (out, "prefix", &call->key);
        put_bytes (out, "after", &call->after);
        plv_mp_pair_u64 (out, "limit", PAGE_KEYS);
        plv_mp_pair_bool (out, "values", true);
    } else {
        plv_mp_put_map (out, call->what == KV_LINE_PUT ? 2 : 1);
        put_bytes (out, "key", &call->key);
        if (call->what == KV_LINE_PUT)
            put_bytes (out, "value", &call->value);
    }
    return commands[call->what];
}

static bool ask_one (kv_line_t *self, call_t *call)
{
    plv_buf_t arguments = {0};
    const char *command = encode (call, &arguments);
    plv_buf_check (&arguments);
    call->request = self->owner.send (self->owner.arg, command, plv_buf_view (&arguments));
    plv_buf_free (&arguments);
    if (!call->request)
        return false;
    plv_node_remove (&call->node);
    plv_list_push (&self->asked, &call->node);
    plv_map_u64_put (&self->by_request, call->request, call);
    self->waits--;
    self->asks++;
    return true;
}

/*  A list is asked alone: between its pages nothing may change.  */
static void ask_more (kv_line_t *self)
{
    while (self->up && self->asks < ASKED_MAX && !plv_list_empty (&self->waiting)) {
        call_t *next = PLV_OF (plv_list_first (&self->waiting), call_t, node);
        plv_node_t *last = plv_list_empty (&self->asked) ? NULL : self->asked.prev;
        bool behind_list = last && PLV_OF (last, call_t, node)->what == KV_LINE_LIST;
        if (behind_list || (next->what == KV_LINE_LIST && last) || !ask_one (self, next))
            return;
    }
}

void kv_line_up (kv_line_t *self, bool up)
{
    self->up = up;
    /*  From the last one on: the first one stands in front again.  */
    while (!plv_list_empty (&self->asked)) {
        call_t *call = PLV_OF (self->asked.prev, call_t, node);
        plv_map_u64_remove (&self->by_request, call->request);
        call->request = 0;
        plv_node_remove (&call->node);
        plv_list_push_front (&self->waiting, &call->node);
        self->asks--;
        self->waits++;
    }
    ask_more (self);
}

static const char *refusal (const kv_line_t *self, const call_t *call)
{
    bool is_own = call->key.size && call->key.data[0] == KV_LINE_OWN[0];
    if (call->what != KV_LINE_LIST && call->key.size == 0)
        return "a key has at least one byte";
    if (call->key.size > KV_KEY_BYTES_MAX)
        return "a key has at most 255 bytes";
    if (call->value.size > KV_VALUE_BYTES_MAX)
        return "a value has at most 65536 bytes";
    if (is_own && !call->own)
        return "keys that begin with byte 1 are the host's";
    if (self->waits + self->asks >= KV_LINE_CALLS_MAX || self->bytes >= KV_LINE_BYTES_MAX)
        return "too many calls wait for the broker";
    return NULL;
}

void kv_line_ask (kv_line_t *self, kv_line_what_t what, bool own, pal_text_t key, pal_text_t value,
                  pal_kv_fn *done, void *arg)
{
    call_t *call = plv_alloc_zero (1, sizeof *call);
    call->what = what;
    call->own = own;
    call->done = done;
    call->arg = arg;
    plv_buf_add (&call->key, key.data, key.size);
    if (what == KV_LINE_PUT)
        plv_buf_add (&call->value, value.data, value.size);
    plv_buf_check (&call->key);
    plv_buf_check (&call->value);
    call->refusal = refusal (self, call);
    if (call->refusal) {
        plv_list_push (&self->refused, &call->node);
    } else {
        plv_list_push (&self->waiting, &call->node);
        self->waits++;
        self->bytes += call->key.size + call->value.size;
        self->writes += is_write (call);
    }
    self->owner.wake (self->owner.arg);
}

/* ------------------------------------------------------------------ answers */

static pal_text_t text_of (plv_view_t view)
{
    return (pal_text_t){(const char *) view.data, view.size};
}

void kv_line_mute (kv_line_t *self)
{
    self->muted = true;
}

static void say (const kv_line_t *self, const call_t *call, const pal_kv_result_t *result)
{
    if (call->done && (call->own || !self->muted))
        call->done (call->arg, result);
}

static void say_failed (const kv_line_t *self, const call_t *call, const char *reason)
{
    pal_kv_result_t result = {.key = text_of (plv_buf_view (&call->key)),
                              .reason = pal_text (reason)};
    say (self, call, &result);
}

void kv_line_turn (kv_line_t *self)
{
    plv_node_t now;
    /*  Those that are refused meanwhile wait for the next turn.  */
    plv_list_init (&now);
    while (!plv_list_empty (&self->refused))
        plv_list_push (&now, plv_list_pop (&self->refused));
    ask_more (self);
    while (!plv_list_empty (&now)) {
        call_t *call = PLV_OF (plv_list_pop (&now), call_t, node);
        say_failed (self, call, call->refusal);
        call_free (call);
    }
}

static plv_view_t find_bytes (plv_view_t map, const char *key)
{
    plv_mp_t at;
    plv_view_t bytes = {0};
    if (plv_mp_find (map, key, &at) && !plv_mp_bin (&at, &bytes))
        plv_mp_str (&at, &bytes);
    return bytes;
}

static void answer (const kv_line_t *self, const call_t *call, plv_view_t body)
{
    plv_mp_t at;
    pal_kv_result_t result = {.ok = true, .key = text_of (plv_buf_view (&call->key))};
    if (plv_mp_find (body, "found", &at))
        plv_mp_bool (&at, &result.found);
    if (call->what == KV_LINE_GET)
        result.value = text_of (find_bytes (body, "value"));
    say (self, call, &result);
}

static void answer_item (const kv_line_t *self, const call_t *call, plv_view_t item)
{
    plv_view_t key = find_bytes (item, "key");
    bool is_own = key.size && key.data[0] == KV_LINE_OWN[0];
    pal_kv_result_t result = {.ok = true,
                              .found = true,
                              .key = text_of (key),
                              .value = text_of (find_bytes (item, "value"))};
    if (call->own || !is_own)
        say (self, call, &result);
}

/*  False: that was the last page.  */
static bool answer_page (const kv_line_t *self, call_t *call, plv_view_t body)
{
    plv_mp_t at;
    plv_view_t item, next = find_bytes (body, "next");
    uint32_t count = 0;
    if (plv_mp_find (body, "items", &at))
        plv_mp_array (&at, &count);
    for (; count > 0 && plv_mp_skip (&at, &item); count--)
        answer_item (self, call, item);
    plv_buf_clear (&call->after);
    plv_buf_add_view (&call->after, next);
    plv_buf_check (&call->after);
    if (next.size)
        return true;
    pal_kv_result_t end = {.ok = true, .key = text_of (plv_buf_view (&call->key))};
    say (self, call, &end);
    return false;
}

static void take_out (kv_line_t *self, call_t *call)
{
    plv_map_u64_remove (&self->by_request, call->request);
    plv_node_remove (&call->node);
    call->request = 0;
    self->asks--;
}

static void answer_failed (const kv_line_t *self, const call_t *call, plv_view_t status,
                           plv_view_t body)
{
    char reason[REASON_BYTES];
    plv_view_t text = plv_mp_find_str (body, "text");
    snprintf (reason, sizeof reason, PLV_VIEW_FMT "%s" PLV_VIEW_FMT, PLV_VIEW_ARG (status),
              text.size ? ": " : "", PLV_VIEW_ARG (text));
    say_failed (self, call, reason);
}

bool kv_line_result (kv_line_t *self, uint64_t request, plv_view_t status, plv_view_t body)
{
    call_t *call = plv_map_u64_get (&self->by_request, request);
    bool more = false;
    if (!call)
        return false;
    take_out (self, call);
    if (!plv_view_is (status, "ok"))
        answer_failed (self, call, status, body);
    else if (call->what == KV_LINE_LIST)
        more = answer_page (self, call, body);
    else
        answer (self, call, body);
    if (more) {
        plv_list_push_front (&self->waiting, &call->node);
        self->waits++;
    } else {
        self->bytes -= call->key.size + call->value.size;
        self->writes -= is_write (call);
        call_free (call);
    }
    ask_more (self);
    return true;
}
