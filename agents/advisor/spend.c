#include "advisor/spend.h"

#include "wire/mp.h"

static int64_t number_of (plv_view_t map, const char *key)
{
    plv_mp_t at;
    int64_t number;
    return plv_mp_find (map, key, &at) && plv_mp_i64 (&at, &number) && number > 0 ? number : 0;
}

void spend_read (spend_t *self, plv_view_t value)
{
    *self = (spend_t){0};
    if (!plv_mp_valid (value, MP_MAP))
        return;
    self->money = number_of (value, "microdollars");
    self->input = number_of (value, "input_tokens");
    self->output = number_of (value, "output_tokens");
    self->calls = number_of (value, "calls");
}

void spend_write (const spend_t *self, plv_buf_t *out)
{
    plv_mp_put_map (out, 4);
    plv_mp_pair_i64 (out, "microdollars", self->money);
    plv_mp_pair_i64 (out, "input_tokens", self->input);
    plv_mp_pair_i64 (out, "output_tokens", self->output);
    plv_mp_pair_i64 (out, "calls", self->calls);
}
