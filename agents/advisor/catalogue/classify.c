#include "advisor/catalogue/classify.h"

#include "advisor/catalogue/catalogue.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 512 };

typedef struct {
    asset_class_t asset_class;
    const char *words;
} row_t;

typedef struct {
    const char *tag;
    const char *words;
} tag_row_t;

#define NAME(class, words)
#define TAG(tag, words)
#define KIND(class, words) {CLASS_##class, words},
static const row_t by_kind[] = {
#include "advisor/catalogue/classify.def"
};

#define NAME(class, words) {CLASS_##class, words},
#define KIND(class, words)
#define TAG(tag, words)
static const row_t by_name[] = {
#include "advisor/catalogue/classify.def"
};

#define NAME(class, words)
#define KIND(class, words)
#define TAG(tag, words) {tag, words},
static const tag_row_t by_tag[] = {
#include "advisor/catalogue/classify.def"
};

/*  In lower case, with a blank at both ends.  */
static void prepare (plv_view_t text, char out[TEXT_BYTES])
{
    size_t size = text.size < TEXT_BYTES - 3 ? text.size : TEXT_BYTES - 3;
    out[0] = ' ';
    for (size_t at = 0; at < size; at++)
        out[at + 1] = (char) tolower (text.data[at]);
    out[size + 1] = ' ';
    out[size + 2] = 0;
}

/*  `word` with its size, as classify.def writes it.  */
static bool has_word (const char *text, const char *word, size_t size)
{
    bool whole = *word == '=';
    word += whole;
    size -= whole;
    for (const char *at = text + 1; *at; at++) {
        if (strncmp (at, word, size) != 0 || isalnum ((unsigned char) at[-1]))
            continue;
        if (!whole || !isalnum ((unsigned char) at[size]))
            return true;
    }
    return false;
}

/*  All the words of one alternative; `*end` is where it ends.  */
static bool has_all (const char *text, const char *words, const char **end)
{
    bool all = true;
    while (*words && *words != '|') {
        size_t size = strcspn (words, " |");
        all = all && has_word (text, words, size);
        words += size + (words[size] == ' ');
    }
    *end = *words ? words + 1 : words;
    return all;
}

static bool matches (const char *text, const char *words)
{
    while (*words)
        if (has_all (text, words, &words))
            return true;
    return false;
}

static bool look_up (const row_t *rows, size_t count, plv_view_t text, asset_class_t *ret_class)
{
    char prepared[TEXT_BYTES];
    prepare (text, prepared);
    for (size_t at = 0; at < count; at++) {
        if (matches (prepared, rows[at].words)) {
            *ret_class = rows[at].asset_class;
            return true;
        }
    }
    return false;
}

asset_class_t classify (plv_view_t name, plv_view_t kind)
{
    asset_class_t found = CLASS_thematic;
    if (!look_up (by_name, sizeof by_name / sizeof *by_name, name, &found))
        look_up (by_kind, sizeof by_kind / sizeof *by_kind, kind, &found);
    return found;
}

char *classify_tags (plv_view_t name)
{
    enum { TAGS_BYTES = CATALOGUE_TAGS_MAX * 20 };
    char prepared[TEXT_BYTES];
    char *tags = calloc (1, TAGS_BYTES);
    size_t count = 0, size = 0;
    prepare (name, prepared);
    for (size_t at = 0; tags && at < sizeof by_tag / sizeof *by_tag; at++) {
        if (count == CATALOGUE_TAGS_MAX || !matches (prepared, by_tag[at].words))
            continue;
        size += (size_t) snprintf (tags + size, TAGS_BYTES - size, "%s%s", count ? " " : "",
                                   by_tag[at].tag);
        count++;
    }
    return tags;
}
