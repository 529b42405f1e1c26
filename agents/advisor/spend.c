#include "advisor/spend.h"

#include "wire/mp.h"

static int64_t number_of (plv_view_t map, const char *key)
{
    plv_mp_t at;
    int64_t number;
    return plv_mp_find (map, key, &at) && plv_mp_i64 (&at, &number) && number > 0 ? number : 0;
}

static void put_number (plv_buf_t *out, const char *key, int64_t number)
{
    plv_mp_put_text (out, key);
    plv_mp_put_i64 (out, number);
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
    put_number (out, "microdollars", self->money);
    put_number (out, "input_tokens", self->input);
    put_number (out, "output_tokens", self->output);
    put_number (out, "calls", self->calls);
}
