/*  trouble -- why an answer comes without the model
    OWNS    nothing; const tables made from troubles.def
    THREAD  any
    FAILS   never
    COST    none  */

#ifndef ADVISOR_CLAUDE_TROUBLE_H
#define ADVISOR_CLAUDE_TROUBLE_H

typedef enum {
#define TROUBLE(id, word, notice) TROUBLE_##id,
#include "advisor/claude/troubles.def"
#undef TROUBLE
    TROUBLE_COUNT_
} trouble_t;

const char *trouble_word (trouble_t trouble);
const char *trouble_notice (trouble_t trouble);

#endif
