#include "core/ask/control_kv.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/internal.h"
#include "core/state/apply.h"

#include "wire/mp.h"

/*  What adapters keep with the broker. A write is answered when it is stored.  */

enum { LIST_LIMIT_DEFAULT = 100, LIST_LIMIT_MAX = 1000, LIST_BYTES_MAX = 2 * 1024 * 1024 };

/*  Text or bytes; empty when it is missing.  */
static plv_view_t bytes_argument (plv_view_t arguments, const char *key)
{
    plv_mp_t value;
    plv_view_t bytes = {0};
    if (plv_mp_find (arguments, key, &value) && !plv_mp_bin (&value, &bytes))
        plv_mp_str (&value, &bytes);
    return bytes;
}

/*  Whose keys: an adapter's own; a tool names the adapter. False when it was told off.  */
static bool owner_of (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments,
                      plv_view_t *ret_owner)
{
    plv_view_t named = plv_mp_find_str (arguments, "adapter");
    if (peer->from == FROM_ADAPTER && named.size && !plv_view_is (named, peer->name)) {
        control_fail (self, peer, request, ERR_AUTH, "an adapter has to do with its own keys only");
        return false;
    }
    if (peer->from == FROM_TOOL && (named.size == 0 || named.size > NAME_BYTES_MAX)) {
        control_fail (self, peer, request, ERR_ARG, "\"adapter\" says whose keys are meant");
        return false;
    }
    *ret_owner = peer->from == FROM_ADAPTER ? plv_view_str (peer->name) : named;
    return true;
}

static void answer_found (core_t *self, peer_t *peer, uint64_t request, bool found,
                          const plv_view_t *value)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, value ? 2 : 1);
    plv_mp_pair_bool (&body, "found", found);
    if (value) {
        plv_mp_pair_bin (&body, "value", *value);
    }
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

static void get (core_t *self, peer_t *peer, uint64_t request, plv_view_t owner, plv_view_t key)
{
    plv_view_t value;
    bool found = kv_get (self->kv, owner, key, &value);
    answer_found (self, peer, request, found, found ? &value : NULL);
}

static void put (core_t *self, peer_t *peer, uint64_t request, plv_view_t owner, plv_view_t key,
                 plv_view_t arguments)
{
    plv_view_t value = bytes_argument (arguments, "value"), before;
    plv_mp_t at;
    plv_fail_t fail;
    if (!plv_mp_find (arguments, "value", &at)) {
        control_fail (self, peer, request, ERR_ARG, "kv.put needs \"value\", text or bytes");
        return;
    }
    plv_err_t err = kv_check (self->kv, owner, key, value, &fail);
    if (err) {
        control_fail (self, peer, request, err, "%s", fail.text);
        return;
    }
    bool found = kv_get (self->kv, owner, key, &before);
    record_t record = {.type = RECORD_KV_PUT, .who = owner, .name = key, .body = value};
    apply_new (self, &record);
    answer_found (self, peer, request, found, NULL);
}

static void delete (core_t *self, peer_t *peer, uint64_t request, plv_view_t owner, plv_view_t key)
{
    plv_view_t value;
    bool found = kv_get (self->kv, owner, key, &value);
    record_t record = {.type = RECORD_KV_DELETE, .who = owner, .name = key};
    if (found)
        apply_new (self, &record);
    answer_found (self, peer, request, found, NULL);
}

static void put_item (plv_buf_t *items, plv_view_t key, plv_view_t value, bool whole)
{
    plv_mp_put_map (items, whole ? 3 : 2);
    plv_mp_pair_bin (items, "key", key);
    plv_mp_pair_u64 (items, "bytes", value.size);
    if (whole) {
        plv_mp_pair_bin (items, "value", value);
    }
}

static void list (core_t *self, peer_t *peer, uint64_t request, plv_view_t owner,
                  plv_view_t arguments)
{
    plv_view_t prefix = bytes_argument (arguments, "prefix"),
               key = bytes_argument (arguments, "after"), value, last;
    uint64_t limit = control_number (arguments, "limit", LIST_LIMIT_DEFAULT);
    bool whole = control_flag (arguments, "values"), more;
    plv_buf_t items = {0}, body = {0};
    uint32_t count = 0;
    if (limit == 0 || limit > LIST_LIMIT_MAX)
        limit = LIST_LIMIT_MAX;
    last = key;
    while ((more = kv_next (self->kv, owner, prefix, &key, &value)) && count < limit
           && items.size < LIST_BYTES_MAX) {
        put_item (&items, key, value, whole);
        last = key;
        count++;
    }
    plv_mp_put_map (&body, 2);
    plv_mp_put_text (&body, "items");
    plv_mp_put_array (&body, count);
    plv_buf_check (&items);
    plv_buf_add_view (&body, plv_buf_view (&items));
    plv_mp_put_text (&body, "next");
    if (more)
        plv_mp_put_bin (&body, last);
    else
        plv_mp_put_nil (&body);
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&items);
    plv_buf_free (&body);
}

void control_kv (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments)
{
    plv_view_t owner, key = bytes_argument (arguments, "key");
    if (!owner_of (self, peer, request, arguments, &owner))
        return;
    if (command == COMMAND_KV_LIST)
        list (self, peer, request, owner, arguments);
    else if (key.size == 0 || key.size > KV_KEY_BYTES_MAX)
        control_fail (self, peer, request, ERR_ARG, "\"key\" is text or bytes, 1 to %d of them",
                      KV_KEY_BYTES_MAX);
    else if (command == COMMAND_KV_GET)
        get (self, peer, request, owner, key);
    else if (command == COMMAND_KV_PUT)
        put (self, peer, request, owner, key, arguments);
    else
        delete (self, peer, request, owner, key);
}
