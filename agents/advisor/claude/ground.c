#include "advisor/claude/ground.h"

#include "base/fold.h"

#include <string.h>
#include <strings.h>

enum { NAMED_MOST = 12, NAME_WORDS_LEAST = 3, SYMBOL_LEAST = 2, SYMBOL_MOST = 6 };

/*  Words in capitals that are no symbols.  */
static const char ACRONYMS[] =
    " ETF ETFS ETC ETN UCITS REIT REITS USD EUR GBP CHF JPY CAD AUD USA US UK EU EM ESG SRI "
    "IRA ROTH HSA TIPS MSCI FTSE SP DAX STOXX NASDAQ NYSE CRSP ICE BUND ISIN WKN TER OCF KID "
    "PRIIPS SEC FINRA ESMA FCA BAFIN IRS FDIC NAV CPI GDP ECB FED AI IT ID FAQ OK NOT NO AND "
    "OR ALL ANY YES PLUS ONE TWO MAX MIN PER VS CEO IPO KYC AML PDF CSV JSON HTTP EMAIL CARD "
    "IBAN SSN PHONE DCA ADR EAFE ACWI SRRI SRI APR APY CD CDS HYSA LTD PLC INC ASAP FX YTD "
    "USB II III IV MUST NEVER ALWAYS ONLY WARNING NOTE ";

typedef struct {
    const ground_t *ground;
    plv_view_t text; /* of the sentence */
    int products[NAMED_MOST];
    size_t count;
    bool foreign; /* a word of the person that stands for nothing in the evidence */
} sentence_t;

