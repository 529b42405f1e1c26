#include "advisor/understand/context.h"

enum { FRAGMENT_WORDS_MAX = 2 };

bool context_has (const context_t *self, mark_kind_t kind)
{
    return self->kinds & (1u << kind);
}

bool context_has_word (const context_t *self, const char *text)
{
    for (size_t at = 0; at < self->words.count; at++)
        if (words_at (&self->words, at, text))
            return true;
    return false;
}

bool context_is_fragment (const context_t *self)
{
    size_t count = self->words.count;
    for (size_t i = 0; i < self->marks.count; i++) {
        const mark_t *mark = &self->marks.items[i];
        bool courtesy = mark->kind == MARK_SOCIAL || words_at (&self->words, mark->first, "please");
        count -= courtesy ? mark->count : 0;
    }
    return count > 0 && count <= FRAGMENT_WORDS_MAX;
}
