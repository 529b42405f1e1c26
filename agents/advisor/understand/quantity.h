/*  quantity -- the numbers of a message: amount, horizon, age, risk level
    OWNS    nothing
    THREAD  any
    FAILS   never; what is not said stays 0 (or -1 where 0 means something)
    COST    one pass over the words  */

#ifndef ADVISOR_QUANTITY_H
#define ADVISOR_QUANTITY_H

#include "advisor/understand/phrases.h"

/*  So much is money, where somebody has or wants it and does not say of what.  */
enum { MONEY_LEAST = 10000 };

typedef struct {
    double amount; /* 0: none */
    int currency;  /* currency_t, or -1 */
    int every; /* months between amounts that come again; 0: once. What comes more often is added up */
    double lump;        /* an amount that is there at once, beside one that comes again; 0: none */
    bool draws;         /* an amount that shall come out again and again was said */
    bool income;        /* what somebody earns was said */
    bool amount_marked; /* a currency or "k" stands by it: it surely is money */
    int months;         /* horizon; 0: none */
    size_t months_at;   /* its word */
    bool months_vague;  /* from words such as "long term" */
    int age;            /* years; 0: none */
    int own_age;        /* that of the person who asks; `age` is a child's where both are said */
    int products;       /* how many are wanted; 0: not said */
    int retire_age;
    size_t retire_at; /* its word */
    int risk;         /* RISK_MIN..RISK_MAX; 0: none */
    bool bears;       /* `risk` is from a loss that somebody can bear */
    int bare;         /* a number that nothing explains; -1: none */
    double target;    /* an amount that shall be there in the end: "to have 50,000"; 0: none */
    double paid;      /* the first amount that comes again, `paid_every` months between; 0: none */
    int paid_every;
    double owned;   /* one that is there already: "I have 10,000"; 0: none */
    double percent; /* a yearly return that was asked for; 0: none */
    bool
        odd; /* there is an amount or a time that nobody can mean: below zero, or beyond all bounds */
} quantities_t;

/*  `year`: the current calendar year, for "until 2045".  */
void quantities_find (const words_t *words, const marks_t *marks, int year,
                      quantities_t *ret_found);

#endif
