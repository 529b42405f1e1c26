#include "advisor/understand/understand.h"

static const struct {
    const char *words;
    const char *text;
} TERMS[] = {
#define TERM(words, text) {words, text},
#include "advisor/offline/glossary.def"
#undef TERM
};

bool glossary_has (const words_t *words, size_t at)
{
    for (size_t i = 0; i < sizeof TERMS / sizeof *TERMS; i++)
        if (phrases_match (TERMS[i].words, words, at))
            return true;
    return false;
}

const char *glossary_find (const words_t *words)
{
    const char *text = NULL;
    size_t longest = 0;
    for (size_t at = 0; at < words->count; at++)
        for (size_t i = 0; i < sizeof TERMS / sizeof *TERMS; i++) {
            size_t count = phrases_match (TERMS[i].words, words, at);
            if (count > longest) {
                longest = count;
                text = TERMS[i].text;
            }
        }
    return text;
}
