#include "telegram/compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLBACK_BYTES_MAX = 64, BUTTONS_MAX = 100, ROW_MAX = 8, NUMBER_BYTES = 40 };

static json_t *parse (pal_text_t text)
{
    return json_loadb (text.size ? text.data : "", text.size, JSON_ALLOW_NUL, NULL);
}

/* ------------------------------------------------------------------ recommendations */

/*  Text of others within our Markdown: what could be read as a mark is not one.  */
static void put_escaped (FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr ("\\`*_{}[]<>#|~&", *text))
            fputc ('\\', out);
        fputc (*text == '\n' ? ' ' : *text, out);
    }
}

/*  The first of these fields that is a text or a number, as a text; empty: none is.  */
static const char *fact (const json_t *item, const char *const *names, char number[NUMBER_BYTES])
{
    for (; *names; names++) {
        const json_t *value = json_object_get (item, *names);
        if (json_string_length (value))
            return json_string_value (value);
        if (json_is_number (value)) {
            snprintf (number, NUMBER_BYTES, "%.10g", json_number_value (value));
            return number;
        }
    }
    return "";
}

static void put_fact (FILE *out, bool *first, const char *label, const char *text)
{
    if (!*text)
        return;
    fprintf (out, "%s%s: ", *first ? "\\\n" : " · ", label);
    put_escaped (out, text);
    *first = false;
}

/*  What agents call these things.  */
static const char *const names[] = {"name", "product_name", "product", "title", NULL};
static const char *const symbols[] = {"symbol", "ticker", NULL};
static const char *const risks[] = {"risk_level", "risk", NULL};
static const char *const returns[] = {"expected_return", "return", NULL};
static const char *const fees[] = {"fee", NULL};
static const char *const reasons[] = {"why", "reason", "rationale", "description", NULL};

static void put_recommendation (FILE *out, const json_t *item, size_t number)
{
    char digits[NUMBER_BYTES];
    bool first = true;
    const char *symbol = fact (item, symbols, digits);
    fprintf (out, "\n\n**%zu. ", number);
    put_escaped (out,
                 json_is_string (item) ? json_string_value (item) : fact (item, names, digits));
    fputs ("**", out);
    if (*symbol) {
        fputs (" (", out);
        put_escaped (out, fact (item, symbols, digits));
        fputc (')', out);
    }
    put_fact (out, &first, "Risk", fact (item, risks, digits));
    put_fact (out, &first, "Return", fact (item, returns, digits));
    put_fact (out, &first, "Fee", fact (item, fees, digits));
    const char *why = fact (item, reasons, digits);
    if (*why) {
        fputs ("\\\n", out);
        put_escaped (out, why);
    }
}

static void put_recommendations (FILE *out, pal_text_t text, unsigned most)
{
    json_t *items = parse (text), *item;
    size_t at;
    json_array_foreach (items, at, item)
    {
        if (at < most)
            put_recommendation (out, item, at + 1);
    }
    json_decref (items);
}

static void put_disclaimers (FILE *out, pal_text_t text, pal_text_t but)
{
    json_t *items = parse (text), *item;
    size_t at;
    json_array_foreach (items, at, item)
    {
        pal_text_t words = {json_string_value (item), json_string_length (item)};
        if (!words.size || pal_text_equal (words, but))
            continue;
        fputs ("\n\n*", out);
        put_escaped (out, words.data);
        fputc ('*', out);
    }
    json_decref (items);
}

/*  Telegram shows no NUL, and here it would end the text.  */
static void put_text (FILE *out, pal_text_t text)
{
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at])
            fputc (text.data[at], out);
    }
}

char *compose_text (const pal_reply_t *reply, const char *end, unsigned most, pal_text_t but)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    if (!out)
        return NULL;
    put_text (out, reply->response_text);
    fputs (end, out);
    put_recommendations (out, reply->recommendations, most);
    put_disclaimers (out, reply->disclaimers, but);
    if (fclose (out) != 0) {
        free (text);
        return NULL;
    }
    return text;
}

/* ------------------------------------------------------------------ buttons */

static bool is_blank (const char *text)
{
    return !text || !text[strspn (text, " \t\r\n")];
}

static json_t *button_of (const json_t *given)
{
    const char *label = json_string_value (json_object_get (given, "label"));
    const char *url = json_string_value (json_object_get (given, "url"));
    const char *action = json_string_value (json_object_get (given, "action"));
    const char *value = json_string_value (json_object_get (given, "value"));
    char data[CALLBACK_BYTES_MAX + 2];
    if (is_blank (label) || (url && url[strcspn (url, " \t\r\n")]))
        return NULL;
    if (url && *url)
        return json_pack ("{s:s, s:s}", "text", label, "url", url);
    if (!action || !*action)
        return NULL;
    int size = snprintf (data, sizeof data, value ? "%s:%s" : "%s", action, value);
    if (size > CALLBACK_BYTES_MAX)
        return NULL;
    return json_pack ("{s:s, s:s}", "text", label, "callback_data", data);
}

static void add_row (json_t *rows, const json_t *given, size_t *left)
{
    json_t *row = json_array ();
    size_t at, count = json_is_array (given) ? json_array_size (given) : 1;
    for (at = 0; at < count && at < ROW_MAX && *left; at++) {
        json_t *button = button_of (json_is_array (given) ? json_array_get (given, at) : given);
        if (button && json_array_append_new (row, button) == 0)
            --*left;
    }
    if (json_array_size (row))
        json_array_append (rows, row);
    json_decref (row);
}

json_t *compose_buttons (pal_text_t metadata)
{
    json_t *json = parse (metadata), *given, *rows = json_array ();
    size_t at, left = BUTTONS_MAX;
    json_array_foreach (json_object_get (json, "buttons"), at, given) add_row (rows, given, &left);
    json_decref (json);
    if (json_array_size (rows))
        return json_pack ("{s:o}", "inline_keyboard", rows);
    json_decref (rows);
    return NULL;
}
