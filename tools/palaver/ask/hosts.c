#include "palaver/ask/hosts.h"

#include "wire/mp.h"

/*  What the broker knows of an adapter that has a process, beside its name.  */
static const char *const joined[] = {"credit", "held", "waiting", "in_per_min", "out_per_min"};

enum { JOINED = sizeof joined / sizeof *joined };

/*  The map of this name among `count` encoded ones; empty: none.  */
static plv_view_t named (plv_view_t items, uint32_t count, plv_view_t name)
{
    plv_mp_t at = plv_mp (items);
    plv_view_t item;
    while (count-- && plv_mp_skip (&at, &item))
        if (plv_view_equal (plv_mp_find_str (item, "name"), name))
            return item;
    return plv_view (NULL, 0);
}

/*  The pairs of `host`, and those of `adapter` that it lacks.  */
static void put_host (plv_buf_t *out, plv_view_t host, plv_view_t adapter)
{
    plv_mp_t at = plv_mp (host), value;
    plv_view_t raw;
    uint32_t pairs, more = 0;
    for (size_t i = 0; i < JOINED; i++)
        more += adapter.size && plv_mp_find (adapter, joined[i], &value);
    if (!plv_mp_map (&at, &pairs))
        return;
    plv_mp_put_map (out, pairs + more);
    for (uint32_t left = 2 * pairs; left && plv_mp_skip (&at, &raw); left--)
        plv_buf_add_view (out, raw);
    for (size_t i = 0; more && i < JOINED; i++)
        if (plv_mp_find (adapter, joined[i], &value) && plv_mp_skip (&value, &raw)) {
            plv_mp_put_text (out, joined[i]);
            plv_buf_add_view (out, raw);
        }
}

static void join (plv_buf_t *out, const plv_buf_t *hosts, uint32_t host_count,
                  const plv_buf_t *adapters, uint32_t adapter_count)
{
    plv_mp_t at = plv_mp (plv_buf_view (hosts));
    plv_view_t item;
    plv_buf_t items = {0};
    uint32_t count = host_count;
    for (uint32_t left = host_count; left && plv_mp_skip (&at, &item); left--)
        put_host (&items, item,
                  named (plv_buf_view (adapters), adapter_count, plv_mp_find_str (item, "name")));
    at = plv_mp (plv_buf_view (adapters));
    for (uint32_t left = adapter_count; left && plv_mp_skip (&at, &item); left--) {
        if (named (plv_buf_view (hosts), host_count, plv_mp_find_str (item, "name")).size)
            continue;
        plv_buf_add_view (&items, item);
        count++;
    }
    plv_buf_check (&items);
    plv_mp_put_map (out, 1);
    plv_mp_put_text (out, "items");
    plv_mp_put_array (out, count);
    plv_buf_add_view (out, plv_buf_view (&items));
    plv_buf_check (out);
    plv_buf_free (&items);
}

ending_t hosts_ask (asker_t *asker, plv_buf_t *ret_body)
{
    plv_buf_t hosts = {0}, adapters = {0};
    uint32_t host_count = 0, adapter_count = 0;
    ending_t end = ask_gather (asker, "adapters.hosts", &hosts, &host_count);
    if (!end)
        end = ask_gather (asker, "adapters.list", &adapters, &adapter_count);
    if (!end)
        join (ret_body, &hosts, host_count, &adapters, adapter_count);
    plv_buf_free (&hosts);
    plv_buf_free (&adapters);
    return end;
}
