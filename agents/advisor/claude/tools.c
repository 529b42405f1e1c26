#include "advisor/claude/tools.h"

#include "advisor/offline/project.h"

#include <stdlib.h>
#include <string.h>

enum { FOUND_MOST = 10, HITS_MOST = 512, MONTHS_MOST = 720, NAMED_MOST = 6 };

typedef json_t *tool_t (const tools_t *self, const json_t *input, bool *ret_is_error);

static json_t *complain (bool *ret_is_error, const char *text)
{
    *ret_is_error = true;
    return json_pack ("{s:s}", "error", text);
}

/*  A figure as a person would write it: 0.03, not 0.029999999999999999.  */
static json_t *figure (double value)
{
    char text[32];
    snprintf (text, sizeof text, "%.4g", value);
    return value >= 1000 ? json_integer ((json_int_t) (value + 0.5))
                         : json_real (strtod (text, NULL));
}

json_t *tools_product (const product_t *product)
{
    assumption_t assumed = assume_of (product->asset_class);
    json_t *fee = product->fee == FEE_UNKNOWN ? json_null () : figure (product->fee);
    return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:o, s:o}", "symbol", product->symbol,
                      "name", product->name, "asset_class", assumed.label, "region",
                      product->region, "currency", product->currency, "fee_percent", fee,
                      "risk_level", product->risk, "return_low_percent", figure (product->low),
                      "return_high_percent", figure (product->high));
}

static json_t *product_list (const tools_t *self, const int *products, size_t count)
{
    json_t *list = json_array ();
    for (size_t i = 0; i < count; i++)
        json_array_append_new (
            list, tools_product (catalogue_product (self->catalogue, (size_t) products[i])));
    return list;
}

/* --------------------------------------------------------------- search */

typedef struct {
    int product;
    int score;
    int core;
    double fee;
} found_t;

static int compare_found (const void *a_, const void *b_)
{
    const found_t *a = a_, *b = b_;
    if (a->score != b->score)
        return b->score - a->score;
    if (a->core != b->core)
        return b->core - a->core;
    if (a->fee != b->fee)
        return a->fee < b->fee ? -1 : 1;
    return a->product - b->product;
}

static bool passes (const tools_t *self, const json_t *input, const product_t *product)
{
    const json_t *risk = json_object_get (input, "max_risk"),
                 *fee = json_object_get (input, "max_fee");
    if ((product->topics | product->holds) & self->reading->profile.refuses)
        return false;
    if (json_is_integer (risk) && product->risk > json_integer_value (risk))
        return false;
    return !json_is_number (fee)
           || (product->fee != FEE_UNKNOWN && product->fee <= json_number_value (fee) + 1e-9);
}

/*  Points for each word of the query that the product's texts hold, and for each topic; false when the query has
    neither.  */
static bool score_all (const tools_t *self, plv_view_t query, int *scores)
{
    words_t words;
    marks_t marks;
    int hits[HITS_MOST];
    bool some = false;
    words_read (&words, query);
    phrases_find (&words, &marks);
    for (size_t i = 0; i < words.count; i++) {
        plv_view_t word = plv_view (words.items[i].text, words.items[i].size);
        int exact = catalogue_find (self->catalogue, word);
        size_t count = words.items[i].number || word.size < 3
                           ? 0
                           : catalogue_search (self->catalogue, word, hits, HITS_MOST);
        for (size_t k = 0; k < count && k < HITS_MOST; k++)
            scores[hits[k]] += 2;
        if (exact >= 0)
            scores[exact] += 5;
        some |= count || exact >= 0;
    }
    for (size_t i = 0; i < marks.count; i++) {
        if (marks.items[i].kind != MARK_TOPIC)
            continue;
        some = true;
        for (size_t k = 0; k < catalogue_size (self->catalogue); k++)
            if (catalogue_product (self->catalogue, k)->topics & TOPIC_BIT (marks.items[i].value))
                scores[k] += 3;
    }
    return some;
}

