#include "advisor/claude/evidence.h"

#include <string.h>

static bool is_digit (uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper (uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_alnum (uint8_t c)
{
    return is_digit (c) || is_upper (c) || (c >= 'a' && c <= 'z');
}

size_t evidence_number (plv_view_t text, double *ret_value, unsigned *ret_decimals)
{
    double value = 0, unit = 1;
    unsigned decimals = 0;
    bool point = false;
    size_t i = 0;
    while (i < text.size) {
        uint8_t c = text.data[i], next = i + 1 < text.size ? text.data[i + 1] : 0;
        if (is_digit (c)) {
            value = point ? value + (c - '0') * (unit /= 10) : value * 10 + (c - '0');
            decimals += point;
        } else if (c == '.' && !point && i && is_digit (next)) {
            point = true;
        } else if (c != ',' || point || !i || !is_digit (next)) {
            break;
        }
        i++;
    }
    *ret_value = value;
    *ret_decimals = decimals;
    return i && is_digit (text.data[0]) ? i : 0;
}

static void add (double *figures, size_t *count, double value)
{
    if (*count < EVIDENCE_FIGURES_MAX)
        figures[(*count)++] = value;
}

static void add_word (evidence_t *self, plv_view_t word)
{
    if (self->words_size + word.size + 2 > sizeof self->words)
        return;
    self->words[self->words_size++] = ' ';
    memcpy (self->words + self->words_size, word.data, word.size);
    self->words_size += word.size;
}

void evidence_person (evidence_t *self, plv_view_t text)
{
    for (size_t at = 0; at < text.size;) {
        double value;
        unsigned decimals;
        plv_view_t rest = plv_view (text.data + at, text.size - at);
        size_t size = evidence_number (rest, &value, &decimals), word = 0;
        while (word < rest.size && is_alnum (rest.data[word]))
            word++;
        if (size) {
            add (self->said, &self->said_count, value);
            if (size < rest.size && (rest.data[size] | 0x20) == 'k')
                add (self->said, &self->said_count, value * 1000);
        } else if (word > 1 && is_upper (rest.data[0])) {
            add_word (self, plv_view (rest.data, word));
        }
        at += size > word ? size : word ? word : 1;
    }
}

bool evidence_word (const evidence_t *self, plv_view_t word)
{
    for (size_t at = 0; at + word.size < self->words_size; at++) {
        size_t end = at + 1 + word.size;
        if (self->words[at] == ' ' && memcmp (self->words + at + 1, word.data, word.size) == 0
            && (end == self->words_size || self->words[end] == ' '))
            return true;
    }
    return false;
}

static void add_product (evidence_t *self, catalogue_t *catalogue, const json_t *symbol)
{
    int product = json_is_string (symbol) ? catalogue_find (
                      catalogue, plv_view (json_string_value (symbol), json_string_length (symbol)))
                                          : -1;
    if (product >= 0 && !evidence_has (self, product)
        && self->product_count < EVIDENCE_PRODUCTS_MAX)
        self->products[self->product_count++] = product;
}

void evidence_result (evidence_t *self, catalogue_t *catalogue, const json_t *result, bool computed)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_number (result)) {
        add (self->figures, &self->figure_count, json_number_value (result));
        if (computed)
            add (self->said, &self->said_count, json_number_value (result));
    }
    json_array_foreach (result, i, value)
    {
        evidence_result (self, catalogue, value, computed);
    }
    json_object_foreach ((json_t *) result, key, value)
    {
        if (strcmp (key, "symbol") == 0)
            add_product (self, catalogue, value);
        evidence_result (self, catalogue, value, computed);
    }
}

bool evidence_has (const evidence_t *self, int product)
{
    for (size_t i = 0; i < self->product_count; i++)
        if (self->products[i] == product)
            return true;
    return false;
}

bool evidence_among (double value, unsigned decimals, const double *figures, size_t count)
{
    double half = 0.5;
    for (unsigned i = 0; i < decimals; i++)
        half /= 10;
    for (size_t i = 0; i < count; i++) {
        double off = value > figures[i] ? value - figures[i] : figures[i] - value;
        double most = figures[i] * 0.01; /* large amounts are rounded when they are said */
        if (off <= half + 1e-9 || (value >= 1000 && off <= most))
            return true;
    }
    return false;
}
