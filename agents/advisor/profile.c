#include "advisor/profile.h"

#include "wire/mp.h"

typedef struct {
    const char *id;
    const char *label;
    const char *favours;
    int months;
} goal_row_t;

static const goal_row_t GOALS[GOAL_COUNT_] = {
    [GOAL_NONE] = {"", "", "", 0},
#define GOAL(id, label, weight, months, words, favours) [GOAL_##id] = {#id, label, favours, months},
#include "advisor/understand/goals.def"
#undef GOAL
};

static const struct {
    const char *id;
    bool ucits;
} CURRENCIES[CURRENCY_COUNT_] = {
#define CURRENCY(id, ucits) [CURRENCY_##id] = {#id, ucits},
#include "advisor/understand/currencies.def"
#undef CURRENCY
};

void profile_init (profile_t *self)
{
    *self = (profile_t){.currency = -1};
}

void symbols_add (symbols_t *self, plv_view_t symbol)
{
    char text[PROFILE_SYMBOL_BYTES] = "";
    if (symbol.size >= sizeof text || symbol.size == 0)
        return;
    memcpy (text, symbol.data, symbol.size);
    text[symbol.size] = '\0';
    if (symbols_has (self, text))
        return;
    if (self->count == PROFILE_SYMBOLS_MAX)
        memmove (self->items[0], self->items[1], --self->count * sizeof self->items[0]);
    memcpy (self->items[self->count++], text, sizeof text);
}

bool symbols_has (const symbols_t *self, const char *symbol)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp (self->items[i], symbol) == 0)
            return true;
    return false;
}

/*  An integer within [least, most], or `otherwise`.  */
static int read_int (plv_view_t map, const char *key, int least, int most, int otherwise)
{
    plv_mp_t at;
    int64_t value;
    if (!plv_mp_find (map, key, &at) || !plv_mp_i64 (&at, &value) || value < least || value > most)
        return otherwise;
    return (int) value;
}

static void read_symbols (plv_view_t map, const char *key, symbols_t *ret_symbols)
{
    plv_mp_t at;
    uint32_t count;
    plv_view_t symbol;
    if (plv_mp_find (map, key, &at) && plv_mp_array (&at, &count))
        while (count-- && plv_mp_str (&at, &symbol))
            symbols_add (ret_symbols, symbol);
}

static topic_set_t read_topics (plv_view_t map, const char *key)
{
    plv_mp_t at;
    uint32_t count;
    plv_view_t id;
    topic_set_t set = 0;
    if (plv_mp_find (map, key, &at) && plv_mp_array (&at, &count))
        while (count-- && plv_mp_str (&at, &id)) {
            int topic = topic_find (id);
            set |= topic < 0 ? 0 : TOPIC_BIT (topic);
        }
    return set;
}

static goal_t read_goal (plv_view_t map)
{
    plv_view_t id = plv_mp_find_str (map, "goal");
    for (int goal = GOAL_NONE + 1; goal < GOAL_COUNT_; goal++)
        if (plv_view_is (id, GOALS[goal].id))
            return (goal_t) goal;
    return GOAL_NONE;
}

static int read_currency (plv_view_t map)
{
    plv_view_t id = plv_mp_find_str (map, "currency");
    for (int currency = 0; currency < CURRENCY_COUNT_; currency++)
        if (plv_view_is (id, CURRENCIES[currency].id))
            return currency;
    return -1;
}

static double read_amount (plv_view_t map, const char *key)
{
    plv_mp_t at;
    double amount = 0;
    bool good = plv_mp_find (map, key, &at) && plv_mp_double (&at, &amount) && amount > 0;
    return good ? amount : 0;
}

static void read_target (plv_view_t map, target_t *ret_target)
{
    double amount = read_amount (map, "target");
    if (amount <= 0)
        return;
    *ret_target = (target_t){.amount = amount,
                             .owned = read_amount (map, "target_owned"),
                             .every = read_int (map, "target_every", 12, 12, 1),
                             .when = read_int (map, "target_when", 1, 1, 0)};
}

