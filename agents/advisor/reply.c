#include "advisor/reply.h"

#include "wire/mp.h"

static void put_recommendation (const catalogue_t *catalogue,
                                const recommendation_t *recommendation, plv_buf_t *out)
{
    const product_t *product = catalogue_product (catalogue, (size_t) recommendation->product);
    char figure[FIGURE_BYTES];
    plv_mp_put_map (out, 6);
    plv_mp_pair_text (out, "name", product->name);
    plv_mp_pair_text (out, "symbol", product->symbol);
    plv_mp_pair_u64 (out, "risk_level", (uint64_t) product->risk);
    plv_mp_pair_text (out, "expected_return", answer_return (product, figure));
    plv_mp_pair_text (out, "fee", answer_fee (product, figure));
    plv_mp_pair_text (out, "why", recommendation->why);
}

void reply_write (const catalogue_t *catalogue, const answer_t *answer, double seconds,
                  plv_view_t metadata, plv_buf_t *out)
{
    plv_mp_put_map (out, metadata.size ? 6 : 5);
    plv_mp_pair_str (out, "response_text", plv_buf_view (&answer->text));
    plv_mp_put_text (out, "recommendations");
    plv_mp_put_array (out, (uint32_t) answer->recommendation_count);
    for (size_t i = 0; i < answer->recommendation_count; i++)
        put_recommendation (catalogue, &answer->recommendations[i], out);
    plv_mp_pair_double (out, "confidence", answer->confidence);
    plv_mp_put_text (out, "sources");
    plv_mp_put_array (out, (uint32_t) answer->source_count);
    for (size_t i = 0; i < answer->source_count; i++)
        plv_mp_put_text (out, answer->sources[i]);
    plv_mp_pair_double (out, "processing_time", seconds);
    if (metadata.size) {
        plv_mp_put_text (out, "metadata");
        plv_buf_add_view (out, metadata);
    }
}
