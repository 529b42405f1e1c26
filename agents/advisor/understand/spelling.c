#include "advisor/understand/spelling.h"

static const char *const WORDS[] = {
#define WORD(word_) word_,
#define SHORT(short_, word_)
#include "advisor/understand/spelling.def"
#undef WORD
#undef SHORT
};

static const struct {
    const char *written;
    const char *word;
} SHORTS[] = {
#define WORD(word_)
#define SHORT(short_, word_) {short_, word_},
#include "advisor/understand/spelling.def"
#undef WORD
#undef SHORT
};

/*  Are the two one slip apart: a letter changed, left out, put in, or two that changed places?  */
static bool one_slip (const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t head = 0, tail = 0, least = a_size < b_size ? a_size : b_size;
    while (head < least && a[head] == b[head])
        head++;
    while (tail < least - head && a[a_size - 1 - tail] == b[b_size - 1 - tail])
        tail++;
    size_t a_left = a_size - head - tail, b_left = b_size - head - tail;
    if (a_left <= 1 && b_left <= 1)
        return true;
    return a_left == 2 && b_left == 2 && a[head] == b[head + 1] && a[head + 1] == b[head];
}

static const char *mended (const word_t *word)
{
    for (size_t i = 0; i < sizeof SHORTS / sizeof *SHORTS; i++)
        if (strcmp (SHORTS[i].written, word->text) == 0)
            return SHORTS[i].word;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcmp (WORDS[i], word->text) == 0)
            return NULL;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (WORDS[i][0] == word->text[0]
            && one_slip (word->text, word->size, WORDS[i], strlen (WORDS[i])))
            return WORDS[i];
    return NULL;
}

void spelling_mend (words_t *words)
{
    for (size_t i = 0; i < words->count; i++) {
        word_t *word = &words->items[i];
        const char *text = word->number || (word->upper && !words->shout) ? NULL : mended (word);
        if (!text)
            continue;
        word->size = (uint8_t) strlen (text);
        memcpy (word->text, text, (size_t) word->size + 1);
    }
}
