/*  assume -- asset classes, and what follows for a product from the assumptions about its class
    OWNS    nothing; const tables made from assumptions.def
    THREAD  any
    FAILS   assume_find returns -1 for a name that is no asset class
    COST    a few operations

    Nothing here is known about a single product: two funds of one class differ in their fee alone.
        risk level       the band that the class's volatility falls into: below 0.5 % a year is 1, below
                         2 % is 2, 5 % 3, 10 % 4, 15 % 5, 25 % 6, and 7 from there on (the bands of the
                         synthetic risk indicator that European fund documents used)
        expected return  the class's range, minus the product's fee  */

#ifndef ADVISOR_ASSUME_H
#define ADVISOR_ASSUME_H

#include "base/view.h"

typedef enum {
    GROUP_CASH,
    GROUP_BOND,
    GROUP_EQUITY,
    GROUP_REAL_ESTATE,
    GROUP_METAL,
    GROUP_COMMODITY,
    GROUP_CRYPTO,
    GROUP_MIX,
    GROUP_COUNT_,
} asset_group_t;

typedef enum {
#define CLASS(id, group, label, volatility, low, high, core, meaning) CLASS_##id,
#define MIX(id, label, equity, core, meaning) CLASS_##id,
#include "advisor/catalogue/assumptions.def"
#undef CLASS
#undef MIX
    CLASS_COUNT_
} asset_class_t;

enum { RISK_MIN = 1, RISK_MAX = 7 };

typedef struct {
    const char *id;      /* "core_bond" */
    const char *label;   /* "broad investment-grade bonds" */
    const char *meaning; /* one line on what it is */
    asset_group_t group;
    int core;   /* 0..100: how much of a plan it may carry */
    int equity; /* per cent in stocks, of a mixed fund; 0 for others */
    double low; /* per cent a year, before fees */
    double high;
    double variance; /* of yearly returns, in per cent squared */
    int risk;        /* RISK_MIN..RISK_MAX */
} assumption_t;

/*  The asset class of that id, or -1.  */
int assume_find (plv_view_t id);
assumption_t assume_of (asset_class_t asset_class);

/*  The mixed fund that comes nearest to so many per cent in stocks.  */
asset_class_t assume_mix (int equity);

/*  "bond": the group's name as topics.def writes it.  */
const char *assume_group_name (asset_group_t group);

/*  The band of a volatility, given as its square.  */
int assume_risk_of (double variance);

#endif
