#include "advisor/eval.h"

#include "advisor/catalogue/csv.h"

#include <assert.h>
#include <stdlib.h>

enum { PROPERTY_BYTES = 128, FAILED_BYTES = 256 };

enum { PROPERTIES_MAX = 16 };

/*  How often each property was asked for, and held.  */
typedef struct {
    size_t asked[PROPERTIES_MAX];
    size_t held[PROPERTIES_MAX];
} tally_t;

typedef struct {
    tally_t *tally;
    const catalogue_t *catalogue;
    const answer_t *answer;
    const profile_t *profile;
    const char *argument; /* of the property: what stands behind its name */
} case_t;

static const product_t *recommended (const case_t *self, size_t at)
{
    return catalogue_product (self->catalogue, (size_t) self->answer->recommendations[at].product);
}

static bool recommends (const case_t *self)
{
    return self->answer->recommendation_count > 0;
}

static bool none (const case_t *self)
{
    return self->answer->recommendation_count == 0;
}

static bool asks_risk (const case_t *self)
{
    return self->profile->asked & NEED_RISK;
}

static bool asks_horizon (const case_t *self)
{
    return self->profile->asked & NEED_HORIZON;
}

static bool says_text (const case_t *self, const char *text)
{
    return memmem (self->answer->text.data, self->answer->text.size, text, strlen (text));
}

static bool warns (const case_t *self)
{
    return says_text (self, "Warning");
}

static bool risk_at_most (const case_t *self)
{
    for (size_t i = 0; i < self->answer->recommendation_count; i++)
        if (recommended (self, i)->risk > strtol (self->argument, NULL, 10))
            return false;
    return true;
}

static bool has (const case_t *self)
{
    for (size_t i = 0; i < self->answer->recommendation_count; i++)
        if (strcmp (recommended (self, i)->symbol, self->argument) == 0)
            return true;
    return false;
}

static bool lacks (const case_t *self)
{
    return !has (self);
}

/*  How many recommendations belong to the topic (or hold some of it).  */
static size_t of_topic (const case_t *self, bool holds)
{
    int topic = topic_find (plv_view_str (self->argument));
    size_t count = 0;
    for (size_t i = 0; topic >= 0 && i < self->answer->recommendation_count; i++) {
        const product_t *product = recommended (self, i);
        count += ((product->topics | (holds ? product->holds : 0)) & TOPIC_BIT (topic)) != 0;
    }
    return count;
}

static bool all (const case_t *self)
{
    return recommends (self) && of_topic (self, false) == self->answer->recommendation_count;
}

static bool some (const case_t *self)
{
    return of_topic (self, false) > 0;
}

static bool without (const case_t *self)
{
    return of_topic (self, true) == 0;
}

static bool says (const case_t *self)
{
    char text[PROPERTY_BYTES];
    size_t i = 0;
    for (; self->argument[i]; i++)
        text[i] = self->argument[i] == '_' ? ' ' : self->argument[i];
    text[i] = '\0';
    return says_text (self, text);
}

static bool silent (const case_t *self)
{
    return !says (self);
}

static bool confidence_least (const case_t *self)
{
    return self->answer->confidence >= strtod (self->argument, NULL) - 1e-9;
}

static bool confidence_most (const case_t *self)
{
    return self->answer->confidence <= strtod (self->argument, NULL) + 1e-9;
}

static const struct {
    const char *name; /* a name that ends in a sign takes an argument */
    bool (*holds) (const case_t *self);
} PROPERTIES[] = {
    {"recommends", recommends},
    {"none", none},
    {"asks:risk", asks_risk},
    {"asks:horizon", asks_horizon},
    {"warns", warns},
    {"risk<=", risk_at_most},
    {"has:", has},
    {"lacks:", lacks},
    {"all:", all},
    {"some:", some},
    {"without:", without},
    {"says:", says},
    {"silent:", silent},
    {"confidence>=", confidence_least},
    {"confidence<=", confidence_most},
};

static_assert (sizeof PROPERTIES / sizeof *PROPERTIES <= PROPERTIES_MAX,
               "a tally has room for all");

/*  1: it holds, 0: it does not, -1: there is no such property.  */
static int check (case_t *self, const char *property)
{
    for (size_t i = 0; i < sizeof PROPERTIES / sizeof *PROPERTIES; i++) {
        const char *name = PROPERTIES[i].name;
        size_t size = strlen (name);
        bool takes = strchr (":=", name[size - 1]);
        if (takes ? strncmp (property, name, size) != 0 : strcmp (property, name) != 0)
            continue;
        self->argument = property + size;
        bool held = PROPERTIES[i].holds (self);
        self->tally->asked[i]++;
        self->tally->held[i] += held;
        return held;
    }
    return -1;
}

