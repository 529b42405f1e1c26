#include "advisor/claude/pii.h"

#include <stdio.h>
#include <strings.h>

enum {
    CARD_DIGITS_LEAST = 12,
    CARD_DIGITS_MOST = 19,
    IBAN_LEAST = 15,
    IBAN_MOST = 34,
    PHONE_DIGITS_MOST = 15,
    LOCAL_MOST = 64,
    DOMAIN_MOST = 253,
    SSN_WORD_NEAR = 32,
};

static const char *const NAMES[PII_KIND_COUNT_] = {
    [PII_EMAIL] = "EMAIL", [PII_CARD] = "CARD",   [PII_IBAN] = "IBAN",
    [PII_SSN] = "SSN",     [PII_PHONE] = "PHONE",
};

static const char HIDDEN[] = "<HIDDEN>";

static bool is_digit (uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter (uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word (uint8_t c)
{
    return is_digit (c) || is_letter (c);
}

/*  A byte inside of a character of UTF-8: nothing begins or ends there.  */
static bool is_inside (uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/*  The byte at `at`, or 0 behind the end.  */
static uint8_t byte_at (plv_view_t text, size_t at)
{
    return at < text.size ? text.data[at] : 0;
}

/* --------------------------------------------------------------- card numbers */

static bool luhn (const uint8_t *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned) (digits[count - 1 - i] - '0');
        if (i % 2)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return sum % 10 == 0;
}

/*  Digits in groups that a blank or a dash divides; the longest run of whole groups that passes.  */
static size_t match_card (plv_view_t text, size_t at)
{
    uint8_t digits[CARD_DIGITS_MOST];
    size_t count = 0, found = 0, i = at;
    while (is_digit (byte_at (text, i)) && count < CARD_DIGITS_MOST) {
        digits[count++] = text.data[i++];
        uint8_t next = byte_at (text, i);
        if (is_word (next))
            continue;
        if (count >= CARD_DIGITS_LEAST && luhn (digits, count))
            found = i - at;
        if ((next == ' ' || next == '-') && is_digit (byte_at (text, i + 1)))
            i++;
    }
    return found;
}

/* --------------------------------------------------------------- IBANs */

static unsigned mod97_step (unsigned rest, uint8_t c)
{
    if (is_digit (c))
        return (rest * 10 + (unsigned) (c - '0')) % 97;
    return (rest * 100 + (unsigned) ((c | 0x20) - 'a' + 10)) % 97;
}

static bool mod97 (const uint8_t *letters, size_t count)
{
    unsigned rest = 0;
    for (size_t i = 0; i < count; i++)
        rest = mod97_step (rest, letters[(i + 4) % count]);
    return rest == 1;
}

static size_t match_iban (plv_view_t text, size_t at)
{
    uint8_t letters[IBAN_MOST];
    size_t count = 0, found = 0, i = at;
    if (!is_letter (byte_at (text, at)) || !is_letter (byte_at (text, at + 1))
        || !is_digit (byte_at (text, at + 2)) || !is_digit (byte_at (text, at + 3)))
        return 0;
    while (count < IBAN_MOST && (is_digit (byte_at (text, i)) || is_letter (byte_at (text, i)))) {
        letters[count++] = text.data[i++];
        uint8_t next = byte_at (text, i);
        if (is_word (next))
            continue;
        if (count >= IBAN_LEAST && mod97 (letters, count))
            found = i - at;
        if (next == ' ' || next == '-')
            i++;
    }
    return found;
}

/* --------------------------------------------------------------- social security numbers */

static bool near_ssn_word (plv_view_t text, size_t at)
{
    static const char *const WORDS[] = {"ssn", "social security"};
    size_t from = at > SSN_WORD_NEAR ? at - SSN_WORD_NEAR : 0;
    for (size_t w = 0; w < sizeof WORDS / sizeof *WORDS; w++) {
        size_t size = strlen (WORDS[w]);
        for (size_t i = from; i + size <= at; i++)
            if (strncasecmp ((const char *) text.data + i, WORDS[w], size) == 0)
                return true;
    }
    return false;
}

static bool good_ssn (const uint8_t *d)
{
    bool bad_area = memcmp (d, "000", 3) == 0 || memcmp (d, "666", 3) == 0 || d[0] == '9';
    return !bad_area && memcmp (d + 3, "00", 2) != 0 && memcmp (d + 5, "0000", 4) != 0;
}

/*  123-45-6789, or with blanks; without either only beside the word.  */
static size_t match_ssn (plv_view_t text, size_t at)
{
    uint8_t digits[9], between = 0;
    size_t i = at;
    for (size_t count = 0; count < sizeof digits; count++) {
        if (count == 3 || count == 5) {
            uint8_t c = byte_at (text, i);
            if (count == 3)
                between = c == '-' || c == ' ' ? c : 0;
            if (between && c != between)
                return 0;
            i += between != 0;
        }
        if (!is_digit (byte_at (text, i)))
            return 0;
        digits[count] = text.data[i++];
    }
    if (is_word (byte_at (text, i)) || !good_ssn (digits))
        return 0;
    return between || near_ssn_word (text, at) ? i - at : 0;
}

/* --------------------------------------------------------------- e-mail */

static bool is_local (uint8_t c)
{
    return is_word (c) || c >= 0x80 || (c && strchr (".!#$%&'*+/=?^_`{|}~-", c));
}

static size_t match_email (plv_view_t text, size_t at)
{
    size_t i = at, label = 0, end = 0;
    if (!is_local (byte_at (text, at)) || byte_at (text, at) == '.')
        return 0;
    while (is_local (byte_at (text, i)) && i - at < LOCAL_MOST)
        i++;
    if (byte_at (text, i) != '@')
        return 0;
    size_t domain = ++i;
    for (bool dotted = false; i - domain < DOMAIN_MOST; i++) {
        uint8_t c = byte_at (text, i);
        if (is_word (c) || c >= 0x80 || (c == '-' && label)) {
            label++;
            if (dotted && label >= 2)
                end = i + 1;
        } else if (c == '.' && label) {
            dotted = true;
            label = 0;
        } else {
            break;
        }
    }
    while (end && is_inside (byte_at (text, end)))
        end++;
    return end ? end - at : 0;
}

/* --------------------------------------------------------------- phone numbers */

typedef struct {
    size_t size;
    size_t digits;
    size_t groups[8]; /* digits between two of what divides */
    size_t group_count;
    bool plus;
    bool brackets;
    bool zero;
    bool zeros;
} phone_t;

static bool divides (uint8_t c)
{
    return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')';
}

/*  The longest run of digits with single blanks, dashes, dots and brackets between them. False: it is no number by
    itself, or longer than any, which is not read to its end: each of its digits asks.  */
static bool read_phone (plv_view_t text, size_t at, phone_t *ret_phone)
{
    phone_t phone = {.plus = byte_at (text, at) == '+', .brackets = byte_at (text, at) == '('};
    phone_t whole = phone; /* up to the last group that is complete */
    size_t i = at + phone.plus, group = 0, gap = 0;
    phone.zero = byte_at (text, i + phone.brackets) == '0';
    phone.zeros = phone.zero && byte_at (text, i + phone.brackets + 1) == '0';
    for (;; i++) {
        uint8_t c = byte_at (text, i);
        if (is_digit (c)) {
            if (phone.digits == PHONE_DIGITS_MOST && !phone.plus)
                return false;
            if (phone.digits == PHONE_DIGITS_MOST)
                break; /* another number follows */
            gap = 0;
            group++;
            phone.digits++;
            phone.size = i + 1 - at;
            continue;
        }
        if (!divides (c) || ++gap > 2)
            break;
        whole = group ? phone : whole;
        if (group && phone.group_count < sizeof phone.groups / sizeof *phone.groups)
            phone.groups[phone.group_count++] = group;
        group = 0;
    }
    if (group && phone.group_count < sizeof phone.groups / sizeof *phone.groups)
        phone.groups[phone.group_count++] = group;
    *ret_phone = is_word (byte_at (text, at + phone.size)) ? whole : phone;
    return ret_phone->digits > 0 && (phone.plus || ret_phone->size == phone.size);
}

/*  Is the number that begins at `at` the rest of a longer one, such as 1 000 000?  */
static bool goes_on (plv_view_t text, size_t at)
{
    return at > 1 && text.data[at - 1] == ' ' && is_digit (text.data[at - 2]);
}

/*  3-3-4 and 3-4, as in North America, maybe behind a 1.  */
static bool is_american (const phone_t *phone)
{
    const size_t *groups = phone->groups;
    size_t count = phone->group_count;
    if (count && groups[0] == 1 && count > 2) {
        groups++;
        count--;
    }
    return (count == 3 && groups[0] == 3 && groups[1] == 3 && groups[2] == 4)
           || (count == 2 && groups[0] == 3 && (groups[1] == 4 || groups[1] == 7));
}

static size_t match_phone (plv_view_t text, size_t at)
{
    phone_t phone;
    if ((byte_at (text, at) != '+' && goes_on (text, at)) || !read_phone (text, at, &phone)
        || phone.digits < 7)
        return 0;
    bool good = (phone.plus && phone.digits >= 8) || (phone.zeros && phone.digits >= 10)
                || (phone.zero && phone.digits >= 9 && phone.digits <= 12)
                || (phone.brackets && phone.digits >= 9) || is_american (&phone)
                || (phone.group_count == 1 && (phone.digits == 10 || phone.digits == 11));
    return good ? phone.size : 0;
}

/* --------------------------------------------------------------- texts */

/*  A word of ours, in a text that comes in.  */
static bool match_own (plv_view_t text, size_t at, pii_kind_t *ret_kind, size_t *ret_size)
{
    for (int kind = 0; kind < PII_KIND_COUNT_; kind++) {
        size_t size = strlen (NAMES[kind]), i = at + 1 + size + 1;
        if (text.size - at < size + 4 || memcmp (text.data + at + 1, NAMES[kind], size) != 0
            || text.data[at + 1 + size] != '_')
            continue;
        while (is_digit (byte_at (text, i)) && i - at < PII_WORD_BYTES_MAX)
            i++;
        if (byte_at (text, i) == '>' && is_digit (text.data[i - 1])) {
            *ret_kind = (pii_kind_t) kind;
            *ret_size = i + 1 - at;
            return true;
        }
    }
    return false;
}

bool pii_match (plv_view_t text, size_t at, pii_kind_t *ret_kind, size_t *ret_size)
{
    static size_t (*const MATCH[]) (plv_view_t, size_t) = {
        [PII_EMAIL] = match_email, [PII_CARD] = match_card,   [PII_IBAN] = match_iban,
        [PII_SSN] = match_ssn,     [PII_PHONE] = match_phone,
    };
    static const pii_kind_t ORDER[] = {PII_EMAIL, PII_IBAN, PII_CARD, PII_SSN, PII_PHONE};
    uint8_t c = byte_at (text, at), before = at ? text.data[at - 1] : 0;
    if (c == '<')
        return match_own (text, at, ret_kind, ret_size);
    if ((is_word (before) && c != '+' && c != '(') || is_inside (c) || !(is_local (c) || c == '('))
        return false;
    for (size_t i = 0; i < sizeof ORDER / sizeof *ORDER; i++) {
        size_t size = MATCH[ORDER[i]](text, at);
        if (size) {
            *ret_kind = ORDER[i];
            *ret_size = size;
            return true;
        }
    }
    return false;
}

void pii_free (pii_t *self)
{
    plv_buf_free (&self->texts);
}

static plv_view_t text_of (const pii_t *self, size_t item)
{
    return plv_view (self->texts.data + self->items[item].at, self->items[item].size);
}

static size_t word_of (const pii_t *self, size_t item, char word[PII_WORD_BYTES_MAX + 1])
{
    return (size_t) snprintf (word, PII_WORD_BYTES_MAX + 1, "<%s_%u>",
                              NAMES[self->items[item].kind], self->items[item].number);
}

/*  The item of that text, an old or a new one; PII_ITEMS_MAX when there is no room.  */
static size_t item_for (pii_t *self, pii_kind_t kind, plv_view_t text)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].kind == kind && plv_view_equal (text_of (self, i), text))
            return i;
    if (self->count == PII_ITEMS_MAX)
        return PII_ITEMS_MAX;
    size_t at = self->texts.size;
    plv_buf_add_view (&self->texts, text);
    if (self->texts.failed)
        return PII_ITEMS_MAX;
    self->items[self->count].kind = kind;
    self->items[self->count].number = ++self->numbers[kind];
    self->items[self->count].at = at;
    self->items[self->count].size = text.size;
    return self->count++;
}

