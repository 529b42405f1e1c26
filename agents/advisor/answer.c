#include "advisor/answer.h"

#include <stdarg.h>
#include <stdlib.h>

void answer_free (answer_t *self)
{
    plv_buf_free (&self->text);
}

void answer_say (answer_t *self, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start (args, format);
    int size = vasprintf (&line, format, args);
    va_end (args);
    if (size < 0) {
        self->text.failed = true;
        return;
    }
    plv_buf_add (&self->text, line, (size_t) size);
    free (line);
}

void answer_source (answer_t *self, const char *source)
{
    for (size_t i = 0; i < self->source_count; i++)
        if (strcmp (self->sources[i], source) == 0)
            return;
    if (self->source_count < SOURCES_MAX)
        self->sources[self->source_count++] = source;
}

const char *answer_return (const product_t *product, char ret_text[FIGURE_BYTES])
{
    snprintf (ret_text, FIGURE_BYTES, "%.1f to %.1f %% a year", product->low, product->high);
    return ret_text;
}

const char *answer_fee (const product_t *product, char ret_text[FIGURE_BYTES])
{
    if (product->fee == FEE_UNKNOWN)
        snprintf (ret_text, FIGURE_BYTES, "not known");
    else
        snprintf (ret_text, FIGURE_BYTES, "%.4g %% a year", product->fee);
    return ret_text;
}

const char *answer_months (int months, char ret_text[FIGURE_BYTES])
{
    bool years = months >= 12 && months % 12 == 0;
    int number = years ? months / 12 : months;
    snprintf (ret_text, FIGURE_BYTES, "%d %s%s", number, years ? "year" : "month",
              number == 1 ? "" : "s");
    return ret_text;
}
