#include "advisor/understand/quantity.h"

enum {
    YEARS_AHEAD_MAX = 70,
    AGE_MAX = 110,
    AMOUNT_LEAST = 100,
    MONTHS_MAX = 12 * YEARS_AHEAD_MAX,
    ROLE_WORDS_MAX = 2,
    INCOME_WORDS_MAX = 3,
    RESERVE_WORDS_MAX = 2,
    ADULT_AGE = 18,
    HOUR_MAX = 12
};

/*  Values of MARK_AGE: see phrases.def.  */
enum { AGE_RETIRING = 2, AGE_WITH_YEARS = 3 };

/*  No person has more in any currency that is known here.  */
static const double AMOUNT_MOST = 1e12;

typedef struct {
    const words_t *words;
    const marks_t *marks;
    int year;
    quantities_t *found;
} scan_t;

/*  A number in the text, and the marks on both sides of it.  */
typedef struct {
    double value;
    size_t first;
    size_t next; /* the word behind it */
    bool scaled;
    bool odd; /* below zero, or written as 1e6 */
    const mark_t *before;
    const mark_t *after;
} number_t;

static const mark_t *mark_until (const scan_t *self, size_t word)
{
    for (size_t i = 0; i < self->marks->count; i++)
        if (self->marks->items[i].first + self->marks->items[i].count == word)
            return &self->marks->items[i];
    return NULL;
}

static bool is (const mark_t *mark, mark_kind_t kind)
{
    return mark && mark->kind == kind;
}

/*  Another three digits of a number that is written with spaces: "10 000".  */
static bool continues (const scan_t *self, size_t at)
{
    const word_t *word = &self->words->items[at];
    return at < self->words->count && word->number && word->size == 3 && !word->stop && !word->comma
           && !word->joined && !word->dash && !word->slash
           && word->value == (double) (int) word->value;
}

static bool read_digits (const scan_t *self, size_t at, number_t *number)
{
    const word_t *word = &self->words->items[at];
    if (!word->number)
        return false;
    number->value = word->value;
    number->next = at + 1;
    if (word->size <= 3 && word->value >= 1 && !strchr (word->text, '.'))
        while (number->value < 1e9 && continues (self, number->next))
            number->value = number->value * 1000 + self->words->items[number->next++].value;
    return true;
}

/*  "Two hundred": the hundred counts what stands before it.  */
static bool is_hundred (const mark_t *mark)
{
    return is (mark, MARK_NUMBER) && mark->value == 100 && mark->count == 1;
}

/*  "hundred", and "k", "m" and "bn" right behind digits, or a word such as "thousand".  */
static void read_scale (const scan_t *self, number_t *number)
{
    const mark_t *mark = phrases_from (self->marks, number->next);
    if (is_hundred (mark)) {
        number->value *= mark->value;
        number->next++;
        mark = phrases_from (self->marks, number->next);
    }
    bool joined = number->next < self->words->count && self->words->items[number->next].joined;
    if (is (mark, MARK_SCALE)) {
        number->value *= mark->value;
        number->next += mark->count;
        number->scaled = true;
    } else if (joined && words_at (self->words, number->next, "m")) {
        number->value *= 1e6;
        number->next++;
        number->scaled = true;
    }
}

/*  "-5", "$-5" and "-$5", and "1e6", which nobody writes who means a number here.  */
static void read_oddness (const scan_t *self, number_t *number)
{
    const word_t *items = self->words->items;
    size_t at = number->first;
    bool range = at > 0 && items[at - 1].number;
    bool sign = at > 0 && items[at - 1].minus && mark_until (self, at);
    number->odd = (items[at].minus && !range) || sign;
    if (number->next + 1 < self->words->count && items[number->next].joined
        && items[number->next + 1].joined && words_at (self->words, number->next, "e")) {
        number->next += 2;
        number->odd = true;
    }
}

/*  "S&P 500", "401k", "60/40", "like I'm 5": numbers that are names, or say nothing.  */
static bool part_of_name (const scan_t *self, size_t at)
{
    for (size_t i = 0; i < self->marks->count; i++) {
        const mark_t *mark = &self->marks->items[i];
        if (at >= mark->first && at < mark->first + mark->count)
            return mark->kind == MARK_TOPIC || mark->kind == MARK_GOAL || mark->kind == MARK_NONE;
    }
    return false;
}

