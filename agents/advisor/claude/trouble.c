#include "advisor/claude/trouble.h"

const char *trouble_word (trouble_t trouble)
{
    static const char *const WORDS[] = {
#define TROUBLE(id, word, notice) word,
#include "advisor/claude/troubles.def"
#undef TROUBLE
    };
    return WORDS[trouble];
}

const char *trouble_notice (trouble_t trouble)
{
    static const char *const NOTICES[] = {
#define TROUBLE(id, word, notice) notice,
#include "advisor/claude/troubles.def"
#undef TROUBLE
    };
    return NOTICES[trouble];
}
