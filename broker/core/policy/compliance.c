#include "core/policy/compliance.h"

#include "wire/mp.h"

static const char DISCLAIMERS[] = "disclaimers";
static const char VERSION[] = "compliance_version";
static const char RECOMMENDATIONS[] = "recommendations";

/*  What one walk over the top-level keys finds.  */
typedef struct {
    plv_view_t pairs; /* all of them, encoded */
    uint32_t count;
    uint32_t ours; /* pairs under our keys, which are left out */
    bool seen;     /* `recommendations`: the first one counts, as everywhere */
    bool recommends;
} compliance_walk_t;

static bool compliance_is_ours (plv_view_t key)
{
    return plv_view_equal (key, plv_view (DISCLAIMERS, sizeof DISCLAIMERS - 1))
           || plv_view_equal (key, plv_view (VERSION, sizeof VERSION - 1));
}

/*  One pair; a key that is no text is passed on like any other.  */
static bool compliance_pair (plv_mp_t *at, plv_view_t *ret_key, plv_mp_t *ret_value)
{
    plv_view_t key = {0};
    if (!plv_mp_str (at, &key) && !plv_mp_skip (at, NULL))
        return false;
    *ret_key = key;
    *ret_value = *at;
    return plv_mp_skip (at, NULL);
}

static bool compliance_walk (plv_view_t body, compliance_walk_t *ret_walk)
{
    compliance_walk_t walk = {0};
    plv_mp_t at = plv_mp (body);
    if (!body.size || !plv_mp_map (&at, &walk.count))
        return false;
    const uint8_t *begin = at.at;
    for (uint32_t i = 0; i < walk.count; i++) {
        plv_view_t key;
        plv_mp_t value;
        if (!compliance_pair (&at, &key, &value))
            return false;
        uint32_t items = 0;
        if (compliance_is_ours (key)) {
            walk.ours++;
        } else if (!walk.seen
                   && plv_view_equal (key,
                                      plv_view (RECOMMENDATIONS, sizeof RECOMMENDATIONS - 1))) {
            walk.seen = true;
            walk.recommends = plv_mp_array (&value, &items) && items > 0;
        }
    }
    walk.pairs = plv_view (begin, (size_t) (at.at - begin));
    *ret_walk = walk;
    return at.at == at.end;
}

static void compliance_copy_pairs (plv_buf_t *buf, const compliance_walk_t *walk)
{
    if (!walk->ours) {
        plv_buf_add_view (buf, walk->pairs);
        return;
    }
    plv_mp_t at = plv_mp (walk->pairs);
    const uint8_t *begin = at.at;
    plv_view_t key;
    plv_mp_t value;
    while (at.at < at.end && compliance_pair (&at, &key, &value)) {
        if (!compliance_is_ours (key))
            plv_buf_add (buf, begin, (size_t) (at.at - begin));
        begin = at.at;
    }
}

static void compliance_put (plv_buf_t *buf, const plv_conf_t *conf, bool recommends)
{
    const char *const texts[] = {
        conf->compliance_investment_advice,
        recommends ? conf->compliance_risk_disclosure : NULL,
        conf->compliance_regulatory_notice,
    };
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        count += texts[i] && *texts[i];
    plv_mp_put_str (buf, plv_view (DISCLAIMERS, sizeof DISCLAIMERS - 1));
    plv_mp_put_array (buf, count);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] && *texts[i])
            plv_mp_put_text (buf, texts[i]);
    }
    plv_mp_put_str (buf, plv_view (VERSION, sizeof VERSION - 1));
    plv_mp_put_str (buf, plv_view_str (conf->compliance_version));
}

void compliance_add (plv_buf_t *buf, const plv_conf_t *conf, plv_view_t body)
{
    compliance_walk_t walk;
    if (!conf->compliance_on || !compliance_walk (body, &walk)) {
        plv_buf_add_view (buf, body);
        return;
    }
    plv_mp_put_map (buf, walk.count - walk.ours + 2);
    compliance_copy_pairs (buf, &walk);
    compliance_put (buf, conf, walk.recommends);
}