static bool read_number (const scan_t *self, size_t at, number_t *ret_number)
{
    number_t number = {.first = at};
    const mark_t *mark = phrases_from (self->marks, at);
    if (part_of_name (self, at))
        return false;
    if (!read_digits (self, at, &number)) {
        if (!is (mark, MARK_NUMBER))
            return false;
        number.value = mark->value;
        number.next = at + mark->count;
    }
    read_scale (self, &number);
    read_oddness (self, &number);
    number.before = mark_until (self, at);
    number.after = phrases_from (self->marks, number.next);
    *ret_number = number;
    return true;
}

/*  What "a month" or "/mo" at that word says, as phrases.def counts it; 0: nothing.  */
static int rhythm_at (const scan_t *self, size_t at)
{
    static const struct {
        const char *word;
        int value;
    } ROWS[] = {{"month", 1},  {"months", 1}, {"mo", 1},  {"mth", 1},    {"m", 1},
                {"year", 12},  {"yr", 12},    {"y", 12},  {"a", 12},     {"annum", 12},
                {"week", -52}, {"wk", -52},   {"w", -52}, {"day", -365}, {"quarter", 3}};
    const mark_t *mark = phrases_from (self->marks, at);
    if (is (mark, MARK_EVERY))
        return mark->value;
    for (size_t i = 0; at < self->words->count && i < sizeof ROWS / sizeof *ROWS; i++)
        if (self->words->items[at].slash && words_at (self->words, at, ROWS[i].word))
            return ROWS[i].value;
    return 0;
}

/*  The unit behind a number, or behind the second one of "5-10 years" and "5 to 10 years".  */
static const mark_t *unit_of (const scan_t *self, const number_t *number)
{
    number_t second;
    static const mark_t YEARS = {.kind = MARK_UNIT, .value = 12};
    if (rhythm_at (self, number->next))
        return NULL;
    if (is (number->after, MARK_UNIT))
        return number->after;
    if (words_at (self->words, number->next, "y") && self->words->items[number->next].joined)
        return &YEARS;
    size_t at = number->next;
    bool between = number->first > 0 && words_at (self->words, number->first - 1, "between");
    at += words_at (self->words, at, "to") || words_at (self->words, at, "or")
          || (between && words_at (self->words, at, "and"));
    if (at < self->words->count && !self->words->items[at].stop && !self->words->items[at].comma
        && read_number (self, at, &second) && is (second.after, MARK_UNIT)
        && second.value > number->value)
        return second.after;
    return NULL;
}

static bool take_risk (const scan_t *self, const number_t *number)
{
    size_t scale_at = is (number->after, MARK_OUT_OF) ? number->next + number->after->count : 0;
    bool of_seven = scale_at && words_at (self->words, scale_at, "7");
    bool of_ten = scale_at && words_at (self->words, scale_at, "10");
    bool named = is (number->before, MARK_RISK_IS);
    double level = of_ten && named ? number->value * 0.7 + 0.5 : number->value;
    bool whole = number->value >= 1 && level < 8 && number->value == (double) (int) number->value;
    if (!whole || !(of_seven || named) || unit_of (self, number))
        return false;
    self->found->risk = level < 1 ? 1 : (int) level;
    return true;
}

/*  "A million by 65": a number that ends what is said, and is no year.  */
static bool is_by_age (const scan_t *self, const number_t *number)
{
    size_t next = number->next;
    bool ends = next >= self->words->count || self->words->items[next].stop
                || self->words->items[next].comma;
    return ends && is (number->before, MARK_UNTIL)
           && words_at (self->words, number->before->first, "by") && number->value >= ADULT_AGE
           && number->value <= AGE_MAX;
}

/*  Whose age is it that such a phrase names?  */
static bool is_own_age (const scan_t *self, const number_t *number)
{
    return number->before->value == AGE_WITH_YEARS
           || (words_at_any (self->words, number->before->first, "i im ive ill we were turning")
               && self->words->items[number->first].number);
}

