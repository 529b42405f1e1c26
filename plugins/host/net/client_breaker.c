#include "host/net/client_breaker.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    plv_node_t node;
    uint32_t failures;
    bool probes; /* one request is on its way to find out */
    int64_t open_until_us;
    size_t size;
    uint8_t remote[];
} circuit_t;

void client_breaker_init (client_breaker_t *self, const uint8_t seed[16])
{
    plv_map_init (&self->by_remote, seed);
    plv_list_init (&self->in_order);
}

static void forget (client_breaker_t *self, circuit_t *circuit)
{
    plv_map_remove (&self->by_remote, plv_view (circuit->remote, circuit->size));
    plv_node_remove (&circuit->node);
    free (circuit);
}

void client_breaker_free (client_breaker_t *self)
{
    for (plv_node_t *node; (node = plv_list_first (&self->in_order));)
        forget (self, PLV_OF (node, circuit_t, node));
    plv_map_free (&self->by_remote);
}

uint32_t client_breaker_wait (client_breaker_t *self, plv_view_t remote, int64_t now_us)
{
    circuit_t *circuit = plv_map_get (&self->by_remote, remote);
    if (!circuit || circuit->failures < CLIENT_FAILURES)
        return 0;
    if (circuit->probes)
        return CLIENT_PROBE_MS;
    if (now_us < circuit->open_until_us)
        return (uint32_t) ((circuit->open_until_us - now_us + 999) / 1000);
    circuit->probes = true;
    return 0;
}

void client_breaker_good (client_breaker_t *self, plv_view_t remote)
{
    circuit_t *circuit = plv_map_get (&self->by_remote, remote);
    if (circuit)
        forget (self, circuit);
}

static circuit_t *circuit_new (client_breaker_t *self, plv_view_t remote)
{
    if (self->by_remote.count >= CLIENT_CIRCUITS_MAX)
        forget (self, PLV_OF (plv_list_first (&self->in_order), circuit_t, node));
    circuit_t *circuit = plv_alloc_zero (1, sizeof *circuit + remote.size);
    circuit->size = remote.size;
    memcpy (circuit->remote, remote.data, remote.size);
    plv_map_put (&self->by_remote, plv_view (circuit->remote, circuit->size), circuit);
    return circuit;
}

void client_breaker_bad (client_breaker_t *self, plv_view_t remote, int64_t now_us)
{
    circuit_t *circuit = plv_map_get (&self->by_remote, remote);
    if (!circuit)
        circuit = circuit_new (self, remote);
    plv_node_remove (&circuit->node);
    plv_list_push (&self->in_order, &circuit->node);
    circuit->failures++;
    circuit->probes = false;
    /*  Those that were under way when it opened do not keep it open for longer.  */
    if (circuit->failures >= CLIENT_FAILURES && now_us >= circuit->open_until_us)
        circuit->open_until_us = now_us + (int64_t) CLIENT_OPEN_MS * 1000;
}

void client_breaker_unknown (client_breaker_t *self, plv_view_t remote)
{
    circuit_t *circuit = plv_map_get (&self->by_remote, remote);
    if (circuit)
        circuit->probes = false;
}

bool client_status_is_bad (uint32_t status)
{
    return status >= 500 && status != 501 && status != 505;
}