void profile_read (profile_t *self, plv_view_t value)
{
    profile_init (self);
    if (!plv_mp_valid (value, MP_MAP))
        return;
    self->goal = read_goal (value);
    self->months = read_int (value, "months", 1, 1200, 0);
    self->amount = read_amount (value, "amount");
    self->currency = read_currency (value);
    self->every = read_int (value, "every", 1, 12, 0);
    self->lump = read_amount (value, "lump");
    self->age = read_int (value, "age", 1, 120, 0);
    self->until_age = read_int (value, "until_age", 1, 120, 0);
    self->growth = read_int (value, "growth", 1, 1, 0);
    self->risk = read_int (value, "risk", 1, 7, 0);
    self->share = read_int (value, "share", 1, 100, 0);
    self->cheap = read_int (value, "cheap", 1, 1, 0);
    self->wants = read_topics (value, "wants");
    self->refuses = read_topics (value, "refuses");
    self->asked = (unsigned) read_int (value, "asked", 0, NEED_RISK | NEED_HORIZON, 0);
    self->assumed = (unsigned) read_int (value, "assumed", 0, NEED_RISK | NEED_HORIZON, 0);
    read_symbols (value, "shown", &self->shown);
    read_symbols (value, "seen", &self->seen);
    read_symbols (value, "held", &self->held);
    read_target (value, &self->target);
}

static void write_int (plv_buf_t *out, const char *key, int value)
{
    plv_mp_put_text (out, key);
    plv_mp_put_i64 (out, value);
}

static void write_topics (plv_buf_t *out, const char *key, topic_set_t set)
{
    plv_mp_put_text (out, key);
    plv_mp_put_array (out, (uint32_t) __builtin_popcountll (set));
    for (int topic = 0; topic < TOPIC_COUNT_; topic++)
        if (set & TOPIC_BIT (topic))
            plv_mp_put_text (out, topic_info ((topic_t) topic).id);
}

static void write_symbols (plv_buf_t *out, const char *key, const symbols_t *symbols)
{
    plv_mp_put_text (out, key);
    plv_mp_put_array (out, (uint32_t) symbols->count);
    for (size_t i = 0; i < symbols->count; i++)
        plv_mp_put_text (out, symbols->items[i]);
}

void profile_write (const profile_t *self, plv_buf_t *out)
{
    plv_mp_put_map (out, 23);
    plv_mp_pair_text (out, "goal", GOALS[self->goal].id);
    write_int (out, "months", self->months);
    plv_mp_pair_double (out, "amount", self->amount);
    plv_mp_pair_text (out, "currency", profile_currency (self->currency));
    write_int (out, "every", self->every);
    plv_mp_pair_double (out, "lump", self->lump);
    write_int (out, "age", self->age);
    write_int (out, "until_age", self->until_age);
    write_int (out, "growth", self->growth);
    write_int (out, "risk", self->risk);
    write_int (out, "share", self->share);
    write_int (out, "cheap", self->cheap);
    write_topics (out, "wants", self->wants);
    write_topics (out, "refuses", self->refuses);
    write_int (out, "asked", (int) self->asked);
    write_int (out, "assumed", (int) self->assumed);
    write_symbols (out, "shown", &self->shown);
    write_symbols (out, "seen", &self->seen);
    write_symbols (out, "held", &self->held);
    plv_mp_pair_double (out, "target", self->target.amount);
    plv_mp_pair_double (out, "target_owned", self->target.owned);
    write_int (out, "target_every", self->target.every);
    write_int (out, "target_when", self->target.when);
}

const char *profile_goal_label (goal_t goal)
{
    return GOALS[goal].label;
}

const char *profile_goal_favours (goal_t goal)
{
    return GOALS[goal].favours;
}

int profile_goal_months (goal_t goal)
{
    return GOALS[goal].months;
}

const char *profile_currency (int currency)
{
    return currency < 0 ? "" : CURRENCIES[currency].id;
}

bool profile_wants_ucits (const profile_t *self)
{
    return self->currency >= 0 && CURRENCIES[self->currency].ucits;
}
