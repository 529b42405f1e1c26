/*  catalogue -- the products that the advisor knows, and a full-text index over them
    OWNS    the products and an SQLite database in memory
    THREAD  one catalogue, one thread
    FAILS   catalogue_load with "file:line: what is wrong"; a search that SQLite refuses finds nothing
    COST    load: once; find and search: tens of microseconds

    The file is CSV with a line of column names. Required: symbol (or ticker), name. asset_class is an id of
    assumptions.def; a list without this column is classified by the words of its names and categories
    (classify.h). Optional: region, currency, expense_ratio (per cent a year; empty: not known),
    tags (words divided by spaces), fee_as_of. The columns risk_level, return_low and return_high are
    for readers: they are always derived anew (assume.h), never taken from the file. Other columns
    are ignored.  */

#ifndef ADVISOR_CATALOGUE_H
#define ADVISOR_CATALOGUE_H

#include "advisor/catalogue/assume.h"
#include "advisor/understand/topics.h"
#include "base/err.h"

#include <stdio.h>

enum { CATALOGUE_PRODUCTS_MAX = 100000, CATALOGUE_TAGS_MAX = 16 };

#define FEE_UNKNOWN (-1.0)

typedef struct {
    const char *symbol;
    const char *name;
    const char *region;
    const char *currency;
    const char *tags;
    const char *fee_as_of; /* "2025-06" */
    asset_class_t asset_class;
    double fee; /* per cent a year, or FEE_UNKNOWN */
    int risk;   /* RISK_MIN..RISK_MAX */
    double low; /* expected return, per cent a year after fees */
    double high;
    topic_set_t topics; /* that it belongs to */
    topic_set_t holds;  /* that it also holds some of */
} product_t;

typedef struct catalogue catalogue_t;

plv_err_t catalogue_load (const char *file, catalogue_t **ret_catalogue, plv_fail_t *ret_fail);
void catalogue_destroy (catalogue_t **self_p);

size_t catalogue_size (const catalogue_t *self);
const product_t *catalogue_product (const catalogue_t *self, size_t index);

/*  The index of the product with that symbol (without regard to case), or -1.  */
int catalogue_find (catalogue_t *self, plv_view_t symbol);

/*  Products whose name, class, region or tags hold `word` (stemmed), best first: how many there are in
    all, of which the first `room` are written to `ret_hits`.  */
size_t catalogue_search (catalogue_t *self, plv_view_t word, int *ret_hits, size_t room);

/*  The whole catalogue as CSV, derived columns included.  */
void catalogue_print (const catalogue_t *self, FILE *out);

#endif