static bool is_digit (uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper (uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter (uint8_t c)
{
    return is_upper (c) || (c >= 'a' && c <= 'z') || c >= 0x80;
}

static bool is_word (uint8_t c)
{
    return is_letter (c) || is_digit (c);
}

static uint8_t byte_at (plv_view_t text, size_t at)
{
    return at < text.size ? text.data[at] : 0;
}

/*  Dashes, quotes and narrow blanks are U+20xx, and the blank that does not break is U+00A0.  */
static bool is_mark (plv_view_t text, size_t at)
{
    uint8_t c = byte_at (text, at), next = byte_at (text, at + 1);
    return (c == 0xe2 && (next == 0x80 || next == 0x82)) || (c == 0xc2 && next == 0xa0);
}

static plv_view_t word_at (plv_view_t text, size_t at)
{
    size_t end = at;
    bool inside = (byte_at (text, at) & 0xc0) == 0x80; /* of a mark */
    while (!inside && is_word (byte_at (text, end)) && !is_mark (text, end))
        end++;
    return plv_view (text.data + at, end - at);
}

/*  Does the text hold the word at `at`, without regard to case?  */
static bool starts (plv_view_t text, size_t at, const char *word)
{
    size_t size = strlen (word);
    return at + size <= text.size && strncasecmp ((const char *) text.data + at, word, size) == 0;
}

/*  Is there a word that begins so, or with `whole`, that is so?  */
static bool holds (plv_view_t text, const char *word, bool whole)
{
    for (size_t at = 0; at < text.size; at++)
        if ((at == 0 || !is_word (text.data[at - 1])) && starts (text, at, word)
            && !(whole && is_word (byte_at (text, at + strlen (word)))))
            return true;
    return false;
}

/* --------------------------------------------------------------- symbols */

static bool looks_like_symbol (plv_view_t word)
{
    if (word.size < SYMBOL_LEAST || word.size > SYMBOL_MOST || !is_upper (word.data[0]))
        return false;
    for (size_t i = 0; i < word.size; i++)
        if (!is_upper (word.data[i]) && !is_digit (word.data[i]))
            return false;
    return true;
}

static bool is_acronym (plv_view_t word)
{
    const char *at = ACRONYMS;
    for (; (at = memmem (at, strlen (at), word.data, word.size)) != NULL; at++)
        if (at[-1] == ' ' && at[word.size] == ' ')
            return true;
    return false;
}

/*  False when the word is a symbol that nobody brought up.  */
static bool take_symbol (sentence_t *self, plv_view_t word)
{
    const ground_t *ground = self->ground;
    int product = catalogue_find (ground->catalogue, word);
    if (product >= 0 && evidence_has (ground->evidence, product)) {
        if (self->count < NAMED_MOST)
            self->products[self->count++] = product;
        return true;
    }
    if (is_acronym (word))
        return true;
    self->foreign = true;
    return evidence_word (ground->evidence, word);
}

static bool recommends (plv_view_t text)
{
    static const char *const WORDS[] = {"recommend", "suggest", "buy",        "consider",
                                        "choose",    "pick",    "go for",     "invest in",
                                        "suits",     "fits",    "good choice"};
    static const char *const NOTS[] = {"not",   "no",    "cannot",  "don't",
                                       "isn't", "can't", "without", "instead"};
    bool some = false;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        some |= holds (text, WORDS[i], false);
    for (size_t i = 0; i < sizeof NOTS / sizeof *NOTS; i++)
        some &= !holds (text, NOTS[i], true);
    return some;
}

static bool good_symbols (sentence_t *self)
{
    if (self->ground->about >= 0)
        self->products[self->count++] = self->ground->about;
    for (size_t at = 0; at < self->text.size;) {
        plv_view_t word = word_at (self->text, at);
        if (looks_like_symbol (word) && !take_symbol (self, word))
            return false;
        at += word.size ? word.size : 1;
    }
    return !self->foreign || !recommends (self->text);
}

/* --------------------------------------------------------------- names */

static bool name_has (const char *name, plv_view_t word)
{
    plv_view_t text = plv_view_str (name);
    for (size_t at = 0; at < text.size;) {
        plv_view_t one = word_at (text, at);
        if (one.size == word.size
            && strncasecmp ((const char *) one.data, (const char *) word.data, word.size) == 0)
            return true;
        at += one.size ? one.size : 1;
    }
    return false;
}

static bool is_general (plv_view_t word)
{
    static const char *const WORDS[] = {"ETF", "Fund", "Index", "Trust", "UCITS", "Shares", "The"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (plv_view_is (word, WORDS[i]))
            return true;
    return false;
}

/*  Are all words of the run in that product's name or symbol?  */
static bool is_name_of (plv_view_t run, const product_t *product)
{
    for (size_t at = 0; at < run.size;) {
        plv_view_t word = word_at (run, at);
        if (word.size && !is_general (word) && !name_has (product->name, word)
            && !plv_view_is (word, product->symbol))
            return false;
        at += word.size ? word.size : 1;
    }
    return true;
}

static bool begins_a_name (const catalogue_t *catalogue, plv_view_t word)
{
    for (size_t i = 0; i < catalogue_size (catalogue); i++) {
        const char *name = catalogue_product (catalogue, i)->name;
        if (strncmp (name, (const char *) word.data, word.size) == 0
            && !is_word ((uint8_t) name[word.size]))
            return true;
    }
    return false;
}

/*  Words that begin with a capital or a digit, with single blanks (or & and -) between them, from `at` on.  */
static plv_view_t run_at (plv_view_t text, size_t at, size_t *ret_words)
{
    size_t end = at, i = at;
    *ret_words = 0;
    for (;;) {
        plv_view_t word = word_at (text, i);
        if (!word.size || !(plv_fold_is_capital (word) || is_digit (word.data[0]))) {
            if (!(word.size && starts (word, 0, "i") && is_upper (byte_at (word, 1)))) /* iShares */
                break;
        }
        ++*ret_words;
        end = i = i + word.size;
        while (byte_at (text, i) && strchr (" &-/", byte_at (text, i)))
            i++;
    }
    return plv_view (text.data + at, end - at);
}

static bool is_returned_name (const ground_t *ground, plv_view_t run)
{
    for (size_t i = 0; i < ground->evidence->product_count; i++)
        if (is_name_of (
                run, catalogue_product (ground->catalogue, (size_t) ground->evidence->products[i])))
            return true;
    return false;
}

static plv_view_t word_before (plv_view_t text, size_t at)
{
    while (at && text.data[at - 1] == ' ')
        at--;
    size_t first = at;
    while (first && is_word (text.data[first - 1]))
        first--;
    return plv_view (text.data + first, at - first);
}

/*  "VTI (Vanguard Bond Fund)" and "Vanguard Bond Fund (VTI)": the name must be that product's.  */
static bool fits_symbol (const sentence_t *self, plv_view_t run)
{
    size_t at = (size_t) (run.data - self->text.data), end = at + run.size;
    plv_view_t word = {0};
    if (byte_at (self->text, end) == ' ' && byte_at (self->text, end + 1) == '(')
        word = word_at (self->text, end + 2);
    else if (at > 1 && self->text.data[at - 1] == '(')
        word = word_before (self->text, at - 1);
    int product = looks_like_symbol (word) ? catalogue_find (self->ground->catalogue, word) : -1;
    return product < 0
           || is_name_of (run, catalogue_product (self->ground->catalogue, (size_t) product));
}

static bool good_names (const sentence_t *self)
{
    for (size_t at = 0; at < self->text.size;) {
        plv_view_t word = word_at (self->text, at);
        size_t words = 0;
        plv_view_t run = word.size ? run_at (self->text, at, &words) : word;
        if (words >= NAME_WORDS_LEAST && begins_a_name (self->ground->catalogue, word)) {
            if (!is_returned_name (self->ground, run) || !fits_symbol (self, run))
                return false;
            at += run.size;
        } else {
            at += word.size ? word.size : 1;
        }
    }
    return true;
}

/* --------------------------------------------------------------- figures */

static size_t skip_blanks (plv_view_t text, size_t at)
{
    while (byte_at (text, at) == ' ' || starts (text, at, "\xc2\xa0"))
        at += byte_at (text, at) == ' ' ? 1 : 2;
    return at;
}

static bool starts_any (plv_view_t text, size_t at, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (starts (text, at, words[i]))
            return true;
    return false;
}

#define STARTS_ANY(text, at, words) starts_any (text, at, words, sizeof (words) / sizeof *(words))

/*  What stands behind a number: a per cent sign, maybe behind the other end of a range.  */
static bool is_percent (plv_view_t text, size_t at)
{
    static const char *const SIGNS[] = {"%", "percent", "per cent", "prozent", "p.a", "pct"};
    static const char *const RANGES[] = {"to ", "-", "\xe2\x80\x93", "and ", "bis ", "or "};
    at = skip_blanks (text, at);
    if (STARTS_ANY (text, at, SIGNS))
        return true;
    if (!STARTS_ANY (text, at, RANGES))
        return false;
    while (at < text.size && !is_digit (text.data[at]) && text.data[at] != '.')
        at++;
    double value;
    unsigned decimals;
    size_t size = evidence_number (plv_view (text.data + at, text.size - at), &value, &decimals);
    return size && STARTS_ANY (text, skip_blanks (text, at + size), SIGNS);
}

static bool is_basis_points (plv_view_t text, size_t at)
{
    at = skip_blanks (text, at);
    return starts (text, at, "bps") || starts (text, at, "basis point") || starts (text, at, "bp ");
}

static bool is_money (plv_view_t text, size_t at, size_t end)
{
    static const char *const BEHIND[] = {"USD",   "EUR",   "GBP", "CHF",          "dollar",  "euro",
                                         "pound", "franc", "$",   "\xe2\x82\xac", "\xc2\xa3"};
    static const char *const BEFORE[] = {"$",    "\xe2\x82\xac", "\xc2\xa3", "USD ",
                                         "EUR ", "GBP ",         "CHF "};
    for (size_t i = 0; i < sizeof BEFORE / sizeof *BEFORE; i++) {
        size_t size = strlen (BEFORE[i]);
        if (at >= size && starts (text, at - size, BEFORE[i]))
            return true;
    }
    return STARTS_ANY (text, skip_blanks (text, end), BEHIND);
}

static bool is_level (plv_view_t text, size_t at)
{
    static const char WORD[] = "level ";
    return at >= sizeof WORD - 1 && starts (text, at - (sizeof WORD - 1), WORD);
}

static bool good_percent (const sentence_t *self, double value, unsigned decimals)
{
    const evidence_t *evidence = self->ground->evidence;
    double own[4 * NAMED_MOST + NAMED_MOST * NAMED_MOST];
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++) {
        const product_t *product =
            catalogue_product (self->ground->catalogue, (size_t) self->products[i]);
        own[count++] = product->low;
        own[count++] = product->high;
        if (product->fee == FEE_UNKNOWN)
            continue;
        own[count++] = product->fee;
        for (size_t k = 0; k < i; k++) {
            double other =
                catalogue_product (self->ground->catalogue, (size_t) self->products[k])->fee;
            own[count++] = product->fee > other ? product->fee - other : other - product->fee;
        }
    }
    return evidence_among (value, decimals, evidence->said, evidence->said_count)
           || evidence_among (value, decimals, own, count)
           || (!self->count
               && evidence_among (value, decimals, evidence->figures, evidence->figure_count));
}

static bool good_level (const sentence_t *self, double value)
{
    bool good = !self->count || value == self->ground->profile->risk
                || evidence_among (value, 0, self->ground->evidence->said,
                                   self->ground->evidence->said_count);
    for (size_t i = 0; i < self->count; i++)
        good |= catalogue_product (self->ground->catalogue, (size_t) self->products[i])->risk
                == (int) value;
    return good;
}

static bool good_figure (const sentence_t *self, size_t at, size_t size, double value,
                         unsigned decimals)
{
    const evidence_t *evidence = self->ground->evidence;
    if (is_percent (self->text, at + size))
        return good_percent (self, value, decimals);
    if (is_basis_points (self->text, at + size))
        return good_percent (self, value / 100, decimals + 2);
    if (is_money (self->text, at, at + size))
        return evidence_among (value, decimals, evidence->said, evidence->said_count)
               || evidence_among (value, decimals, evidence->figures, evidence->figure_count)
               || value == self->ground->profile->amount || value == self->ground->profile->lump;
    return !is_level (self->text, at) || good_level (self, value);
}

static bool good_figures (const sentence_t *self)
{
    for (size_t at = 0; at < self->text.size;) {
        double value;
        unsigned decimals;
        size_t word = word_at (self->text, at).size;
        size_t size = evidence_number (plv_view (self->text.data + at, self->text.size - at),
                                       &value, &decimals);
        if (size && !good_figure (self, at, size, value, decimals))
            return false;
        at += size ? size : word ? word : 1;
    }
    return true;
}

/* --------------------------------------------------------------- sentences */

/*  The size of the first sentence, with the blanks behind it.  */
static size_t sentence_size (plv_view_t text)
{
    size_t at = 0;
    while (at < text.size) {
        uint8_t c = text.data[at++];
        uint8_t next = byte_at (text, at);
        if (c == '\n' || (strchr (".!?", c) && (!next || next == ' ' || next == '\n')))
            break;
    }
    while (byte_at (text, at) == ' ' || byte_at (text, at) == '\n')
        at++;
    return at;
}

unsigned ground_text (const ground_t *self, plv_view_t text, plv_buf_t *out)
{
    unsigned removed = 0;
    while (text.size) {
        sentence_t sentence = {.ground = self};
        sentence.text = plv_view (text.data, sentence_size (text));
        if (good_symbols (&sentence) && good_names (&sentence) && good_figures (&sentence))
            plv_buf_add_view (out, sentence.text);
        else
            removed++;
        text = plv_view (text.data + sentence.text.size, text.size - sentence.text.size);
    }
    return removed;
}
