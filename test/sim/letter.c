#include "sim/actors.h"

#include "wire/mp.h"

letter_t letter_begin (plv_verb_t verb)
{
    letter_t self = {0};
    plv_packet_begin (&self.bytes);
    self.mark = plv_frame_begin (&self.bytes, verb);
    return self;
}

void letter_send (letter_t *self, sim_conn_t *conn)
{
    plv_frame_end (&self->bytes, self->mark);
    if (conn)
        net_to_broker (conn, &self->bytes);
    plv_buf_free (&self->bytes);
}

void hello_begin (letter_t *self, const char *role, const char *name, unsigned options)
{
    *self = letter_begin (VERB_HELLO);
    plv_mp_put_text (&self->bytes, role);
    plv_mp_put_text (&self->bytes, name);
    plv_mp_put_text (&self->bytes, "sim");
    plv_mp_put_u64 (&self->bytes, 1);
    plv_mp_put_map (&self->bytes, options);
}
