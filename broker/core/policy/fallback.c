#include "core/policy/fallback.h"

#include "base/fold.h"
#include "wire/mp.h"

const char *fallback_name (fallback_kind_t kind)
{
    static const char *const names[] = {
#define FALLBACK(name, text, field) text,
#include "core/policy/fallback.def"
#undef FALLBACK
    };
    return names[kind];
}

fallback_kind_t fallback_of_code (plv_view_t code)
{
    for (fallback_kind_t kind = 0; kind < FALLBACK_COUNT_; kind++) {
        if (plv_view_is (code, fallback_name (kind)))
            return kind;
    }
    return FALLBACK_GENERAL_ERROR;
}

const char *fallback_text (const plv_conf_t *conf, fallback_kind_t kind)
{
    const char *const texts[] = {
#define FALLBACK(name, text, field) conf->field,
#include "core/policy/fallback.def"
#undef FALLBACK
    };
    return texts[kind] ? texts[kind] : "";
}

/*  Does `text` go on with `word` from `at`?  */
static bool fallback_goes_on (plv_view_t text, size_t at, plv_view_t word)
{
    size_t word_at = 0;
    while (word_at < word.size) {
        if (at >= text.size || plv_fold_next (text, &at) != plv_fold_next (word, &word_at))
            return false;
    }
    return word.size > 0;
}

static bool fallback_any (plv_view_t text, size_t at, const plv_conf_list_t *words)
{
    for (size_t i = 0; i < words->count; i++) {
        if (fallback_goes_on (text, at, plv_view_str (words->items[i])))
            return true;
    }
    return false;
}

bool fallback_speaks_of (plv_view_t text, const plv_conf_list_t *words)
{
    bool inside = false;
    for (size_t at = 0; at < text.size;) {
        size_t begin = at;
        bool word = plv_fold_is_word (plv_fold_next (text, &at));
        if (word && !inside && fallback_any (text, begin, words))
            return true;
        inside = word;
    }
    return false;
}

static void fallback_sentence (plv_buf_t *buf, const char *sentence)
{
    if (!sentence || !*sentence)
        return;
    if (buf->size)
        plv_buf_add_u8 (buf, ' ');
    plv_buf_add_view (buf, plv_view_str (sentence));
}

static void fallback_put_text (plv_buf_t *buf, const plv_conf_t *conf, fallback_kind_t kind,
                               plv_view_t query)
{
    plv_buf_t text = {0};
    fallback_sentence (&text, fallback_text (conf, kind));
    if (fallback_speaks_of (query, &conf->fallback_investment_words))
        fallback_sentence (&text, conf->fallback_investment);
    if (fallback_speaks_of (query, &conf->fallback_risk_words))
        fallback_sentence (&text, conf->fallback_risk);
    plv_buf_check (&text);
    plv_mp_put_str (buf, plv_buf_view (&text));
    plv_buf_free (&text);
}

void fallback_body (plv_buf_t *buf, const plv_conf_t *conf, fallback_kind_t kind, plv_view_t query)
{
    plv_mp_put_map (buf, 6);
    plv_mp_put_text (buf, "response_text");
    fallback_put_text (buf, conf, kind, query);
    plv_mp_put_text (buf, "recommendations");
    plv_mp_put_array (buf, 0);
    plv_mp_pair_u64 (buf, "confidence", 0);
    plv_mp_put_text (buf, "sources");
    plv_mp_put_array (buf, 0);
    plv_mp_pair_u64 (buf, "processing_time", 0);
    plv_mp_put_text (buf, "metadata");
    plv_mp_put_map (buf, 1);
    plv_mp_pair_text (buf, "fallback", fallback_name (kind));
}