static void hide_one (pii_t *self, pii_kind_t kind, plv_view_t text, plv_buf_t *out)
{
    char word[PII_WORD_BYTES_MAX + 1];
    size_t item = item_for (self, kind, text);
    if (item == PII_ITEMS_MAX)
        plv_buf_add (out, HIDDEN, sizeof HIDDEN - 1);
    else
        plv_buf_add (out, word, word_of (self, item, word));
}

void pii_hide (pii_t *self, plv_view_t text, plv_buf_t *out)
{
    for (size_t at = 0; at < text.size;) {
        pii_kind_t kind;
        size_t size;
        if (pii_match (text, at, &kind, &size)) {
            hide_one (self, kind, plv_view (text.data + at, size), out);
            at += size;
        } else {
            plv_buf_add_u8 (out, text.data[at++]);
        }
    }
}

void pii_show (const pii_t *self, plv_view_t text, plv_buf_t *out)
{
    for (size_t at = 0; at < text.size;) {
        size_t size = 0, item = 0;
        char word[PII_WORD_BYTES_MAX + 1];
        for (; text.data[at] == '<' && item < self->count; item++) {
            size = word_of (self, item, word);
            if (text.size - at >= size && memcmp (text.data + at, word, size) == 0)
                break;
        }
        if (text.data[at] == '<' && item < self->count) {
            plv_buf_add_view (out, text_of (self, item));
            at += size;
        } else {
            plv_buf_add_u8 (out, text.data[at++]);
        }
    }
}

size_t pii_open_end (plv_view_t text)
{
    size_t most = text.size < PII_WORD_BYTES_MAX ? text.size : PII_WORD_BYTES_MAX;
    for (size_t size = 1; size <= most; size++) {
        uint8_t c = text.data[text.size - size];
        if (c == '<')
            return size;
        if (!is_letter (c) && !is_digit (c) && c != '_')
            return 0;
    }
    return 0;
}