/*  "I am 40 years" would be a time, "tengo 40 años" is an age, and "ich bin 40" as much as "ich bin 40 Jahre".  */
static bool names_age (const number_t *number)
{
    const mark_t *mark = number->before;
    bool unit = is (number->after, MARK_UNIT);
    if (!is (mark, MARK_AGE) || mark->value != AGE_WITH_YEARS)
        return is (mark, MARK_AGE) && !unit;
    return (unit ? number->after->value == 12 : mark->count > 1) && number->value >= ADULT_AGE;
}

static bool take_age (const scan_t *self, const number_t *number)
{
    quantities_t *found = self->found;
    bool old = is (number->after, MARK_OLD), named = names_age (number);
    bool by = is_by_age (self, number);
    if ((!old && !named && !by) || number->value > AGE_MAX || number->scaled
        || is (number->after, MARK_CURRENCY))
        return false;
    bool own = named && is_own_age (self, number);
    if (by || (named && number->before->value == AGE_RETIRING)) {
        found->retire_age = (int) number->value;
        found->retire_at = number->first;
        return true;
    }
    if (!own || !found->age)
        found->age = (int) number->value;
    if (own)
        found->own_age = (int) number->value;
    return true;
}

/*  "10 years, no, I mean 2 years": the second one holds.  */
static bool is_corrected (const scan_t *self, const number_t *number)
{
    for (size_t back = 1; back <= ROLE_WORDS_MAX && back <= number->first; back++)
        if (words_at_any (self->words, number->first - back, "mean meant sorry rather correction"))
            return true;
    return false;
}

/*  "6 months of expenses" are an amount.  */
static bool is_reserve (const scan_t *self, const mark_t *unit)
{
    static const char WHAT[] =
        "expenses spending salary salaries income wages living costs rent reserves "
        "savings";
    size_t at = unit->first + unit->count;
    if (!words_at_any (self->words, at, "of worth"))
        return false;
    for (size_t ahead = 1; ahead <= RESERVE_WORDS_MAX; ahead++)
        if (words_at_any (self->words, at + ahead, WHAT))
            return true;
    return false;
}

/*  "From 2027 to 2040": the end is what counts; "from 2040 on" has no other.  */
static bool begins_span (const scan_t *self, const number_t *number)
{
    size_t at = number->next;
    bool from = number->first && words_at (self->words, number->first - 1, "from");
    at += words_at_any (self->words, at, "to until till");
    return from && at < self->words->count && self->words->items[at].number
           && self->words->items[at].value > number->value;
}

static bool take_months (const scan_t *self, const number_t *number)
{
    const mark_t *unit = unit_of (self, number);
    int months = 0;
    if (unit && is_reserve (self, unit))
        return true;
    if (unit && (number->value <= 0 || number->value * unit->value > MONTHS_MAX)) {
        self->found->odd = true;
        return true;
    }
    if (unit && number->value <= YEARS_AHEAD_MAX * 12)
        months = unit->value ? (int) (number->value * unit->value + 0.5) : 1;
    else if (!number->scaled && number->value > self->year
             && number->value <= self->year + YEARS_AHEAD_MAX && !is (number->before, MARK_CURRENCY)
             && !is (number->after, MARK_CURRENCY))
        months = ((int) number->value - self->year) * 12;
    if (months && !unit && begins_span (self, number))
        return true;
    if (months && (!self->found->months || is_corrected (self, number))) {
        self->found->months = months;
        self->found->months_at = number->first;
    }
    return unit || months;
}

/*  "20k of credit card debt" is no money to invest.  */
static bool is_debt (const scan_t *self, const number_t *number)
{
    for (size_t at = number->next; at < number->next + 4; at++)
        if (words_at_any (self->words, at, "debt debts loan loans mortgage overdraft"))
            return true;
    return false;
}

/*  The mark that says what the amount behind it is; a currency, and a word such as "about", may stand between.  */
static const mark_t *role_of (const scan_t *self, size_t at)
{
    const mark_t *role = NULL;
    for (size_t i = 0; i < self->marks->count; i++) {
        const mark_t *mark = &self->marks->items[i];
        size_t end = mark->first + mark->count;
        bool reaches = (mark->kind == MARK_TARGET && mark->value == TARGET_REACH)
                       || (mark->kind == MARK_WHEN && mark->value == WHEN_REACH);
        bool has =
            mark->kind == MARK_HAVE || (mark->kind == MARK_AGE && mark->value == AGE_WITH_YEARS);
        bool asked = i && mark_until (self, mark->first) == mark - 1 && is (mark - 1, MARK_WHEN);
        if ((reaches || has) && end <= at && at - end <= ROLE_WORDS_MAX)
            role = has && asked ? mark - 1 : mark; /* "how long until I have" */
    }
    for (size_t word = role ? role->first + 1 : at; word <= at; word++)
        if (self->words->items[word].stop)
            return NULL;
    return role;
}