/*  Puts the properties that do not hold into `failed`; false for an unknown one.  */
static bool check_all (case_t *self, plv_view_t expect, char failed[FAILED_BYTES])
{
    const char *at = (const char *) expect.data, *end = at + expect.size;
    failed[0] = '\0';
    while (at < end) {
        char property[PROPERTY_BYTES];
        size_t size = 0;
        while (at + size < end && at[size] != ' ')
            size++;
        if (size >= sizeof property)
            return false;
        memcpy (property, at, size);
        property[size] = '\0';
        int held = size ? check (self, property) : 1;
        if (held < 0)
            return false;
        size_t used = strlen (failed);
        if (!held)
            snprintf (failed + used, FAILED_BYTES - used, " %s", property);
        at += size + 1;
    }
    return true;
}

typedef struct {
    catalogue_t *catalogue;
    csv_t *csv;
    int session; /* columns */
    int question;
    int expect;
    int year;
    bool verbose;
    FILE *out;
    tally_t tally;
    profile_t profile;
    char last[64]; /* the session that `profile` belongs to */
} run_t;

static void begin_session (run_t *self)
{
    plv_view_t session = csv_field (self->csv, self->session);
    if (session.size && plv_view_is (session, self->last))
        return;
    profile_init (&self->profile);
    snprintf (self->last, sizeof self->last, PLV_VIEW_FMT, PLV_VIEW_ARG (session));
}

static plv_err_t run_one (run_t *self, eval_result_t *result, plv_fail_t *ret_fail)
{
    char failed[FAILED_BYTES];
    answer_t answer = {0};
    plv_view_t question = csv_field (self->csv, self->question);
    begin_session (self);
    advise (self->catalogue, question, self->year, &self->profile, &answer);
    case_t tried = {&self->tally, self->catalogue, &answer, &self->profile, NULL};
    bool known = check_all (&tried, csv_field (self->csv, self->expect), failed);
    if (known) {
        result->questions++;
        result->passed += failed[0] == '\0';
        if (self->verbose || failed[0])
            fprintf (self->out, "%-6s %5u  " PLV_VIEW_FMT "%s%s\n", failed[0] ? "FAILED" : "ok",
                     csv_line (self->csv), PLV_VIEW_ARG (question),
                     failed[0] ? "\n              not:" : "", failed);
    }
    answer_free (&answer);
    return known ? ERR_OK
                 : plv_fail (ret_fail, ERR_SYNTAX,
                             "%s:%u: expect has a property that is not known: " PLV_VIEW_FMT,
                             csv_name (self->csv), csv_line (self->csv),
                             PLV_VIEW_ARG (csv_field (self->csv, self->expect)));
}

static void write_table (const run_t *self)
{
    fprintf (self->out, "%-16s %6s %6s\n", "property", "asked", "held");
    for (size_t i = 0; i < sizeof PROPERTIES / sizeof *PROPERTIES; i++)
        if (self->tally.asked[i])
            fprintf (self->out, "%-16s %6zu %6zu\n", PROPERTIES[i].name, self->tally.asked[i],
                     self->tally.held[i]);
}

plv_err_t eval_file (catalogue_t *catalogue, const char *file, int year, bool verbose, FILE *out,
                     eval_result_t *ret_result, plv_fail_t *ret_fail)
{
    run_t self = {.catalogue = catalogue, .year = year, .verbose = verbose, .out = out};
    eval_result_t result = {0};
    plv_err_t err = csv_open (file, &self.csv, ret_fail);
    if (err)
        return err;
    self.session = csv_column (self.csv, "session");
    self.question = csv_column (self.csv, "question");
    self.expect = csv_column (self.csv, "expect");
    if (self.question < 0 || self.expect < 0)
        err = plv_fail (ret_fail, ERR_SYNTAX,
                        "%s:1: the columns session, question and expect are needed", file);
    while (!err && !(err = csv_next (self.csv, ret_fail)))
        err = run_one (&self, &result, ret_fail);
    csv_destroy (&self.csv);
    if (err != ERR_NOENT)
        return err;
    write_table (&self);
    *ret_result = result;
    return ERR_OK;
}
