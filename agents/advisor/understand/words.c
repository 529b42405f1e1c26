#include "advisor/understand/words.h"

enum { CALM_BYTES_LEAST = 4 };

typedef struct {
    const uint8_t *begin;
    const uint8_t *at;
    const uint8_t *end;
} input_t;

static bool is_digit (uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter (uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/*  Bytes of an apostrophe at `at` (' or U+2019), or 0.  */
static size_t apostrophe (const input_t *in)
{
    if (*in->at == '\'')
        return 1;
    return in->end - in->at >= 3 && memcmp (in->at, "\xe2\x80\x99", 3) == 0 ? 3 : 0;
}

/*  Bytes of a sign that is a word of its own, or 0.  */
static size_t sign (const input_t *in)
{
    static const char *const SIGNS[] = {"$", "%", "€", "£"};
    for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++) {
        size_t size = strlen (SIGNS[i]);
        if ((size_t) (in->end - in->at) >= size && memcmp (in->at, SIGNS[i], size) == 0)
            return size;
    }
    return 0;
}

/*  Bytes of punctuation beyond ASCII (U+2000 to U+206F, the no-break space, and Spanish ! and ? that open), or 0.  */
static size_t wide_gap (const input_t *in)
{
    if (in->end - in->at >= 3 && in->at[0] == 0xe2 && (in->at[1] == 0x80 || in->at[1] == 0x81))
        return 3;
    bool two = in->end - in->at >= 2 && in->at[0] == 0xc2;
    return two && (in->at[1] == 0xa0 || in->at[1] == 0xa1 || in->at[1] == 0xbf) ? 2 : 0;
}

static void add (word_t *word, uint8_t c)
{
    if (word->size < WORD_BYTES_MAX)
        word->text[word->size++] = (char) c;
}

/*  Digits, and separators that stand between digits.  */
static size_t number_bytes (const input_t *in)
{
    const uint8_t *at = in->at;
    while (
        at < in->end
        && (is_digit (*at) || ((*at == ',' || *at == '.') && at + 1 < in->end && is_digit (at[1]))))
        at++;
    return (size_t) (at - in->at);
}

/*  The last separator is a decimal point, unless three digits follow it or it occurs twice; all others
    divide thousands.  */
static double number_value (const uint8_t *digits, size_t size)
{
    size_t last = size, same = 0;
    for (size_t i = 0; i < size; i++)
        if (!is_digit (digits[i]))
            last = i;
    for (size_t i = 0; last < size && i < size; i++)
        same += digits[i] == digits[last];
    bool thousands = same > 1 || (size - last == 4 && digits[0] != '0');
    double value = 0, scale = 1;
    for (size_t i = 0; i < size; i++) {
        if (!is_digit (digits[i]))
            continue;
        if (i > last && !thousands)
            value += (digits[i] - '0') * (scale /= 10);
        else
            value = value * 10 + (digits[i] - '0');
    }
    return value;
}

static void read_number (input_t *in, word_t *word)
{
    size_t size = number_bytes (in);
    word->number = true;
    word->value = number_value (in->at, size);
    for (size_t i = 0; i < size; i++)
        add (word, in->at[i]);
    in->at += size;
}

static void read_letters (input_t *in, word_t *word)
{
    size_t letters = 0, capitals = 0;
    while (in->at < in->end) {
        size_t mark = apostrophe (in);
        if (mark) {
            in->at += mark;
            continue;
        }
        bool ampersand = *in->at == '&' && in->at + 1 < in->end && is_letter (in->at[1]);
        if ((!is_letter (*in->at) && !ampersand) || sign (in) || wide_gap (in))
            break;
        uint8_t c = *in->at++;
        letters++;
        capitals += c >= 'A' && c <= 'Z';
        add (word, c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    word->upper = letters > 1 && capitals == letters;
}

/*  "-5" is a number below zero; "5-10" is a range.  */
static bool is_minus (const input_t *in)
{
    return *in->at == '-' && in->at + 1 < in->end && (is_digit (in->at[1]) || in->at[1] == '$')
           && (in->at == in->begin || in->at[-1] == ' ' || in->at[-1] == '$');
}

/*  U+2010 to U+2015.  */
static bool is_dash (const input_t *in)
{
    return in->at[1] == 0x80 && in->at[2] >= 0x90 && in->at[2] <= 0x95;
}

/*  Skips what divides, noting it in `word`.  */
static void skip_gap (input_t *in, word_t *word, words_t *words)
{
    word->joined = true;
    while (in->at < in->end && !is_digit (*in->at) && !sign (in)) {
        size_t wide = wide_gap (in);
        if (is_letter (*in->at) && !wide)
            return;
        uint8_t c = *in->at;
        word->joined = false;
        word->minus |= is_minus (in);
        word->slash = c == '/';
        word->colon = c == ':';
        word->dash |= c == '-' || (wide == 3 && is_dash (in));
        word->stop |= c == '.' || c == '?' || c == '!' || c == '\n';
        word->comma |= c == ',' || c == ';' || c == ':' || c == '(' || c == ')';
        words->asks |= c == '?';
        in->at += wide ? wide : 1;
    }
}

static void read_word (input_t *in, word_t *word)
{
    size_t mark = sign (in);
    if (is_digit (*in->at)) {
        read_number (in, word);
    } else if (mark) {
        for (; mark; mark--)
            add (word, *in->at++);
    } else {
        read_letters (in, word);
    }
}

void words_read (words_t *self, plv_view_t text)
{
    input_t in = {.begin = text.data, .at = text.data, .end = text.data + text.size};
    size_t letters = 0, upper = 0;
    bool calm = false; /* a word, rather than an "and", is not in capitals */
    self->count = 0;
    self->cut = self->shout = self->asks = false;
    while (in.at < in.end) {
        word_t word = {0};
        skip_gap (&in, &word, self);
        if (in.at == in.end)
            break;
        if (self->count == WORDS_MAX) {
            self->cut = true;
            break;
        }
        read_word (&in, &word);
        letters += !word.number && word.size > 1;
        upper += word.upper;
        calm |= !word.number && word.size >= CALM_BYTES_LEAST && !word.upper;
        self->items[self->count++] = word;
    }
    /* of "Compare VTI, VOO, SPY and QQQ" the tickers are in capitals, not the words */
    self->shout = letters >= 4 && upper * 2 > letters && !calm;
}

bool words_at (const words_t *self, size_t index, const char *text)
{
    return index < self->count && strcmp (self->items[index].text, text) == 0;
}

bool words_at_any (const words_t *self, size_t index, const char *list)
{
    const word_t *word = &self->items[index];
    for (const char *at = list; index < self->count && *at;) {
        size_t size = strcspn (at, " ");
        if (size == word->size && memcmp (at, word->text, size) == 0)
            return true;
        at += size + (at[size] == ' ');
    }
    return false;
}