/*  "With 10k already", "15k saved".  */
static bool is_there (const scan_t *self, const number_t *number)
{
    size_t at = number->next;
    at += is (number->after, MARK_CURRENCY) ? number->after->count : 0;
    return words_at (self->words, at, "already") || words_at (self->words, at, "saved");
}

/*  "Tengo 5000 euros": the word that names an age, too.  */
static bool is_having (const mark_t *role)
{
    return is (role, MARK_HAVE) || is (role, MARK_AGE);
}

/*  "50.000 Euro zu haben".  */
static bool is_reached (const mark_t *behind)
{
    return is (behind, MARK_TARGET) && behind->value == TARGET_REACHED;
}

/*  `behind`: the mark behind the amount and its currency.  */
static void take_role (const scan_t *self, const number_t *number, const mark_t *behind)
{
    const mark_t *role = is_reached (behind) ? behind : role_of (self, number->first);
    if ((is_having (role) || is_there (self, number)) && !self->found->owned)
        self->found->owned = number->value;
    else if ((is (role, MARK_TARGET) || is (role, MARK_WHEN)) && !self->found->target)
        self->found->target = number->value;
}

/*  "500 a month from 100,000 euros": the second one is there.  */
static bool is_capital (const scan_t *self, const number_t *number, const mark_t *currency)
{
    size_t first = currency && currency == number->before ? currency->first : number->first;
    return first && words_at (self->words, first - 1, "from");
}

/*  Which of the words stands a little before the number: where, or the number's own place.  */
static size_t word_before (const scan_t *self, const number_t *number, const char *words)
{
    for (size_t back = 1; back <= INCOME_WORDS_MAX && back <= number->first; back++) {
        size_t at = number->first - back;
        if (words_at_any (self->words, at, words))
            return at;
        if (self->words->items[at].stop || self->words->items[at].comma)
            break;
    }
    return number->first;
}

/*  "I earn 3,000 a month", "my salary is 3,000", "my income is 3,000"; not "an income of 3,000", which is a wish.  */
static bool is_income (const scan_t *self, const number_t *number)
{
    static const char EARNS[] = "earn earning earns salary wage wages incomes";
    size_t at = word_before (self, number, "income"), made = word_before (self, number, "make");
    return word_before (self, number, EARNS) < number->first
           || (made && made < number->first && words_at_any (self->words, made - 1, "i we"))
           || (at < number->first && words_at (self->words, at + 1, "is"));
}

/*  "An income of 4,000 a month", "1.5m, need 4k a month" and "500 a month in dividends" are what comes out, and not
    what goes in.  */
static bool is_wished_income (const scan_t *self, const number_t *number, size_t behind)
{
    size_t at = word_before (self, number, "income withdraw");
    size_t pension =
        word_before (self, number, "pension"); /* "for my pension 300 a month" goes in */
    size_t first = is (number->before, MARK_CURRENCY) ? number->before->first : number->first;
    bool wishes = first && words_at_any (self->words, first - 1, "want wants");
    bool takes = first > 1 && words_at (self->words, first - 1, "out")
                 && words_at_any (self->words, first - 2, "take taking");
    bool needs =
        takes || (first && words_at_any (self->words, first - 1, "need needs withdraw draw"));
    bool lives_off = needs || (wishes && self->found->amount > 0 && !self->found->every);
    bool comes = (words_at_any (self->words, behind, "in of from passive")
                  && words_at_any (self->words, behind + 1, "income dividends passive"))
                 || (pension < number->first && words_at (self->words, pension + 1, "of"));
    return lives_off || comes || (at < number->first && !words_at (self->words, at + 1, "is"));
}

/*  "My rent is 1,200"; "and spend 2,500", beside an income. Alone, or as "to spend 2,500", it may well be what is to
    be invested.  */