static size_t find_products (const tools_t *self, const json_t *input, found_t *found)
{
    const json_t *query = json_object_get (input, "query");
    size_t size = catalogue_size (self->catalogue), count = 0;
    int *scores = calloc (size + 1, sizeof *scores);
    if (!scores)
        return 0;
    plv_view_t text = plv_view (json_string_value (query), json_string_length (query));
    bool some = score_all (self, text, scores);
    for (size_t i = 0; i < size && (some || !text.size); i++) {
        const product_t *product = catalogue_product (self->catalogue, i);
        if ((some && !scores[i]) || !passes (self, input, product))
            continue;
        found[count++] = (found_t){.product = (int) i,
                                   .score = scores[i],
                                   .core = assume_of (product->asset_class).core,
                                   .fee = product->fee == FEE_UNKNOWN ? 1.0 : product->fee};
    }
    free (scores);
    qsort (found, count, sizeof *found, compare_found);
    return count;
}

static json_t *suitable (const tools_t *self)
{
    picks_t picks;
    rank (self->catalogue, self->reading, self->year, &picks);
    return json_pack ("{s:o, s:i, s:b}", "products",
                      product_list (self, picks.products, picks.count), "risk_limit", picks.limit,
                      "all_are_above_the_limit", picks.over);
}

static json_t *search (const tools_t *self, const json_t *input, bool *ret_is_error)
{
    if (json_is_true (json_object_get (input, "suitable")))
        return suitable (self);
    if (!json_is_string (json_object_get (input, "query")))
        return complain (ret_is_error, "query is missing");
    found_t *found = calloc (catalogue_size (self->catalogue) + 1, sizeof *found);
    int products[FOUND_MOST];
    size_t count = found ? find_products (self, input, found) : 0;
    size_t shown = count < FOUND_MOST ? count : FOUND_MOST;
    for (size_t i = 0; i < shown; i++)
        products[i] = found[i].product;
    free (found);
    return json_pack ("{s:I, s:o}", "found", (json_int_t) count, "products",
                      product_list (self, products, shown));
}

/* --------------------------------------------------------------- by symbol */

typedef struct {
    int products[NAMED_MOST];
    size_t count;
    json_t *unknown; /* symbols that the catalogue does not have */
} named_t;

/*  False when there are too few or too many symbols.  */
static bool read_symbols (const tools_t *self, const json_t *input, size_t least,
                          named_t *ret_named)
{
    const json_t *symbols = json_object_get (input, "symbols"), *symbol;
    size_t i;
    *ret_named = (named_t){.unknown = json_array ()};
    json_array_foreach (symbols, i, symbol)
    {
        plv_view_t text = plv_view (json_string_value (symbol), json_string_length (symbol));
        int product = text.size ? catalogue_find (self->catalogue, text) : -1;
        if (product >= 0 && ret_named->count < NAMED_MOST)
            ret_named->products[ret_named->count++] = product;
        else
            json_array_append (ret_named->unknown, (json_t *) symbol);
    }
    return json_array_size (symbols) >= least && json_array_size (symbols) <= NAMED_MOST;
}

static json_t *bad_symbols (named_t *named, bool *ret_is_error)
{
    json_decref (named->unknown);
    return complain (ret_is_error, "symbols: too few or too many");
}

static json_t *detail (const tools_t *self, const json_t *input, bool *ret_is_error)
{
    named_t named;
    if (!read_symbols (self, input, 1, &named))
        return bad_symbols (&named, ret_is_error);
    json_t *list = json_array ();
    for (size_t i = 0; i < named.count; i++) {
        const product_t *product = catalogue_product (self->catalogue, (size_t) named.products[i]);
        json_t *one = tools_product (product);
        json_object_set_new (one, "tags", json_string (product->tags));
        json_object_set_new (one, "fee_as_of", json_string (product->fee_as_of));
        json_object_set_new (one, "meaning",
                             json_string (assume_of (product->asset_class).meaning));
        json_array_append_new (list, one);
    }
    return json_pack ("{s:o, s:o}", "products", list, "not_in_the_catalogue", named.unknown);
}

