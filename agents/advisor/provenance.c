#include "advisor/provenance.h"

#include "wire/mp.h"

void provenance_write (const talk_result_t *talked, const author_removed_t *removed, plv_buf_t *out)
{
    bool offline = talked->trouble != TROUBLE_NONE;
    const json_t *id;
    size_t i;
    plv_mp_put_map (out, offline ? 9 : 8);
    plv_mp_pair_text (out, "answered_by", offline ? "offline" : "claude");
    if (offline)
        plv_mp_pair_text (out, "reason", trouble_word (talked->trouble));
    plv_mp_pair_text (out, "model", talked->model);
    plv_mp_put_text (out, "request_ids");
    plv_mp_put_array (out, (uint32_t) json_array_size (talked->request_ids));
    json_array_foreach (talked->request_ids, i, id)
    {
        plv_mp_put_text (out, json_string_value (id));
    }
    plv_mp_pair_i64 (out, "input_tokens", talked->bill.input);
    plv_mp_pair_i64 (out, "output_tokens", talked->bill.output);
    plv_mp_pair_double (out, "cost_usd", (double) talked->bill.money / 1e6);
    plv_mp_pair_i64 (out, "model_rounds", talked->rounds);
    plv_mp_pair_i64 (out, "left_out", (int64_t) removed->sentences + removed->products);
}