static bool is_cost (const scan_t *self, const number_t *number)
{
    size_t at = word_before (self, number, "spend spends spending expense expenses rent");
    if (word_before (self, number, "rent") < number->first
        || words_at (self->words, number->next, "rent"))
        return true;
    return self->found->income && at < number->first
           && (!at || !words_at (self->words, at - 1, "to"));
}

/*  "60,000 and 800 a month", "800 a month, and I have 60,000": both count.  */
static bool take_second (const scan_t *self, double value, int every)
{
    quantities_t *found = self->found;
    if (found->amount <= 0 || found->lump > 0 || found->target > 0
        || (found->every > 0) == (every > 0) || (!every && found->owned != value))
        return false;
    found->lump = every ? found->amount : value;
    found->amount = every ? value : found->amount;
    found->every = every ? every : found->every;
    return true;
}

/*  Behind an amount: "a month", "/mo", and "€ month" as people write who are in haste.  */
static int rhythm_of (const scan_t *self, const number_t *number, const mark_t *currency,
                      const mark_t *behind)
{
    size_t next = number->next;
    if (currency && currency->first == next)
        next += currency->count;
    int rhythm = rhythm_at (self, next);
    if (words_at (self->words, next, "pm") && (currency || number->value > HOUR_MAX))
        return 1;
    bool hasty = currency && is (behind, MARK_UNIT) && behind->value > 0 && behind->value <= 12;
    return rhythm || !hasty ? rhythm : behind->value;
}

/*  The word behind "4,000 euros a month".  */
static size_t behind_rhythm (const scan_t *self, const number_t *number)
{
    size_t at = number->next;
    for (const mark_t *mark; (mark = phrases_from (self->marks, at)) != NULL;) {
        if (mark->kind != MARK_CURRENCY && mark->kind != MARK_EVERY && mark->kind != MARK_UNIT)
            break;
        at += mark->count;
    }
    return at;
}

/*  Of "100-200 euros" the second says more.  */
static bool begins_range (const scan_t *self, const number_t *number)
{
    const word_t *next = &self->words->items[number->next];
    return number->next < self->words->count && next->number && next->dash;
}

static bool take_amount (const scan_t *self, const number_t *number)
{
    const mark_t *behind = number->after;
    const mark_t *currency = is (number->before, MARK_CURRENCY) ? number->before : NULL;
    if (!currency && is (behind, MARK_CURRENCY))
        currency = behind;
    if (behind && behind == currency)
        behind = phrases_from (self->marks, behind->first + behind->count);
    int rhythm = rhythm_of (self, number, currency, behind);
    double value = rhythm < 0 ? number->value * -rhythm / 12 : number->value;
    int every = rhythm < 0 ? 1 : rhythm;
    if (begins_range (self, number))
        return true;
    if (!currency && !number->scaled && !every && number->value < AMOUNT_LEAST)
        return false;
    if (number->value <= 0 || number->value > AMOUNT_MOST) {
        self->found->odd = true;
        return true;
    }
    if (is_debt (self, number) || is_income (self, number) || is_cost (self, number))
        return true;
    if (rhythm && is_wished_income (self, number, behind_rhythm (self, number))) {
        self->found->draws = true;
        return true;
    }
    if (!every) {
        take_role (self, number, behind);
    } else if (!self->found->paid) {
        self->found->paid = value;
        self->found->paid_every = every;
    }
    /* "300 a month to reach 50,000", "200 a month, not 300": the first is what they put in */
    bool aside = self->found->every && !every
                 && (self->found->target == number->value || (!currency && !number->scaled));
    bool known = aside || (self->found->amount_marked && (!currency || self->found->currency >= 0));
    if (!is_capital (self, number, currency) && (take_second (self, value, every) || known)) {
        if (currency && self->found->currency < 0)
            self->found->currency = currency->value;
        return true;
    }
    self->found->amount = value;
    self->found->amount_marked = currency || number->scaled;
    self->found->currency = currency ? currency->value : self->found->currency;
    self->found->every = every;
    return true;
}