static json_t *compare (const tools_t *self, const json_t *input, bool *ret_is_error)
{
    named_t named;
    const product_t *cheap = NULL, *calm = NULL;
    if (!read_symbols (self, input, 2, &named))
        return bad_symbols (&named, ret_is_error);
    for (size_t i = 0; i < named.count; i++) {
        const product_t *product = catalogue_product (self->catalogue, (size_t) named.products[i]);
        if (product->fee != FEE_UNKNOWN && (!cheap || product->fee < cheap->fee))
            cheap = product;
        if (!calm || product->risk < calm->risk)
            calm = product;
    }
    return json_pack ("{s:o, s:s?, s:s?, s:o}", "products",
                      product_list (self, named.products, named.count), "lowest_fee",
                      cheap ? cheap->symbol : NULL, "lowest_risk", calm ? calm->symbol : NULL,
                      "not_in_the_catalogue", named.unknown);
}

static json_t *project_amount (const tools_t *self, const json_t *input, bool *ret_is_error)
{
    double amount = json_number_value (json_object_get (input, "amount")), low = 0, high = 0;
    json_int_t months = json_integer_value (json_object_get (input, "months"));
    json_int_t every = json_integer_value (json_object_get (input, "every_months"));
    named_t named;
    if (!read_symbols (self, input, 1, &named) || named.count == 0)
        return bad_symbols (&named, ret_is_error);
    json_decref (named.unknown);
    if (!(amount > 0 && amount < 1e12) || months < 1 || months > MONTHS_MOST || every < 0
        || every > months)
        return complain (ret_is_error, "amount, months or every_months makes no sense");
    json_t *symbols = json_array ();
    for (size_t i = 0; i < named.count; i++) {
        const product_t *product = catalogue_product (self->catalogue, (size_t) named.products[i]);
        low += product->low / (double) named.count;
        high += product->high / (double) named.count;
        json_array_append_new (symbols, json_pack ("{s:s}", "symbol", product->symbol));
    }
    return json_pack ("{s:o, s:I, s:o, s:o, s:o, s:o}", "of", symbols, "months", months, "low",
                      figure (project (amount, (int) every, (int) months, low)), "high",
                      figure (project (amount, (int) every, (int) months, high)),
                      "yearly_low_percent", figure (low), "yearly_high_percent", figure (high));
}

/* --------------------------------------------------------------- the table */

static const struct {
    const char *name;
    const char *description;
    const char *schema;
    bool computes;
    tool_t *run;
} TOOLS[] = {
#define RUN_search search
#define RUN_detail detail
#define RUN_compare compare
#define RUN_project project_amount
#define TOOL(name, description, schema)                                                            \
    {#name, description, schema, RUN_##name == project_amount, RUN_##name},
#include "advisor/claude/tools.def"
#undef TOOL
};

enum { TOOL_COUNT = sizeof TOOLS / sizeof *TOOLS };

json_t *tools_list (void)
{
    json_t *list = json_array ();
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        json_t *schema = json_loads (TOOLS[i].schema, 0, NULL);
        json_t *tool = json_pack ("{s:s, s:s, s:o}", "name", TOOLS[i].name, "description",
                                  TOOLS[i].description, "input_schema", schema);
        if (!tool || json_array_append_new (list, tool)) {
            json_decref (list);
            return NULL;
        }
    }
    return list;
}

json_t *tools_run (const tools_t *self, const char *name, const json_t *input, bool *ret_is_error)
{
    *ret_is_error = false;
    for (size_t i = 0; i < TOOL_COUNT; i++)
        if (name && strcmp (TOOLS[i].name, name) == 0)
            return TOOLS[i].run (self, input, ret_is_error);
    return complain (ret_is_error, "there is no such tool");
}

bool tools_computes (const char *name)
{
    for (size_t i = 0; i < TOOL_COUNT; i++)
        if (name && strcmp (TOOLS[i].name, name) == 0)
            return TOOLS[i].computes;
    return false;
}
