#include "advisor/catalogue/assume.h"

#include <stdlib.h>

/*  Stocks and bonds, over decades; in single years it has been anything from -0.5 to 0.7.  */
#define MIX_CORRELATION 0.2

typedef struct {
    const char *id;
    const char *label;
    const char *meaning;
    asset_group_t group;
    int core;
    int equity;
    double volatility;
    double low;
    double high;
} row_t;

static const row_t ROWS[CLASS_COUNT_] = {
#define CLASS(id_, group_, label_, volatility_, low_, high_, core_, meaning_)                      \
    [CLASS_##id_] = {#id_, label_, meaning_, GROUP_##group_, core_, 0, volatility_, low_, high_},
#define MIX(id_, label_, equity_, core_, meaning_)                                                 \
    [CLASS_##id_] = {#id_, label_, meaning_, GROUP_MIX, core_, equity_, 0, 0, 0},
#include "advisor/catalogue/assumptions.def"
#undef CLASS
#undef MIX
};

static const char *const GROUPS[GROUP_COUNT_] = {
    [GROUP_CASH] = "cash",     [GROUP_BOND] = "bond",
    [GROUP_EQUITY] = "equity", [GROUP_REAL_ESTATE] = "real_estate",
    [GROUP_METAL] = "metal",   [GROUP_COMMODITY] = "commodity",
    [GROUP_CRYPTO] = "crypto", [GROUP_MIX] = "mix",
};

int assume_find (plv_view_t id)
{
    for (int i = 0; i < CLASS_COUNT_; i++)
        if (plv_view_is (id, ROWS[i].id))
            return i;
    return -1;
}

int assume_risk_of (double variance)
{
    static const double BAND_ENDS[] = {0.5, 2.0, 5.0, 10.0, 15.0, 25.0};
    int risk = RISK_MIN;
    for (size_t i = 0; i < sizeof BAND_ENDS / sizeof *BAND_ENDS; i++)
        risk += variance >= BAND_ENDS[i] * BAND_ENDS[i];
    return risk;
}

static void mix (const row_t *row, assumption_t *self)
{
    const row_t *stocks = &ROWS[CLASS_global_equity], *bonds = &ROWS[CLASS_core_bond];
    double share = row->equity / 100.0, rest = 1.0 - share;
    double of_stocks = share * stocks->volatility, of_bonds = rest * bonds->volatility;
    self->low = share * stocks->low + rest * bonds->low;
    self->high = share * stocks->high + rest * bonds->high;
    self->variance =
        of_stocks * of_stocks + of_bonds * of_bonds + 2 * MIX_CORRELATION * of_stocks * of_bonds;
}

assumption_t assume_of (asset_class_t asset_class)
{
    const row_t *row = &ROWS[asset_class];
    assumption_t self = {
        .id = row->id,
        .label = row->label,
        .meaning = row->meaning,
        .group = row->group,
        .core = row->core,
        .equity = row->equity,
        .low = row->low,
        .high = row->high,
        .variance = row->volatility * row->volatility,
    };
    if (row->equity)
        mix (row, &self);
    self.risk = assume_risk_of (self.variance);
    return self;
}

asset_class_t assume_mix (int equity)
{
    int best = -1;
    for (int i = 0; i < CLASS_COUNT_; i++)
        if (ROWS[i].equity
            && (best < 0 || abs (ROWS[i].equity - equity) < abs (ROWS[best].equity - equity)))
            best = i;
    return (asset_class_t) best;
}

const char *assume_group_name (asset_group_t group)
{
    return GROUPS[group];
}