/*  "15 % a year", "1 % a day", "50 % return": what somebody hopes for.  */
static void take_hope (const scan_t *self, const number_t *number)
{
    static const char HOPES[] = "return returns gain gains profit profits yield interest growth";
    int rhythm = rhythm_at (self, number->next + 1);
    double yearly = rhythm < 0 ? number->value * -rhythm
                    : rhythm   ? number->value * 12 / rhythm
                               : number->value;
    bool hope = rhythm != 0 || words_at_any (self->words, number->next + 1, HOPES);
    if (hope && yearly > self->found->percent)
        self->found->percent = yearly;
}

/*  "I can live with a 20 % drop", "I do not want to lose more than 5 %": what somebody bears.  */
static bool is_borne (const scan_t *self, const number_t *number)
{
    bool own = false;
    bool loss =
        word_before (self, number, "lose losing loss drop drawdown") < number->first
        || words_at_any (self->words, number->next + 1, "drop loss fall drawdown decline dip");
    for (size_t at = number->first; at-- > 0 && !self->words->items[at + 1].stop;)
        own |= words_at_any (self->words, at, "i id im we me us");
    return loss && own;
}

/*  As subjects.def says of the losses of a bad year.  */
static int risk_of_loss (double percent)
{
    static const struct {
        double least;
        int risk;
    } ROWS[] = {{50, 6}, {30, 5}, {20, 4}, {10, 3}, {4, 2}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (percent >= ROWS[i].least)
            return ROWS[i].risk;
    return 1;
}

static void take_percent (const scan_t *self, const number_t *number)
{
    if (is_borne (self, number) && !self->found->risk) {
        self->found->risk = risk_of_loss (number->value);
        self->found->bears = true;
    } else
        take_hope (self, number);
}

/*  "One fund", "three real estate ETFs": how many are wanted.  */
static bool take_products (const scan_t *self, const number_t *number)
{
    static const char THINGS[] = "fund funds etf etfs product products";
    if (number->value < 1 || number->value > 10 || number->scaled)
        return false;
    if (number->next == self->words->count && number->first
        && words_at (self->words, number->first - 1, "me")) {
        self->found->products = (int) number->value; /* "just give me one" */
        return true;
    }
    for (size_t at = number->next; at < number->next + 3 && at < self->words->count; at++)
        if (!self->words->items[at].stop && words_at_any (self->words, at, THINGS)) {
            self->found->products = (int) number->value;
            return true;
        }
    return false;
}

/*  "By 2020" is behind us.  */
static bool is_past (const scan_t *self, const number_t *number)
{
    return is (number->before, MARK_UNTIL) && !number->scaled && number->value >= 1900
           && number->value <= self->year && !is (number->after, MARK_CURRENCY);
}

static void take_number (const scan_t *self, const number_t *number)
{
    if (words_at (self->words, number->next, "%")) {
        take_percent (self, number);
        return;
    }
    if (number->odd || is_past (self, number)) {
        self->found->odd = true;
        return;
    }
    if (take_risk (self, number) || take_age (self, number) || take_months (self, number)
        || take_products (self, number) || take_amount (self, number))
        return;
    if (self->found->bare < 0 && number->value < AMOUNT_LEAST)
        self->found->bare = (int) number->value;
}

/*  The first number from `*at` on, which moves behind it.  */
static bool next_number (const scan_t *self, size_t *at, number_t *ret_number)
{
    while (*at < self->words->count && !read_number (self, *at, ret_number))
        ++*at;
    if (*at >= self->words->count)
        return false;
    *at = ret_number->next;
    return true;
}

/*  "long term", "a decade": only where no number says it better.  */
static void take_words (const scan_t *self)
{
    for (size_t i = 0; i < self->marks->count && !self->found->months; i++) {
        const mark_t *mark = &self->marks->items[i];
        if (mark->kind == MARK_HORIZON) {
            self->found->months = mark->value;
            self->found->months_vague = true;
        } else if (mark->kind == MARK_UNIT && mark->value > 12) {
            self->found->months = mark->value;
        }
    }
}

void quantities_find (const words_t *words, const marks_t *marks, int year, quantities_t *ret_found)
{
    scan_t self = {words, marks, year, ret_found};
    number_t number;
    *ret_found = (quantities_t){.currency = -1, .bare = -1};
    for (size_t at = 0; next_number (&self, &at, &number);)
        ret_found->income |= is_income (&self, &number);
    for (size_t at = 0; next_number (&self, &at, &number);)
        take_number (&self, &number);
    take_words (&self);
}
