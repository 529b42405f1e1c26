#include "advisor/provenance.h"

#include "wire/mp.h"

static void put_number (plv_buf_t *out, const char *key, int64_t number)
{
    plv_mp_put_text (out, key);
    plv_mp_put_i64 (out, number);
}

static void put_text (plv_buf_t *out, const char *key, const char *text)
{
    plv_mp_put_text (out, key);
    plv_mp_put_text (out, text);
}

void provenance_write (const talk_result_t *talked, const author_removed_t *removed, plv_buf_t *out)
{
    bool offline = talked->trouble != TROUBLE_NONE;
    const json_t *id;
    size_t i;
    plv_mp_put_map (out, offline ? 9 : 8);
    put_text (out, "answered_by", offline ? "offline" : "claude");
    if (offline)
        put_text (out, "reason", trouble_word (talked->trouble));
    put_text (out, "model", talked->model);
    plv_mp_put_text (out, "request_ids");
    plv_mp_put_array (out, (uint32_t) json_array_size (talked->request_ids));
    json_array_foreach (talked->request_ids, i, id)
    {
        plv_mp_put_text (out, json_string_value (id));
    }
    put_number (out, "input_tokens", talked->bill.input);
    put_number (out, "output_tokens", talked->bill.output);
    plv_mp_put_text (out, "cost_usd");
    plv_mp_put_double (out, (double) talked->bill.money / 1e6);
    put_number (out, "model_rounds", talked->rounds);
    put_number (out, "left_out", (int64_t) removed->sentences + removed->products);
}
