#include "sim/sim.h"

#include "base/check.h"

/*  Packets take their time, arrive in order, and are sometimes lost, doubled or late: more than ZeroMQ would
    do to them on one connection, so that the protocol and not the transport is what is tested.  */

enum { DELAY_LEAST_US = 20, DELAY_MOST_US = 3000, LATE_MOST_US = 400000 };

sim_conn_t *net_open (sim_t *self, unsigned allowed, void *actor, uint64_t life,
                      void (*receive) (void *actor, plv_view_t packet))
{
    CHECK (self->conn_count < SIM_CONNS_MAX, "seed %llu opens too many connections",
           (unsigned long long) self->seed);
    sim_conn_t *conn = &self->conns[self->conn_count++];
    *conn = (sim_conn_t){.sim = self,
                         .open = true,
                         .allowed = allowed,
                         .receive = receive,
                         .actor = actor,
                         .life = life};
    return conn;
}

void net_close (sim_conn_t *conn)
{
    if (conn)
        conn->open = false;
}

static void arrive_at_broker (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    sim_conn_t *conn = arg;
    if (sim->up && token == sim->life && conn->open)
        broker_packet (sim, conn, bytes);
}

static void arrive_at_peer (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    sim_conn_t *conn = arg;
    /* what a broker sent before it died came before anything that the next one says, or was lost */
    if (conn->open && token == sim->life)
        conn->receive (conn->actor, bytes);
}

/*  When it arrives: behind what was sent before, unless it overtakes.  */
static int64_t arrival (sim_t *self, int64_t *last_us)
{
    int64_t delay_us = sim_between (self, DELAY_LEAST_US, DELAY_MOST_US);
    if (sim_chance (self, self->faults.reorder))
        return sim_between (self, DELAY_LEAST_US, LATE_MOST_US);
    if (self->now_us + delay_us <= *last_us)
        delay_us = *last_us + 1 - self->now_us;
    *last_us = self->now_us + delay_us;
    return delay_us;
}

static void carry (sim_t *self, sim_conn_t *conn, int64_t *last_us, sim_fn fn, uint64_t token,
                   plv_view_t packet)
{
    if (sim_chance (self, self->faults.lose))
        return;
    sim_at (self, arrival (self, last_us), fn, conn, token, packet);
    if (sim_chance (self, self->faults.duplicate))
        sim_at (self, arrival (self, last_us), fn, conn, token, packet);
}

void net_to_broker (sim_conn_t *conn, const plv_buf_t *packet)
{
    sim_t *self = conn->sim;
    if (!conn->open || !self->up)
        return;
    if (sim_chance (self, self->faults.cut)) {
        net_close (conn);
        return;
    }
    carry (self, conn, &conn->last_in_us, arrive_at_broker, self->life, plv_buf_view (packet));
}

bool net_to_peer (sim_t *self, uint32_t number, plv_view_t packet)
{
    sim_conn_t *conn = plv_map_u64_get (&self->by_number, number);
    if (!conn || !conn->open)
        return false;
    carry (self, conn, &conn->last_out_us, arrive_at_peer, self->life, packet);
    return true;
}

void net_forget (sim_t *self, uint32_t number)
{
    sim_conn_t *conn = plv_map_u64_remove (&self->by_number, number);
    if (conn)
        conn->number = 0;
}

void net_forget_all (sim_t *self)
{
    for (uint32_t i = 0; i < self->conn_count; i++)
        if (self->conns[i].number)
            net_forget (self, self->conns[i].number);
}
